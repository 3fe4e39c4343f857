import { readPoints, UNTHREADED, MAIN } from '../rooms/receipts-store.js';
import type { ReadTransaction } from '../storage/database.js';
import { differencesOf, mainSumsAt, threadSums } from './counts-store.js';

/** https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications */
export interface UnreadCounts {
  notification_count: number;
  highlight_count: number;
}

export interface RoomCounts {
  readonly main: UnreadCounts;
  readonly threads: ReadonlyMap<string, UnreadCounts>;
}

/** A joined room as counting needs it: its running totals, and where its reader joined. */
export interface CountedRoom {
  readonly nid: number;
  readonly seq: number;
  readonly notify_sum: number;
  readonly highlight_sum: number;
  readonly joinedSeq: number;
}

/**
 * What somebody has not read, room by room and thread by thread: the difference of two running totals, corrected where their own
 * push rules differ from the default ones. A bounded number of queries, however many rooms and events.
 */
export async function unreadCounts(tx: ReadTransaction, userNid: number, rooms: readonly CountedRoom[]): Promise<ReadonlyMap<number, RoomCounts>> {
  const nids = rooms.map(({ nid }) => nid);
  const read = new Map<number, Map<string, number>>();
  for (const { room_nid, thread_id, seq } of await readPoints(tx, nids, userNid)) {
    const points = read.get(room_nid) ?? new Map<string, number>();
    read.set(room_nid, points.set(thread_id, seq));
  }
  const readTo = (room: CountedRoom, threadId: string): number => {
    const points = read.get(room.nid);
    return Math.max(room.joinedSeq, points?.get(UNTHREADED) ?? 0, points?.get(threadId) ?? 0);
  };
  const mainSums = await mainSumsAt(tx, rooms.filter((room) => readTo(room, MAIN) < room.seq).map((room) => ({ room_nid: room.nid, seq: readTo(room, MAIN) })));
  const counts = new Map<number, { main: UnreadCounts; threads: Map<string, UnreadCounts> }>();
  for (const room of rooms) {
    const at = readTo(room, MAIN) < room.seq ? (mainSums.get(room.nid) ?? { notify_sum: 0, highlight_sum: 0 }) : room;
    const main = { notification_count: room.notify_sum - at.notify_sum, highlight_count: room.highlight_sum - at.highlight_sum };
    counts.set(room.nid, { main, threads: new Map() });
  }
  const unthreaded = rooms.map((room) => ({ room_nid: room.nid, seq: readTo(room, UNTHREADED) })).filter(({ seq }, i) => seq < (rooms[i]?.seq ?? 0));
  for (const thread of await threadSums(tx, userNid, unthreaded)) {
    const unread = { notification_count: thread.notify_sum - thread.read_notify, highlight_count: thread.highlight_sum - thread.read_highlight };
    if (unread.notification_count > 0 || unread.highlight_count > 0) counts.get(thread.room_nid)?.threads.set(thread.root_id, unread);
  }
  const byNid = new Map(rooms.map((room) => [room.nid, room]));
  for (const difference of await differencesOf(tx, userNid, nids)) {
    const room = byNid.get(difference.room_nid);
    const count = counts.get(difference.room_nid);
    if (room === undefined || count === undefined || difference.seq <= readTo(room, difference.thread_root ?? MAIN)) continue;
    correct(count, difference);
  }
  return counts;
}

function correct(
  counts: { main: UnreadCounts; threads: Map<string, UnreadCounts> },
  { thread_root, notify, highlight }: { thread_root: string | null; notify: number; highlight: number },
): void {
  const unread = thread_root === null ? counts.main : (counts.threads.get(thread_root) ?? { notification_count: 0, highlight_count: 0 });
  unread.notification_count = Math.max(0, unread.notification_count + notify);
  unread.highlight_count = Math.max(0, unread.highlight_count + highlight);
  if (thread_root !== null) counts.threads.set(thread_root, unread);
}
