import type { Clock } from '../matrix/clock.js';
import type { JsonObject } from '../matrix/schema.js';
import { unmarkPushers } from '../rooms/memberships-store.js';
import type { Database, Transaction } from '../storage/database.js';
import { startWorker, type Task } from '../storage/outbox.js';
import { holdStream } from '../storage/stream.js';
import type { Notify } from './notify.js';
import { deleteRejected, dropWaiting, findTarget, markFailing, markWorking, noteTold, putWaiting, targetsOfUser, waitingFor, type Target, type WaitingPush } from './pushers-store.js';
import { recipientsOf, type EventPush, type Recipient, type WantsInvites } from './recipients.js';
import { askAgain, PUSH, PUSH_AGAIN, type AgainTask, type PushTask } from './tasks.js';
import { unreadEverywhere, unreadOfOne } from './unread.js';

export interface Pushing {
  readonly db: Database;
  readonly clock: Clock;
  readonly notify: Notify;
  readonly wantsInvites: WantsInvites;
  /** Else what is asked for is dropped. */
  readonly isEnabled: boolean;
  /** Whether the number beside the app counts rooms. */
  readonly groupByRoom: boolean;
  readonly report: (problem: Error) => void;
}

const AT_ONCE = 20;
/** What is not sent by then is sent in a second round: the work must be over before another process takes it for abandoned. */
const ROUND_MS = 30_000;
const AGAIN_AFTER_MS = 1_000;
/** So many events are kept for a pusher whose gateway does not answer, and for so long. */
const MOST_WAITING = 20;
const GIVEN_UP_AFTER_MS = 86_400_000;

/** Sends what the outbox asks to push, on any process of the shard. `stop` waits for what is in hand. */
export function startPushing(deps: Pushing): { stop(): Promise<void> } {
  const { db, clock, report } = deps;
  const workers = [
    startWorker({ db, clock, report, kind: PUSH, handle: (task) => (deps.isEnabled ? push(deps, task) : Promise.resolve()) }),
    startWorker({ db, clock, report, kind: PUSH_AGAIN, handle: ({ payload }) => (deps.isEnabled ? pushAgain(deps, payload as AgainTask) : Promise.resolve()) }),
  ];
  return { stop: async () => void (await Promise.all(workers.map((worker) => worker.stop()))) };
}

async function push(deps: Pushing, { taskNid, payload }: Task): Promise<void> {
  const task = payload as PushTask;
  if (task.about === 'event') await pushEvent(deps, taskNid, task);
  else await pushCount(deps, task.userNid);
}

async function pushEvent(deps: Pushing, taskNid: number, task: PushTask & { about: 'event' }): Promise<void> {
  const { db, clock, groupByRoom } = deps;
  const { recipients, isInVain, unread } = await db.read(async (tx) => {
    const found = await recipientsOf(tx, task, deps.wantsInvites);
    // For everybody at once: a room full of telephones asks no more of the database than one.
    return { ...found, unread: await unreadEverywhere(tx, found.recipients.map(({ target }) => target.user_nid), groupByRoom) };
  });
  if (isInVain) {
    await db.transaction(async (tx) => {
      await holdStream(tx);
      await unmarkPushers(tx, task.roomNid);
    });
  }
  if (recipients.length === 0) return;
  const until = clock() + ROUND_MS;
  const failed: Recipient[] = [];
  await inParallel(recipients, async (recipient) => {
    const message = { ...recipient, unread: unread.get(recipient.target.user_nid) ?? 0 };
    // Whoever waits for older events waits for this one too, so that they come in order.
    if (recipient.target.is_failing === 1 || clock() > until || !(await sent(deps, message))) failed.push(recipient);
  });
  const now = clock();
  await db.transaction(async (tx) => {
    // The stream before the rows, as all have it who change pushers: work for the failed draws from it.
    if (failed.length > 0) await holdStream(tx);
    await noteTold(tx, recipients.map(({ target }) => target.pusher_nid), null);
    if (failed.length > 0) await noteFailed(tx, taskNid, failed, now);
  });
}

async function noteFailed(tx: Transaction, taskNid: number, failed: readonly Recipient[], now: number): Promise<void> {
  const waiting = failed.map(({ target: { pusher_nid }, push: { roomId, eventId, isUrgent } }) => ({
    pusher_nid, task_nid: taskNid, room_id: roomId, event_id: eventId, is_urgent: isUrgent ? 1 : 0, since_ts: now,
  }));
  await putWaiting(tx, waiting, MOST_WAITING);
  for (const pusherNid of await markFailing(tx, waiting.map(({ pusher_nid }) => pusher_nid))) await askAgain(tx, pusherNid, now + AGAIN_AFTER_MS);
}

/** Tells a person's devices how much is unread, unless that is what they were told last. */
async function pushCount(deps: Pushing, userNid: number): Promise<void> {
  const { db, groupByRoom } = deps;
  const { targets, unread } = await db.read(async (tx) => ({ targets: await targetsOfUser(tx, userNid), unread: await unreadOfOne(tx, userNid, groupByRoom) }));
  const due = targets.filter(({ told_unread, is_failing }) => told_unread !== unread && is_failing === 0);
  if (due.length === 0) return;
  // A count that gets lost is set right by the next push, so it is not tried again.
  await inParallel(due, async (target) => void (await sent(deps, { target, unread })));
  await db.transaction((tx) => noteTold(tx, due.map(({ pusher_nid }) => pusher_nid), unread));
}

/** Sends what waits for a pusher, oldest first; throws at the first that the gateway does not take. */
async function pushAgain(deps: Pushing, { pusherNid }: AgainTask): Promise<void> {
  for (;;) {
    const next = await oldestWaiting(deps, pusherNid);
    if (next === undefined) return;
    const { target, waiting } = next;
    if (waiting.since_ts + GIVEN_UP_AFTER_MS > deps.clock() && (await isStillWanted(deps, next))) {
      const unread = await deps.db.read((tx) => unreadOfOne(tx, target.user_nid, deps.groupByRoom));
      await send(deps, { target, unread, push: { roomId: waiting.room_id, eventId: waiting.event_id, isUrgent: waiting.is_urgent === 1 } });
    }
    await deps.db.transaction((tx) => dropWaiting(tx, pusherNid, waiting.task_nid));
  }
}

/** An invitation may have waited for longer than its person wanted any. */
async function isStillWanted({ db, wantsInvites }: Pushing, { target, waiting }: { target: Target; waiting: WaitingPush }): Promise<boolean> {
  return waiting.is_invite === 0 || db.read((tx) => wantsInvites(tx, target.user_nid));
}

/** Undefined when nothing waits any more, and then the pusher counts as working again. */
async function oldestWaiting({ db }: Pushing, pusherNid: number): Promise<{ target: Target; waiting: WaitingPush } | undefined> {
  return db.transaction(async (tx) => {
    // Before looking: what somebody adds from now on asks for work of its own.
    await markWorking(tx, pusherNid);
    const [waiting] = await waitingFor(tx, pusherNid);
    const target = await findTarget(tx, pusherNid);
    if (waiting === undefined || target === undefined) return undefined;
    await markFailing(tx, [pusherNid]);
    return { target, waiting };
  });
}

interface Message {
  readonly target: Target;
  readonly unread: number;
  readonly push?: EventPush;
}

async function sent(deps: Pushing, message: Message): Promise<boolean> {
  try {
    await send(deps, message);
    return true;
  } catch (cause) {
    deps.report(new Error('A push gateway did not take a push', { cause }));
    return false;
  }
}

async function send({ db, notify }: Pushing, { target, unread, push: event }: Message): Promise<void> {
  const rejected = await notify(target.url, { notification: notification(target, event, unread) });
  if (rejected.includes(target.pushkey)) await db.transaction((tx) => deleteRejected(tx, target));
}

/** https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify, with what `event_id_only` leaves of it (RULES B11) */
function notification({ app_id, pushkey, set_ts, data }: Target, event: EventPush | undefined, unread: number): object {
  const devices = [{ app_id, pushkey, pushkey_ts: Math.floor(set_ts / 1000), data: JSON.parse(data) as JsonObject }];
  // The specification would have a count of zero left out, but then no gateway clears the number on the app.
  if (event === undefined) return { counts: { unread }, prio: 'low', devices };
  return { event_id: event.eventId, room_id: event.roomId, counts: unread === 0 ? {} : { unread }, prio: event.isUrgent ? 'high' : 'low', devices };
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, async () => {
    for (const item of queue) await work(item);
  }));
}
