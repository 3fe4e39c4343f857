import type { Session } from '../auth/session.js';
import { refuseSuspended } from '../auth/suspension.js';
import { forbidden, MatrixError, notFound } from '../matrix/errors.js';
import { parseEventId, type EventId, type RoomId } from '../matrix/identifiers.js';
import { parsePowerLevels } from '../matrix/power-levels.js';
import { array, object, optional, string, text, type JsonObject, type TypeOf } from '../matrix/schema.js';
import { permitMessage, type PermittedDraft } from '../policy/permit.js';
import type { Transaction } from '../storage/database.js';
import { redactedText } from './event-text.js';
import { findEvent, findSent, redactEvent, type EventRow } from './events-store.js';
import { lockRoom, type LockedRoom } from './lock.js';
import { relationOf } from './relations.js';
import { hasAnnotated } from './relations-store.js';
import { moveTip } from './rooms-store.js';
import { appendDraft, type RoomWriting } from './writing.js';

/** Which uploads an event carries (MSC3911). https://github.com/matrix-org/matrix-spec-proposals/pull/3911 */
export const SendQuery = object({ attach_media: optional(array(text({ pattern: '^mxc://[^/\\s]+/[A-Za-z0-9_-]+$' }), { maxItems: 20 })) });

export const RedactionBody = object({ reason: optional(string) });

/**
 * Sends an event to a room, once for a device and a transaction id, even across a crash.
 * https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
 */
export async function sendMessage(
  deps: RoomWriting,
  call: { session: Session; params: { roomId: RoomId; eventType: string; txnId: string }; query?: TypeOf<typeof SendQuery>; body: JsonObject },
): Promise<{ event_id: EventId }> {
  const { session, params, query = {}, body } = call;
  const draft = permitMessage(params.eventType, body);
  if (params.eventType !== 'm.room.redaction') refuseSuspended(session);
  if (params.eventType === 'm.room.redaction') {
    const redacts = body['redacts'];
    if (typeof redacts !== 'string') throw new MatrixError('M_MISSING_PARAM', 'redacts must name the event to redact');
    return redact(deps, session, { ...params, draft, eventId: parseEventId(redacts) });
  }
  return sendOnce(deps, session, { ...params, type: params.eventType }, async (tx, room) => {
    await refuseSecondAnnotation(tx, room, session.userNid, body);
    return { draft, ...(query.attach_media === undefined ? {} : { attachMedia: query.attach_media }) };
  });
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid */
export async function redactMessage(
  deps: RoomWriting,
  call: { session: Session; params: { roomId: RoomId; eventId: EventId; txnId: string }; body: TypeOf<typeof RedactionBody> },
): Promise<{ event_id: EventId }> {
  const { session, params, body } = call;
  const content = { redacts: params.eventId, ...(body.reason === undefined ? {} : { reason: body.reason }) };
  return redact(deps, session, { ...params, draft: permitMessage('m.room.redaction', content) });
}

interface Redaction {
  readonly roomId: RoomId;
  readonly eventId: EventId;
  readonly txnId: string;
  readonly draft: PermittedDraft;
}

async function redact(deps: RoomWriting, session: Session, what: Redaction): Promise<{ event_id: EventId }> {
  let target: EventRow | undefined;
  return sendOnce(
    deps,
    session,
    { roomId: what.roomId, type: 'm.room.redaction', txnId: what.txnId },
    async (tx, room) => {
      await room.state.load(tx, [['m.room.create', ''], ['m.room.power_levels', ''], ['m.room.member', session.userId]]);
      if (room.state.get('m.room.member', session.userId)?.content['membership'] !== 'join') throw forbidden('You are not in this room');
      target = await findEvent(tx, room.nid, what.eventId);
      if (target === undefined) throw notFound('There is no such event in this room');
      refuseRedactionOf(room, target, session);
      const { redacts: _, ...outside } = what.draft.content;
      const draft = room.version.redactsInContent ? what.draft : permitMessage('m.room.redaction', outside);
      return { draft, redacts: what.eventId };
    },
    async (tx, room, seq) => {
      if (target !== undefined) await takeAway(deps, tx, room, { target, bySeq: seq });
    },
  );
}

/** One's own events, and with the power to redact everybody's; the encryption of a room is beyond anybody (RULES B2). */
function refuseRedactionOf(room: LockedRoom, target: EventRow, session: Session): void {
  if (target.type === 'm.room.encryption' && target.state_key !== null) throw forbidden('The encryption of a room cannot be redacted');
  if (target.type === 'm.room.create') throw forbidden('The creation of a room cannot be redacted');
  if (target.sender_nid === session.userNid) return;
  refuseSuspended(session);
  const create = room.state.get('m.room.create', '');
  if (create === undefined) throw new Error('a room without its create event');
  const levels = parsePowerLevels(room.state.get('m.room.power_levels', '')?.content, create, room.version);
  if (levels.userLevel(session.userId) < levels.redact) throw forbidden(`You need power level ${levels.redact} to redact what others sent`);
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

/** The one way to a timeline event: finds the event of an earlier identical request, or locks the room and appends. */
async function sendOnce(
  deps: RoomWriting,
  session: Session,
  request: { roomId: RoomId; type: string; txnId: string },
  prepare: (tx: Transaction, room: LockedRoom) => Promise<{ draft: PermittedDraft; redacts?: EventId; attachMedia?: readonly string[] }>,
  afterwards?: (tx: Transaction, room: LockedRoom, seq: number) => Promise<void>,
): Promise<{ event_id: EventId }> {
  const now = deps.clock();
  return deps.db.transaction(async (tx) => {
    // Locked before looking: of two identical requests at once the second finds what the first sent.
    const room = await lockRoom(tx, request.roomId, deps.states);
    const sent = await findSent(tx, { deviceNid: session.deviceNid, ...request });
    if (sent !== undefined) return { event_id: sent.event_id };
    const { draft, ...more } = await prepare(tx, room);
    const event = await appendDraft(deps, tx, room, draft, {
      actor: session,
      now,
      txnId: request.txnId,
      ...more,
    });
    await afterwards?.(tx, room, event.seq);
    return { event_id: event.eventId };
  });
}

/** https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations */
async function refuseSecondAnnotation(tx: Transaction, room: LockedRoom, senderNid: number, body: JsonObject): Promise<void> {
  const relation = relationOf(body);
  if (relation?.key !== undefined && (await hasAnnotated(tx, room.nid, senderNid, relation))) {
    throw new MatrixError('M_DUPLICATE_ANNOTATION', 'You have reacted to this event with this key already');
  }
}
