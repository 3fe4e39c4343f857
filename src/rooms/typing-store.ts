import type { UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export async function putTyping(tx: Transaction, t: { roomNid: number; userNid: number; untilTs: number; position: number }): Promise<void> {
  await tx.run(sql`
    INSERT INTO typing (room_nid, user_nid, until_ts, position) VALUES (${t.roomNid}, ${t.userNid}, ${t.untilTs}, ${t.position})
    ON CONFLICT (room_nid, user_nid) DO UPDATE SET until_ts = excluded.until_ts, position = excluded.position`);
}

export async function isTyping(tx: ReadTransaction, roomNid: number, userNid: number): Promise<boolean> {
  const row = await tx.one<{ until_ts: number }>(sql`SELECT until_ts FROM typing WHERE room_nid = ${roomNid} AND user_nid = ${userNid} AND until_ts > 0`);
  return row !== undefined;
}

/** Who types in rooms where that changed after `after`, one row a person; a room where nobody types any more has a row without a name. */
export async function typingIn(
  tx: ReadTransaction,
  roomNids: readonly number[],
  after: number,
  now: number,
): Promise<readonly { room_nid: number; user_id: UserId | null }[]> {
  if (roomNids.length === 0) return [];
  return tx.all(sql`
    SELECT t.room_nid, CASE WHEN t.until_ts > ${now} THEN u.user_id END AS user_id
    FROM typing t JOIN users u ON u.user_nid = t.user_nid
    WHERE t.room_nid IN ${inList(roomNids)}
      AND EXISTS (SELECT 1 FROM typing moved WHERE moved.room_nid = t.room_nid AND moved.position > ${after})
    ORDER BY t.room_nid, u.user_id`);
}

/** Those whose time is up without their having said so. */
export async function overdueTyping(tx: ReadTransaction, now: number): Promise<readonly { room_nid: number; user_nid: number }[]> {
  return tx.all(sql`SELECT room_nid, user_nid FROM typing WHERE until_ts > 0 AND until_ts <= ${now}`);
}
