import { canonicalJson } from '../matrix/canonical-json.js';
import { MatrixError } from '../matrix/errors.js';
import { authEventsFor, authorise, type AuthorisedEvent } from '../matrix/event-auth.js';
import { signEvent, type EventSigner } from '../matrix/event-hash.js';
import type { Pdu, PduDraft } from '../matrix/event.js';
import type { EventId, UserId } from '../matrix/identifiers.js';
import type { PermittedDraft } from '../policy/permit.js';
import type { Transaction } from '../storage/database.js';
import type { LockedRoom, NascentRoom } from './lock.js';

/** A class only so that no literal fits, not even one around an authorised event: the rules of this server never saw that. */
class Composed {
  declare private readonly permitted: true;

  constructor(
    readonly eventId: EventId,
    readonly pdu: AuthorisedEvent<Pdu>,
  ) {}
}

/** An event with its id, allowed by the rules of this server and by the room's state: all that `appendEvent` takes. Made only here. */
export type ComposedEvent = Composed;

/** https://spec.matrix.org/v1.19/client-server-api/#size-limits */
const MAX_PDU_BYTES = 65_536;
const MAX_NAME_BYTES = 255;
/** Hashes, signatures and the rest of the envelope never take more than this. */
const ENVELOPE_BYTES = 4096;

/**
 * Makes an event of a permitted draft: places it after the room's newest, hashes and signs it, and refuses it with M_FORBIDDEN
 * unless the room's state allows it. https://spec.matrix.org/v1.19/server-server-api/#signing-events
 */
export async function composeEvent(
  tx: Transaction,
  room: LockedRoom | NascentRoom,
  draft: PermittedDraft,
  by: { sender: UserId; signer: EventSigner; now: number; redacts?: EventId },
): Promise<ComposedEvent> {
  const keys = authEventsFor({ type: draft.type, sender: by.sender, content: draft.content, ...stateKeyOf(draft) }, room.version);
  // Authorisation always reads the create event; from version 12 on it is among nobody's auth events.
  await room.state.load(tx, [['m.room.create', ''], ...keys]);
  const isCreate = draft.type === 'm.room.create';
  const unhashed: PduDraft = {
    type: draft.type,
    ...stateKeyOf(draft),
    sender: by.sender,
    ...(isCreate && room.version.roomIdIsCreateHash ? {} : { room_id: room.id }),
    content: draft.content,
    origin_server_ts: by.now,
    depth: Math.min(room.tip.depth + 1, Number.MAX_SAFE_INTEGER),
    prev_events: room.tip.extremities,
    auth_events: keys.flatMap(([type, stateKey]) => room.state.get(type, stateKey)?.eventId ?? []),
    ...(by.redacts !== undefined && !room.version.redactsInContent ? { redacts: by.redacts } : {}),
  };
  const { eventId, pdu } = signEvent(unhashed, room.version, by.signer);
  refuseOversize(pdu);
  return new Composed(eventId, authorise(pdu, (type, stateKey) => room.state.get(type, stateKey), room.version));
}

function stateKeyOf(draft: PermittedDraft): { state_key?: string } {
  return draft.stateKey === undefined ? {} : { state_key: draft.stateKey };
}

function refuseOversize(pdu: Pdu): void {
  if ([pdu.type, pdu.state_key ?? ''].some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)) {
    throw new MatrixError('M_TOO_LARGE', `The type and the state key of an event have at most ${MAX_NAME_BYTES} bytes`);
  }
  if (Buffer.byteLength(JSON.stringify(pdu.content)) <= MAX_PDU_BYTES - ENVELOPE_BYTES) return;
  if (Buffer.byteLength(canonicalJson(pdu)) > MAX_PDU_BYTES) throw new MatrixError('M_TOO_LARGE', 'An event has at most 65,536 bytes');
}
