import type { Session } from '../auth/session.js';
import { refuseSuspended } from '../auth/suspension.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import type { EventId, RoomId } from '../matrix/identifiers.js';
import { natural, object, optional, string, type JsonObject, type TypeOf } from '../matrix/schema.js';
import type { PermittedDraft } from '../policy/permit.js';
import type { Transaction } from '../storage/database.js';
import { enqueue } from '../storage/outbox.js';
import { composeEvent } from './compose.js';
import { dropOrphaned, findScheduled, insertDelayed, waitingOf } from './delayed-store.js';
import { findSent } from './events-store.js';
import { lockRoom, NOT_IN_ROOM, type LockedRoom } from './lock.js';
import { attachment, permittedMessage, preparedMessage, sendMessage } from './send.js';
import { permittedState, refuseAnywhere, setState } from './set-state.js';
import { massage, type RoomWriting } from './writing.js';

/** MSC4140, until it is in the specification. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
const delay = { 'org.matrix.msc4140.delay': optional(natural), 'org.matrix.msc4140.parent_delay_id': optional(string) };
export const WriteQuery = object({ ...attachment, ...massage, ...delay });
type Query = TypeOf<typeof WriteQuery>;

export interface Delaying extends RoomWriting {
  /** The longest delay; 0: nothing is delayed. */
  readonly maxEventDelayMs: number;
}

type Answer = { event_id: EventId } | { delay_id: string };
type MessageCall = { session: Session; params: { roomId: RoomId; eventType: string; txnId: string }; body: JsonObject; query: Query };
type StateCall = { session: Session; params: { roomId: RoomId; eventType: string; stateKey: string }; body: JsonObject; query: Query };

/** The kind of task that sends what is due. */
export const DELAYED_EVENT = 'delayed event';
/** Synapse's bound. */
const MOST_WAITING = 100;

/** Sends a message, at once or after the delay asked for; what may not be sent now is not scheduled either. */
export async function sendOrDelayMessage(deps: Delaying, call: MessageCall): Promise<Answer> {
  const { session, params, body, query } = call;
  const delayMs = delayIn(deps, query);
  if (delayMs === undefined) return sendMessage(deps, call);
  const message = permittedMessage(params.eventType, body);
  refuseSuspended(session);
  return schedule(deps, session, { ...params, content: body, delayMs }, (tx, room) => preparedMessage(tx, room, session, message));
}

/** Sets a state, at once or after the delay asked for. Memberships never wait: whoever joins is there (RULES A12). */
export async function setOrDelayState(deps: Delaying, call: StateCall): Promise<Answer> {
  const { session, params, body, query } = call;
  const delayMs = delayIn(deps, query);
  if (delayMs === undefined) return setState(deps, call);
  const { eventType, stateKey } = params;
  refuseAnywhere(eventType, stateKey, body);
  if (eventType === 'm.room.member') throw forbidden('A membership cannot be delayed');
  return schedule(deps, session, { ...params, content: body, delayMs }, async (tx, room) => ({ draft: await permittedState(tx, room, eventType, stateKey, body) }));
}

export async function setOrDelayStateWithoutKey(
  deps: Delaying,
  call: Omit<StateCall, 'params'> & { params: { roomId: RoomId; eventType: string } },
): Promise<Answer> {
  return setOrDelayState(deps, { ...call, params: { ...call.params, stateKey: '' } });
}

function delayIn({ maxEventDelayMs }: Delaying, query: Query): number | undefined {
  // To send at once what somebody meant to be sent never, or after something else, would be worst.
  if (query['org.matrix.msc4140.parent_delay_id'] !== undefined) throw new MatrixError('M_INVALID_PARAM', 'An event cannot be delayed until another is sent');
  const delayMs = query['org.matrix.msc4140.delay'];
  if (delayMs === undefined) return undefined;
  if (query.attach_media !== undefined) throw new MatrixError('M_INVALID_PARAM', 'What carries uploads cannot be delayed');
  if (maxEventDelayMs === 0) throw forbidden('Events are not delayed on this server');
  if (delayMs <= maxEventDelayMs) return delayMs;
  throw new MatrixError('M_UNKNOWN', `An event is delayed by at most ${maxEventDelayMs} ms`, {
    status: 400,
    body: { 'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED', 'org.matrix.msc4140.max_delay': maxEventDelayMs },
  });
}

interface Wish {
  readonly roomId: RoomId;
  readonly eventType: string;
  readonly stateKey?: string;
  readonly txnId?: string;
  readonly content: JsonObject;
  readonly delayMs: number;
}

/** Composes the event as if it were sent now, so that whatever refuses it does so at once, and keeps what was asked for instead. */
async function schedule(
  deps: Delaying,
  session: Session,
  wish: Wish,
  draftFor: (tx: Transaction, room: LockedRoom) => Promise<{ draft: PermittedDraft; redacts?: EventId }>,
): Promise<{ delay_id: string }> {
  const now = deps.clock();
  const delay_id = deps.random(24).toString('base64url');
  return deps.db.transaction(async (tx) => {
    const room = await lockRoom(tx, wish.roomId, deps.states);
    await room.state.load(tx, [['m.room.member', session.userId]]);
    if (room.state.get('m.room.member', session.userId)?.content['membership'] !== 'join') throw forbidden(NOT_IN_ROOM);
    await dropOrphaned(tx, session.userNid);
    const known = await scheduledBefore(tx, room, session, wish);
    if (known !== undefined) return known;
    // Sent already: an id that leads nowhere, as the one given then does by now.
    if (await wasSent(tx, session, wish)) return { delay_id };
    const { draft, redacts } = await draftFor(tx, room);
    await composeEvent(tx, room, draft, { sender: session.userId, signer: deps.signer, now, ...(redacts === undefined ? {} : { redacts }) });
    await refuseTooMany(tx, session, now);
    await enqueue(tx, DELAYED_EVENT, { delay_id }, now + wish.delayMs);
    await insertDelayed(tx, {
      delay_id,
      user_nid: session.userNid,
      device_nid: session.deviceNid,
      session_nid: session.sessionNid,
      room_nid: room.nid,
      type: wish.eventType,
      state_key: wish.stateKey ?? null,
      content: JSON.stringify(wish.content),
      txn_id: wish.txnId ?? null,
      delay_ms: wish.delayMs,
      since_ts: now,
      due_ts: now + wish.delayMs,
    });
    return { delay_id };
  });
}

async function scheduledBefore(tx: Transaction, room: LockedRoom, { deviceNid }: Session, { eventType: type, txnId }: Wish): Promise<{ delay_id: string } | undefined> {
  return txnId === undefined ? undefined : findScheduled(tx, { deviceNid, roomNid: room.nid, type, txnId });
}

async function wasSent(tx: Transaction, { deviceNid }: Session, { roomId, eventType: type, txnId }: Wish): Promise<boolean> {
  return txnId !== undefined && (await findSent(tx, { deviceNid, roomId, type, txnId })) !== undefined;
}

async function refuseTooMany(tx: Transaction, { userNid }: Session, now: number): Promise<void> {
  await tx.lock(`delayed/${userNid}`);
  const { n, first_ts } = await waitingOf(tx, userNid);
  if (n < MOST_WAITING) return;
  throw new MatrixError('M_LIMIT_EXCEEDED', `At most ${MOST_WAITING} events of one person wait to be sent`, { body: { retry_after_ms: Math.max(1000, (first_ts ?? now) - now) } });
}
