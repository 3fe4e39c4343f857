import type { Clock } from '../matrix/clock.js';
import type { EventObserver } from '../rooms/append.js';
import { eventsInRanges } from '../rooms/events-store.js';
import { renderForService } from '../rooms/render.js';
import { roomsByNid } from '../rooms/rooms-store.js';
import type { Database, ReadTransaction } from '../storage/database.js';
import { enqueue, startWorker, withdraw } from '../storage/outbox.js';
import { holdStream, newNid } from '../storage/stream.js';
import type { AppServiceCalls, ReachableService } from './app-service-calls.js';
import { dropOthers, dropTransaction, fillTransaction, hasWaiting, openTransaction, placesIn, putWaiting, servicesConcerned, type EventPlace } from './app-services-store.js';

export interface Telling {
  readonly db: Database;
  readonly clock: Clock;
  readonly services: readonly ReachableService[];
  readonly calls: AppServiceCalls;
  readonly report: (problem: Error) => void;
}

const MOST_EVENTS = 100;
/** Then another task goes on: this one must be over before another process takes it for abandoned. */
const ROUND_MS = 20_000;

/** The work of telling one service. Each has a kind of its own, so that none waits for another. */
export function taskFor(id: string): string {
  return `app-service/${id}`;
}

/**
 * Notes every event for the services one of whose own users is in its room, or whom it is about; which rooms and aliases a service names is
 * of no consequence (RULES B14). https://spec.matrix.org/v1.19/application-service-api/#pushing-events
 */
export function tellAppServices(services: readonly ReachableService[]): EventObserver {
  const ids = services.map(({ id }) => id);
  return {
    async onEvent(tx, event) {
      for (const id of await servicesConcerned(tx, ids, event)) {
        const isAtWork = await hasWaiting(tx, id);
        await putWaiting(tx, id, event);
        // As long as something waits there is a task, for a task ends only with nothing left.
        if (!isAtWork) await enqueue(tx, taskFor(id), {}, event.now);
      }
    },
  };
}

/** Sends what waits for services, on any process of the shard. `stop` waits for what is in hand. */
export async function startTelling(deps: Telling): Promise<{ stop(): Promise<void> }> {
  const { db, clock, services, report } = deps;
  await db.transaction(async (tx) => {
    await holdStream(tx);
    await dropOthers(tx, services.map(({ id }) => id));
    for (const { id } of services) {
      // Work from before a service was off the list: with the next event there would be two who tell it.
      if (!(await hasWaiting(tx, id))) await withdraw(tx, taskFor(id));
    }
  });
  const workers = services.map((service) => startWorker({ db, clock, report, kind: taskFor(service.id), handle: () => tell(deps, service) }));
  return { stop: async () => void (await Promise.all(workers.map((worker) => worker.stop()))) };
}

/** One transaction after the other, the next when the last one has been taken; throws at the first that is not. */
async function tell({ db, clock, calls }: Telling, service: ReachableService): Promise<void> {
  const { id } = service;
  const until = clock() + ROUND_MS;
  for (;;) {
    const txnNid = await nextTransaction(db, id);
    if (txnNid === undefined) return;
    const events = await db.read(async (tx) => eventTexts(tx, await placesIn(tx, id, txnNid), clock()));
    const { status } = await calls.sendTransaction(service, String(txnNid), events);
    if (status < 200 || status > 299) throw new Error(`${new URL(service.url).origin} answered ${status}`);
    const isOver = await db.transaction(async (tx) => {
      // Whoever appends an event now sees either what waits here or nothing, and then asks for work anew.
      await holdStream(tx);
      await dropTransaction(tx, id, txnNid);
      if (!(await hasWaiting(tx, id))) return true;
      if (clock() < until) return false;
      await enqueue(tx, taskFor(id), {}, clock());
      return true;
    });
    if (isOver) return;
  }
}

/** The one that was not taken, unaltered, or a new one; undefined: nothing waits. */
async function nextTransaction(db: Database, id: string): Promise<number | undefined> {
  return db.transaction(async (tx) => {
    const open = await openTransaction(tx, id);
    if (open !== undefined || !(await hasWaiting(tx, id))) return open;
    const txnNid = await newNid(tx);
    await fillTransaction(tx, id, { txnNid, most: MOST_EVENTS });
    return txnNid;
  });
}

async function eventTexts(tx: ReadTransaction, places: readonly EventPlace[], now: number): Promise<readonly string[]> {
  const rooms = new Map((await roomsByNid(tx, [...new Set(places.map(({ room_nid }) => room_nid))])).map((room) => [room.room_nid, room.room_id]));
  const rows = await eventsInRanges(tx, places.map(({ room_nid, seq }) => ({ room_nid, from: seq, to: seq })));
  const texts = new Map(rows.map((row) => {
    const roomId = rooms.get(row.room_nid);
    if (roomId === undefined) throw new Error('an event without its room');
    return [`${row.room_nid}/${row.seq}`, renderForService(row, roomId, now)];
  }));
  return places.flatMap(({ room_nid, seq }) => texts.get(`${room_nid}/${seq}`) ?? []);
}
