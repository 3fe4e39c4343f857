import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

/** The joined members of a room who have changed their push rules, the sender of the event in question left out. */
export async function membersWithOwnRules(
  tx: ReadTransaction,
  roomNid: number,
  senderNid: number,
): Promise<readonly { user_nid: number; ruleset: string; displayname: string | null }[]> {
  return tx.all(sql`
    SELECT m.user_nid, p.ruleset, e.json -> 'content' ->> 'displayname' AS displayname
    FROM memberships m
    JOIN push_rules p ON p.user_nid = m.user_nid
    JOIN events e ON e.room_nid = m.room_nid AND e.seq = m.seq
    WHERE m.room_nid = ${roomNid} AND m.has_own_push_rules = 1 AND m.membership = 'join' AND m.user_nid <> ${senderNid}`);
}

/** What has been read needs no correction any more, so it goes when the next one comes. */
export async function putDifference(
  tx: Transaction,
  d: { roomNid: number; userNid: number; seq: number; threadRoot: string | null; notify: number; highlight: number },
): Promise<void> {
  const own = sql`r.room_nid = ${d.roomNid} AND r.user_nid = ${d.userNid}`;
  // The first bound spares the database from looking at all that was never read.
  await tx.run(sql`
    DELETE FROM push_differences
    WHERE room_nid = ${d.roomNid} AND user_nid = ${d.userNid}
      AND seq <= (SELECT max(r.seq) FROM receipts r WHERE ${own})
      AND seq <= (SELECT max(r.seq) FROM receipts r WHERE ${own} AND r.thread_id IN ('', coalesce(push_differences.thread_root, 'main')))`);
  await tx.run(sql`
    INSERT INTO push_differences (room_nid, user_nid, seq, thread_root, notify, highlight)
    VALUES (${d.roomNid}, ${d.userNid}, ${d.seq}, ${d.threadRoot}, ${d.notify}, ${d.highlight})`);
}
