import type { UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction } from '../storage/database.js';

/** Whether somebody is joined to any of these rooms. */
export async function isInAnyOf(tx: ReadTransaction, userNid: number, roomIds: readonly string[]): Promise<boolean> {
  if (roomIds.length === 0) return false;
  const row = await tx.one(sql`
    SELECT m.room_nid FROM memberships m JOIN rooms r ON r.room_nid = m.room_nid
    WHERE m.user_nid = ${userNid} AND m.membership = 'join' AND r.room_id IN ${inList(roomIds)}
    LIMIT 1`);
  return row !== undefined;
}

/** The members of a room, those who have been there longest first. */
export async function joinedMembers(tx: ReadTransaction, roomNid: number): Promise<readonly UserId[]> {
  const rows = await tx.all<{ user_id: UserId }>(sql`
    SELECT u.user_id FROM memberships m JOIN users u ON u.user_nid = m.user_nid
    WHERE m.room_nid = ${roomNid} AND m.membership = 'join'
    ORDER BY m.changed_seq`);
  return rows.map((row) => row.user_id);
}
