import { isUnlimited, type Brake } from '../auth/brakes.js';
import type { Session } from '../auth/session.js';
import type { EventId, RoomId } from '../matrix/identifiers.js';
import { object, optional, string, type TypeOf } from '../matrix/schema.js';
import { sentBy } from './events-store.js';
import { permittedMessage, sendOnce } from './send.js';
import type { RoomWriting } from './writing.js';

/** Where the operator has set a rate for redacting what others sent; what one redacts of one's own then counts as a message. */
export interface RedactionBrakes {
  readonly own: Brake;
  readonly ofOthers: Brake;
}

export const RedactionBody = object({ reason: optional(string) });

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid */
export async function redactMessage(
  deps: RoomWriting & { readonly redactionBrakes: RedactionBrakes | undefined },
  call: { session: Session; params: { roomId: RoomId; eventId: EventId; txnId: string }; body: TypeOf<typeof RedactionBody> },
): Promise<{ event_id: EventId }> {
  const { session, params, body } = call;
  const content = { redacts: params.eventId, ...(body.reason === undefined ? {} : { reason: body.reason }) };
  const message = permittedMessage('m.room.redaction', content);
  if (deps.redactionBrakes !== undefined && !isUnlimited(session)) {
    const isOfAnother = await deps.db.read((tx) => sentBy(tx, params, session.userNid)) === false;
    await deps.redactionBrakes[isOfAnother ? 'ofOthers' : 'own'].spend(session.userId);
  }
  return sendOnce(deps, session, params, message);
}
