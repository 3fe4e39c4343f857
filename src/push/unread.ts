import type { ReadTransaction } from '../storage/database.js';
import { joinedRoomSums } from './counts-store.js';
import { unreadCounts } from './counts.js';

/** The number beside an app: the rooms with something unread, or all that is unread in them. */
export async function unreadEverywhere(tx: ReadTransaction, userNid: number, groupByRoom: boolean): Promise<number> {
  const rooms = (await joinedRoomSums(tx, userNid)).map((row) => ({
    room: {
      nid: row.room_nid,
      changedSeq: row.changed_seq,
      baseline: { notify_sum: row.notify_sum, highlight_sum: row.highlight_sum },
      hasOwnPushRules: row.has_own_push_rules === 1,
    },
    tip: { notify_sum: row.tip_notify, highlight_sum: row.tip_highlight, thread_seq: row.thread_seq },
  }));
  const counts = await unreadCounts(tx, userNid, rooms);
  const unread = [...counts.values()].map(({ main, threads }) =>
    [...threads.values()].reduce((sum, thread) => sum + thread.notification_count, main.notification_count));
  return groupByRoom ? unread.filter((count) => count > 0).length : unread.reduce((sum, count) => sum + count, 0);
}
