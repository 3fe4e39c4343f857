import type { Session } from '../auth/session.js';
import { refuseSuspended } from '../auth/suspension.js';
import { forbidden, MatrixError, notFound } from '../matrix/errors.js';
import { parseEventId, type EventId, type RoomId } from '../matrix/identifiers.js';
import { parsePowerLevels } from '../matrix/power-levels.js';
import { array, object, optional, text, type JsonObject, type TypeOf } from '../matrix/schema.js';
import { permitMessage, type PermittedDraft } from '../policy/permit.js';
import type { Transaction } from '../storage/database.js';
import { redactedText } from './event-text.js';
import { findEvent, findSent, redactEvent, type EventRow } from './events-store.js';
import { lockRoom, type LockedRoom } from './lock.js';
import { relationOf } from './relations.js';
import { hasAnnotated } from './relations-store.js';
import { moveTip } from './rooms-store.js';
import { actorAt, appendDraft, massage, type Actor, type RoomWriting } from './writing.js';

/** Which uploads an event carries (MSC3911). https://github.com/matrix-org/matrix-spec-proposals/pull/3911 */
export const attachment = { attach_media: optional(array(text({ pattern: '^mxc://[^/\\s]+/[A-Za-z0-9_-]+$' }), { maxItems: 20 })) };
const AttachmentQuery = object({ ...attachment, ...massage });

/**
 * Sends an event to a room, once for a device and a transaction id, even across a crash.
 * https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
 */
export async function sendMessage(
  deps: RoomWriting,
  call: { session: Session; params: { roomId: RoomId; eventType: string; txnId: string }; query?: TypeOf<typeof AttachmentQuery>; body: JsonObject },
): Promise<{ event_id: EventId }> {
  const { session, params, query, body } = call;
  const message = permittedMessage(params.eventType, body);
  if (message.redacts === undefined) refuseSuspended(session);
  return sendOnce(deps, session, params, { ...message, attachMedia: query?.attach_media }, query?.ts);
}

/** What may stand in a timeline by the rules of this server; whether it may in a certain room is another question. */
export interface PermittedMessage {
  readonly draft: PermittedDraft;
  readonly redacts?: EventId;
  readonly attachMedia?: readonly string[] | undefined;
}

export function permittedMessage(type: string, body: JsonObject): PermittedMessage {
  const draft = permitMessage(type, body);
  if (type !== 'm.room.redaction') return { draft };
  const redacts = body['redacts'];
  if (typeof redacts !== 'string') throw new MatrixError('M_MISSING_PARAM', 'redacts must name the event to redact');
  return { draft, redacts: parseEventId(redacts) };
}

/** Refuses what the room has something against, its authorisation rules apart; resolves to what is to be composed. */
export async function preparedMessage(
  tx: Transaction,
  room: LockedRoom,
  actor: Actor,
  message: PermittedMessage,
): Promise<PermittedMessage & { readonly target?: EventRow }> {
  const { draft, redacts } = message;
  if (redacts === undefined) {
    await refuseSecondAnnotation(tx, room, actor.userNid, draft.content);
    return message;
  }
  await room.state.load(tx, [['m.room.create', ''], ['m.room.power_levels', ''], ['m.room.member', actor.userId]]);
  if (room.state.get('m.room.member', actor.userId)?.content['membership'] !== 'join') throw forbidden('You are not in this room');
  const target = await findEvent(tx, room.nid, redacts);
  if (target === undefined) throw notFound('There is no such event in this room');
  refuseRedactionOf(room, target, actor);
  const { redacts: _, ...outside } = draft.content;
  return { draft: room.version.redactsInContent ? draft : permitMessage('m.room.redaction', outside), redacts, target };
}

/** The one way to a timeline event; what a redaction names is emptied in the same transaction. */
export async function appendMessage(
  deps: RoomWriting,
  tx: Transaction,
  room: LockedRoom,
  message: PermittedMessage,
  by: { actor: Actor; now: number; txnId: string },
): Promise<EventId> {
  const { draft, target, redacts, attachMedia } = await preparedMessage(tx, room, by.actor, message);
  const event = await appendDraft(deps, tx, room, draft, {
    ...by,
    ...(redacts === undefined ? {} : { redacts }),
    attachMedia,
  });
  if (target !== undefined) await takeAway(deps, tx, room, { target, bySeq: event.seq });
  return event.eventId;
}

/** Finds the event of an earlier identical request, or locks the room and appends. */
export async function sendOnce(
  deps: RoomWriting,
  session: Session,
  { roomId, txnId }: { roomId: RoomId; txnId: string },
  message: PermittedMessage,
  ts?: number,
): Promise<{ event_id: EventId }> {
  const now = deps.clock();
  return deps.db.transaction(async (tx) => {
    // Locked before looking: of two identical requests at once the second finds what the first sent.
    const room = await lockRoom(tx, roomId, deps.states);
    const sent = await findSent(tx, { deviceNid: session.deviceNid, roomId, type: message.draft.type, txnId });
    if (sent !== undefined) return { event_id: sent.event_id };
    return { event_id: await appendMessage(deps, tx, room, message, { actor: actorAt(session, ts), now, txnId }) };
  });
}

/** One's own events, and with the power to redact everybody's; the encryption of a room is beyond anybody (RULES B2). */
function refuseRedactionOf(room: LockedRoom, target: EventRow, actor: Actor): void {
  if (target.state_type === 'm.room.encryption') throw forbidden('The encryption of a room cannot be redacted');
  if (target.state_type === 'm.room.create') throw forbidden('The creation of a room cannot be redacted');
  if (target.sender_nid === actor.userNid) return;
  refuseSuspended(actor);
  const create = room.state.get('m.room.create', '');
  if (create === undefined) throw new Error('a room without its create event');
  const levels = parsePowerLevels(room.state.get('m.room.power_levels', '')?.content, create, room.version);
  if (levels.userLevel(actor.userId) < levels.redact) throw forbidden(`You need power level ${levels.redact} to redact what others sent`);
}

/** What was said is gone in the transaction that takes the redaction (RULES B16). */
async function takeAway(deps: RoomWriting, tx: Transaction, room: LockedRoom, { target, bySeq }: { target: EventRow; bySeq: number }): Promise<void> {
  await redactEvent(tx, { roomNid: room.nid, seq: target.seq, json: redactedText(target.json, room.version), bySeq });
  for (const observer of deps.observers) await observer.onRedaction?.(tx, { roomNid: room.nid, seq: target.seq, now: deps.clock() });
  if (target.state_key === null) return;
  // A redacted state event stays in force and says less than before.
  room.tip = { ...room.tip, state_seq: bySeq };
  await moveTip(tx, room.nid, room.tip);
}

/** https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations */
async function refuseSecondAnnotation(tx: Transaction, room: LockedRoom, senderNid: number, body: JsonObject): Promise<void> {
  const relation = relationOf(body);
  if (relation?.key !== undefined && (await hasAnnotated(tx, room.nid, senderNid, relation))) {
    throw new MatrixError('M_DUPLICATE_ANNOTATION', 'You have reacted to this event with this key already');
  }
}
