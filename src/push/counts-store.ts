import type { MainSums } from '../rooms/receipts-store.js';
import { inList, rowsOf, sql, type ReadTransaction } from '../storage/database.js';

export interface ThreadSums extends MainSums {
  readonly room_nid: number;
  readonly root_id: string;
  /** The totals at the newest event of the thread that was read; 0 when none was. */
  readonly read_notify: number;
  readonly read_highlight: number;
}

/** The threads that have events after what was read of their room, with the totals where each was read to. */
export async function threadSums(
  tx: ReadTransaction,
  userNid: number,
  points: readonly { room_nid: number; seq: number }[],
): Promise<readonly ThreadSums[]> {
  if (points.length === 0) return [];
  return tx.all<ThreadSums>(sql`
    WITH picked (room_nid, seq) AS (VALUES ${rowsOf(points.map((p) => [p.room_nid, p.seq]), ['BIGINT', 'BIGINT'])}),
    threaded (room_nid, root_id, notify_sum, highlight_sum, room_seq, thread_seq) AS (
      SELECT t.room_nid, t.root_id, t.notify_sum, t.highlight_sum, p.seq, (
        SELECT coalesce(max(r.seq), 0) FROM receipts r
        WHERE r.room_nid = t.room_nid AND r.user_nid = ${userNid} AND r.thread_id = t.root_id)
      FROM picked p CROSS JOIN threads t
      WHERE t.room_nid = p.room_nid AND t.newest_seq > p.seq),
    unread (room_nid, root_id, notify_sum, highlight_sum, last_read) AS (
      SELECT room_nid, root_id, notify_sum, highlight_sum, (
        SELECT max(e.seq) FROM events e
        WHERE e.room_nid = threaded.room_nid AND e.thread_root = threaded.root_id
          AND e.seq <= CASE WHEN thread_seq > room_seq THEN thread_seq ELSE room_seq END)
      FROM threaded)
    SELECT u.room_nid, u.root_id, u.notify_sum, u.highlight_sum,
      coalesce((SELECT e.notify_sum FROM events e WHERE e.room_nid = u.room_nid AND e.seq = u.last_read), 0) AS read_notify,
      coalesce((SELECT e.highlight_sum FROM events e WHERE e.room_nid = u.room_nid AND e.seq = u.last_read), 0) AS read_highlight
    FROM unread u`);
}

export interface Difference {
  readonly room_nid: number;
  readonly seq: number;
  readonly thread_root: string | null;
  readonly notify: number;
  readonly highlight: number;
}

export async function differencesOf(tx: ReadTransaction, userNid: number, roomNids: readonly number[]): Promise<readonly Difference[]> {
  if (roomNids.length === 0) return [];
  return tx.all<Difference>(sql`
    SELECT room_nid, seq, thread_root, notify, highlight FROM push_differences
    WHERE user_nid = ${userNid} AND room_nid IN ${inList(roomNids)}`);
}

/** The rooms somebody has joined, and since when. */
export async function joinedRooms(tx: ReadTransaction, userNid: number): Promise<readonly { room_nid: number; changed_seq: number }[]> {
  return tx.all(sql`SELECT room_nid, changed_seq FROM memberships WHERE user_nid = ${userNid} AND membership = 'join'`);
}
