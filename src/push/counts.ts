import { MAIN, readPoints, UNTHREADED, type MainSums, type ReadPoint } from '../rooms/receipts-store.js';
import type { ReadTransaction } from '../storage/database.js';
import { groupBy, roomNidOf } from '../storage/group-by.js';
import { differencesOf, threadSums } from './counts-store.js';

/** https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications */
export interface UnreadCounts {
  notification_count: number;
  highlight_count: number;
}

export interface RoomCounts {
  readonly main: UnreadCounts;
  readonly threads: ReadonlyMap<string, UnreadCounts>;
}

/** A joined room as counting needs it: its running totals, and what they and its count were when its reader joined. */
export interface CountedRoom {
  readonly room: { readonly nid: number; readonly changedSeq: number; readonly baseline: MainSums; readonly hasOwnPushRules: boolean };
  readonly tip: MainSums & { readonly thread_seq: number };
}

/**
 * What somebody has not read, room by room and thread by thread: the difference of two running totals, corrected where their own
 * push rules differ from the default ones. A bounded number of queries, however many rooms and events.
 */
export async function unreadCounts(tx: ReadTransaction, userNid: number, rooms: readonly CountedRoom[]): Promise<ReadonlyMap<number, RoomCounts>> {
  if (rooms.length === 0) return new Map();
  const points = groupBy(await readPoints(tx, rooms.map(({ room }) => room.nid), userNid), roomNidOf);
  const counts = new Map<number, RoomCounts>();
  for (const counted of rooms) counts.set(counted.room.nid, { main: mainCount(counted, points), threads: NO_THREADS });
  const threaded = rooms.filter(({ room, tip }) => tip.thread_seq > readSeq(room, points, UNTHREADED));
  if (threaded.length > 0) await countThreads(tx, userNid, threaded, points, counts);
  const particular = rooms.filter(({ room }) => room.hasOwnPushRules);
  if (particular.length > 0) await correctCounts(tx, userNid, particular, points, counts);
  return counts;
}

type Room = CountedRoom['room'];
type Points = ReadonlyMap<number, readonly ReadPoint[]>;
type Counts = Map<number, RoomCounts>;
const NO_THREADS: ReadonlyMap<string, UnreadCounts> = new Map();

async function countThreads(tx: ReadTransaction, userNid: number, rooms: readonly CountedRoom[], points: Points, counts: Counts): Promise<void> {
  const from = rooms.map(({ room }) => ({ room_nid: room.nid, seq: readSeq(room, points, UNTHREADED) }));
  for (const thread of await threadSums(tx, userNid, from)) {
    const unread = { notification_count: thread.notify_sum - thread.read_notify, highlight_count: thread.highlight_sum - thread.read_highlight };
    if (unread.notification_count > 0 || unread.highlight_count > 0) putThread(counts, thread.room_nid, thread.root_id, unread);
  }
}

/** Adds what the reader's own push rules say differently of events not read yet. */
async function correctCounts(tx: ReadTransaction, userNid: number, rooms: readonly CountedRoom[], points: Points, counts: Counts): Promise<void> {
  const byNid = new Map(rooms.map(({ room }) => [room.nid, room]));
  for (const { room_nid, seq, thread_root, notify, highlight } of await differencesOf(tx, userNid, [...byNid.keys()])) {
    const room = byNid.get(room_nid);
    const count = counts.get(room_nid);
    if (room === undefined || count === undefined || seq <= readSeq(room, points, thread_root ?? MAIN)) continue;
    const unread = thread_root === null ? count.main : (count.threads.get(thread_root) ?? { notification_count: 0, highlight_count: 0 });
    unread.notification_count = Math.max(0, unread.notification_count + notify);
    unread.highlight_count = Math.max(0, unread.highlight_count + highlight);
    if (thread_root !== null) putThread(counts, room_nid, thread_root, unread);
  }
}

function putThread(counts: Counts, roomNid: number, rootId: string, unread: UnreadCounts): void {
  const of = counts.get(roomNid);
  if (of !== undefined) counts.set(roomNid, { main: of.main, threads: new Map(of.threads).set(rootId, unread) });
}

function mainCount({ room, tip }: CountedRoom, points: Points): UnreadCounts {
  let read = room.baseline;
  let readTo = room.changedSeq;
  for (const point of points.get(room.nid) ?? []) {
    if (!isFor(point, MAIN) || point.seq <= readTo) continue;
    read = point;
    readTo = point.seq;
  }
  return {
    notification_count: Math.max(0, tip.notify_sum - read.notify_sum),
    highlight_count: Math.max(0, tip.highlight_sum - read.highlight_sum),
  };
}

function readSeq(room: Room, points: Points, threadId: string): number {
  let readTo = room.changedSeq;
  for (const point of points.get(room.nid) ?? []) if (isFor(point, threadId)) readTo = Math.max(readTo, point.seq);
  return readTo;
}

/** An unthreaded receipt reads everything up to it, in every thread. */
function isFor({ thread_id }: ReadPoint, threadId: string): boolean {
  return thread_id === UNTHREADED || thread_id === threadId;
}
