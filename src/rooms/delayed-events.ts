import type { Session } from '../auth/session.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import { object, oneOf, type JsonObject, type TypeOf } from '../matrix/schema.js';
import type { Transaction } from '../storage/database.js';
import { enqueue, type Task } from '../storage/outbox.js';
import { holdStream } from '../storage/stream.js';
import type { EventObserver } from './append.js';
import { DELAYED_EVENT } from './delay.js';
import { delayedOf, dropSuperseded, livingSender, restart, takeDelayed, whenDue, type DelayedEvent } from './delayed-store.js';
import { findSent } from './events-store.js';
import { lockRoom, type LockedRoom } from './lock.js';
import { appendMessage, permittedMessage } from './send.js';
import { writeState } from './set-state.js';
import type { RoomWriting } from './writing.js';

export const DelayedAction = object({ action: oneOf('cancel', 'restart', 'send') });
type OneCall = { params: { delayId: string } };

/** What of one's own waits to be sent. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export async function listDelayed(deps: Pick<RoomWriting, 'db'>, { session }: { session: Session }): Promise<object> {
  const waiting = await deps.db.read((tx) => delayedOf(tx, session.userNid));
  return { delayed_events: waiting.map(shown) };
}

export async function getDelayed(deps: Pick<RoomWriting, 'db'>, { session, params }: OneCall & { session: Session }): Promise<object> {
  const [found] = await deps.db.read((tx) => delayedOf(tx, session.userNid, params.delayId));
  if (found === undefined) throw noSuchDelay();
  return shown(found);
}

/** The id is a key of its own: a client gives it to whoever sees before the server that the client is gone. */
export async function updateDelayed(deps: RoomWriting, { params, body }: OneCall & { body: TypeOf<typeof DelayedAction> }): Promise<object> {
  switch (body.action) {
    case 'cancel':
      return cancelDelayed(deps, { params });
    case 'restart':
      return restartDelayed(deps, { params });
    case 'send':
      return sendDelayed(deps, { params });
  }
}

export async function cancelDelayed({ db }: Pick<RoomWriting, 'db'>, { params }: OneCall): Promise<object> {
  const taken = await db.transaction((tx) => takeDelayed(tx, params.delayId));
  if (taken === undefined) throw noSuchDelay();
  return {};
}

export async function restartDelayed({ db, clock }: Pick<RoomWriting, 'db' | 'clock'>, { params }: OneCall): Promise<object> {
  const now = clock();
  if (!(await db.transaction((tx) => restart(tx, params.delayId, now)))) throw noSuchDelay();
  return {};
}

export async function sendDelayed(deps: RoomWriting, { params }: OneCall): Promise<object> {
  if (!(await sendOrGiveUp(deps, params.delayId))) throw noSuchDelay();
  return {};
}

/** Works off a task: sends what is due; what has been restarted since gets a new task, and what is gone needs none. */
export async function sendWhenDue(deps: RoomWriting, { payload }: Task): Promise<void> {
  const { delay_id } = payload as { delay_id: string };
  const now = deps.clock();
  const isDue = await deps.db.transaction(async (tx) => {
    const due = (await whenDue(tx, delay_id))?.due_ts;
    if (due === undefined) await takeDelayed(tx, delay_id);
    if (due !== undefined && due > now) await enqueue(tx, DELAYED_EVENT, { delay_id }, due);
    return due !== undefined && due <= now;
  });
  if (isDue) await sendOrGiveUp(deps, delay_id).catch(ignoreRefusal);
}

/** Who sets a state has the last word: what others wanted to make of it later is forgotten. */
export const delayedEventsObserver: EventObserver = {
  async onEvent(tx, { roomNid, type, stateKey, senderNid }) {
    if (stateKey !== undefined) await dropSuperseded(tx, { roomNid, type, stateKey, senderNid });
  },
};

/** False when there is none. What the rules or the room have come to refuse is not tried again. */
async function sendOrGiveUp(deps: RoomWriting, delayId: string): Promise<boolean> {
  const now = deps.clock();
  try {
    return await deps.db.transaction(async (tx) => {
      const roomId = (await whenDue(tx, delayId))?.room_id;
      if (roomId === undefined) return false;
      const room = await lockRoom(tx, roomId, deps.states);
      await holdStream(tx);
      const event = await takeDelayed(tx, delayId);
      if (event === undefined) return false;
      await send(deps, tx, room, event, now);
      return true;
    });
  } catch (error) {
    if (error instanceof MatrixError) await deps.db.transaction((tx) => takeDelayed(tx, delayId));
    throw error;
  }
}

/** By the same functions as an event that is sent at once, so that nothing passes by waiting. */
async function send(deps: RoomWriting, tx: Transaction, room: LockedRoom, event: DelayedEvent, now: number): Promise<void> {
  const sender = await livingSender(tx, event.device_nid, now);
  if (sender === undefined) return;
  const { type, state_key: stateKey, txn_id: txnId, device_nid: deviceNid } = event;
  const actor = { userNid: sender.user_nid, userId: sender.user_id, deviceNid };
  const content = JSON.parse(event.content) as JsonObject;
  if (stateKey !== null) {
    await writeState(deps, tx, room, { type, stateKey, content }, { actor, now });
  } else if (txnId !== null && (await findSent(tx, { deviceNid, roomId: room.id, type, txnId })) === undefined) {
    await appendMessage(deps, tx, room, permittedMessage(type, content), { actor, now, txnId });
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof MatrixError)) throw error;
}

/** Under its names of today and, as clients in use ask for them, of before. */
function shown(event: DelayedEvent & { readonly room_id: string }): object {
  const { delay_id, room_id, type, state_key, delay_ms, since_ts } = event;
  return {
    delay_id,
    room_id,
    type,
    ...(state_key === null ? {} : { state_key }),
    delay_ms,
    delayed_since_ts: since_ts,
    delay: delay_ms,
    running_since: since_ts,
    content: JSON.parse(event.content) as JsonObject,
  };
}

function noSuchDelay(): MatrixError {
  return notFound('No such event waits to be sent');
}
