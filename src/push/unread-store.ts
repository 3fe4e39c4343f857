import { inList, sql, type ReadTransaction, type Sql } from '../storage/database.js';

export interface Unread {
  readonly user_nid: number;
  /** With anything unread. */
  readonly rooms: number;
  /** That notify, in all of them. */
  readonly messages: number;
}

/**
 * What each of these people has not read in all the rooms they are in; who has read everything is left out. It is the count of
 * counts.ts for many people at once, so the database adds it up: one statement, and one row for each person.
 */
export async function unreadOf(tx: ReadTransaction, userNids: readonly number[]): Promise<readonly Unread[]> {
  if (userNids.length === 0) return [];
  return tx.all<Unread>(sql`
    WITH ${joinedBy(userNids)},
    ${threadsUnread},
    parts (user_nid, room_nid, n) AS (
      SELECT user_nid, room_nid, tip_sum - coalesce(read_sum, base_sum) FROM joined
      UNION ALL
      SELECT t.user_nid, t.room_nid, t.notify_sum - coalesce((
        SELECT e.notify_sum FROM events e
        WHERE e.room_nid = t.room_nid AND e.thread_root = t.root_id AND e.seq <= t.read_seq
        ORDER BY e.seq DESC LIMIT 1), 0)
      FROM threads_unread t
      UNION ALL
      SELECT d.user_nid, d.room_nid, d.notify
      FROM joined j CROSS JOIN push_differences d
      WHERE j.has_own_push_rules = 1 AND d.user_nid = j.user_nid AND d.room_nid = j.room_nid AND d.seq > j.changed_seq
        AND NOT EXISTS (
          SELECT 1 FROM receipts p
          WHERE p.room_nid = d.room_nid AND p.user_nid = d.user_nid AND p.seq >= d.seq AND p.thread_id IN ('', coalesce(d.thread_root, 'main')))),
    by_room (user_nid, n) AS (SELECT user_nid, sum(n) FROM parts GROUP BY user_nid, room_nid)
    SELECT user_nid, count(*) AS rooms, sum(n) AS messages FROM by_room WHERE n > 0 GROUP BY user_nid`);
}

/** The rooms people are in, with the totals now, when they came and where they read to. Totals only grow, so the greatest is that of the newest. */
function joinedBy(userNids: readonly number[]): Sql {
  return sql`joined (user_nid, room_nid, changed_seq, has_own_push_rules, base_sum, tip_sum, read_sum, thread_seq, read_seq) AS (
      SELECT m.user_nid, m.room_nid, m.changed_seq, m.has_own_push_rules, m.notify_sum, r.notify_sum, (
          SELECT max(p.notify_sum) FROM receipts p
          WHERE p.room_nid = m.room_nid AND p.user_nid = m.user_nid AND p.thread_id IN ('', 'main') AND p.seq > m.changed_seq),
        r.thread_seq, coalesce((
          SELECT max(p.seq) FROM receipts p
          WHERE p.room_nid = m.room_nid AND p.user_nid = m.user_nid AND p.thread_id = '' AND p.seq > m.changed_seq), m.changed_seq)
      FROM memberships m CROSS JOIN rooms r
      WHERE m.user_nid IN ${inList(userNids)} AND m.membership = 'join' AND r.room_nid = m.room_nid)`;
}

/** Their threads that moved since, with how far each was read: by its own receipt, or by one of the whole room. */
const threadsUnread: Sql = sql`threads_unread (user_nid, room_nid, root_id, notify_sum, read_seq) AS (
      SELECT j.user_nid, j.room_nid, t.root_id, t.notify_sum, coalesce((
        SELECT max(p.seq) FROM receipts p
        WHERE p.room_nid = j.room_nid AND p.user_nid = j.user_nid AND p.thread_id = t.root_id AND p.seq > j.read_seq), j.read_seq)
      FROM joined j CROSS JOIN threads t
      WHERE j.thread_seq > j.read_seq AND t.room_nid = j.room_nid AND t.newest_seq > j.read_seq)`;
