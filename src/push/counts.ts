import { MAIN, readPoints, UNTHREADED, type MainSums, type ReadPoint } from '../rooms/receipts-store.js';
import type { ReadTransaction } from '../storage/database.js';
import { differencesOf, threadSums } from './counts-store.js';

/** https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications */
export interface UnreadCounts {
  notification_count: number;
  highlight_count: number;
}

export interface RoomCounts {
  readonly main: UnreadCounts;
  readonly threads: Map<string, UnreadCounts>;
}

/** A joined room as counting needs it: its running totals, and what they and its count were when its reader joined. */
export interface CountedRoom extends MainSums {
  readonly nid: number;
  readonly thread_seq: number;
  readonly joinedSeq: number;
  readonly baseline: MainSums;
  readonly hasOwnPushRules: boolean;
}

/**
 * What somebody has not read, room by room and thread by thread: the difference of two running totals, corrected where their own
 * push rules differ from the default ones. A bounded number of queries, however many rooms and events.
 */
export async function unreadCounts(tx: ReadTransaction, userNid: number, rooms: readonly CountedRoom[]): Promise<ReadonlyMap<number, RoomCounts>> {
  const points = pointsByRoom(await readPoints(tx, rooms.map(({ nid }) => nid), userNid));
  const counts = new Map<number, RoomCounts>(rooms.map((room) => [room.nid, { main: mainCount(room, points.get(room.nid) ?? []), threads: new Map() }]));
  const readTo = (room: CountedRoom, threadId: string): number => readSeq(room, points.get(room.nid) ?? [], threadId);
  const threaded = rooms.map((room) => ({ room, seq: readTo(room, UNTHREADED) })).filter(({ room, seq }) => room.thread_seq > seq);
  for (const thread of await threadSums(tx, userNid, threaded.map(({ room, seq }) => ({ room_nid: room.nid, seq })))) {
    const unread = { notification_count: thread.notify_sum - thread.read_notify, highlight_count: thread.highlight_sum - thread.read_highlight };
    if (unread.notification_count > 0 || unread.highlight_count > 0) counts.get(thread.room_nid)?.threads.set(thread.root_id, unread);
  }
  const particular = new Map(rooms.filter(({ hasOwnPushRules }) => hasOwnPushRules).map((room) => [room.nid, room]));
  for (const difference of await differencesOf(tx, userNid, [...particular.keys()])) {
    const room = particular.get(difference.room_nid);
    const count = counts.get(difference.room_nid);
    if (room === undefined || count === undefined || difference.seq <= readTo(room, difference.thread_root ?? MAIN)) continue;
    correct(count, difference);
  }
  return counts;
}

function pointsByRoom(points: readonly ReadPoint[]): ReadonlyMap<number, readonly ReadPoint[]> {
  const byRoom = new Map<number, ReadPoint[]>();
  for (const point of points) {
    const of = byRoom.get(point.room_nid);
    if (of === undefined) byRoom.set(point.room_nid, [point]);
    else of.push(point);
  }
  return byRoom;
}

function mainCount(room: CountedRoom, points: readonly ReadPoint[]): UnreadCounts {
  let read: MainSums & { readonly seq: number } = { ...room.baseline, seq: room.joinedSeq };
  for (const point of points) if (isFor(point, MAIN) && point.seq > read.seq) read = point;
  return {
    notification_count: Math.max(0, room.notify_sum - read.notify_sum),
    highlight_count: Math.max(0, room.highlight_sum - read.highlight_sum),
  };
}

function readSeq(room: CountedRoom, points: readonly ReadPoint[], threadId: string): number {
  return Math.max(room.joinedSeq, ...points.filter((point) => isFor(point, threadId)).map(({ seq }) => seq));
}

/** An unthreaded receipt reads everything up to it, in every thread. */
function isFor({ thread_id }: ReadPoint, threadId: string): boolean {
  return thread_id === UNTHREADED || thread_id === threadId;
}

function correct(counts: RoomCounts, difference: { thread_root: string | null; notify: number; highlight: number }): void {
  const { thread_root, notify, highlight } = difference;
  const unread = thread_root === null ? counts.main : (counts.threads.get(thread_root) ?? { notification_count: 0, highlight_count: 0 });
  unread.notification_count = Math.max(0, unread.notification_count + notify);
  unread.highlight_count = Math.max(0, unread.highlight_count + highlight);
  if (thread_root !== null) counts.threads.set(thread_root, unread);
}
