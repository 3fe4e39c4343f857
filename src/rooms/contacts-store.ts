import type { Membership } from '../matrix/event-auth.js';
import { inList, sql, type ReadTransaction } from '../storage/database.js';

/**
 * Who may know of whom: oneself, and those with whom one shares a room, both joined or invited (RULES D). Everybody else does
 * not exist as far as the viewer can tell.
 */
export async function contactsAmong(tx: ReadTransaction, viewerNid: number, userNids: readonly number[]): Promise<ReadonlySet<number>> {
  const others = userNids.filter((nid) => nid !== viewerNid);
  if (others.length === 0) return new Set(userNids);
  const rows = await tx.all<{ user_nid: number }>(sql`
    SELECT DISTINCT theirs.user_nid
    FROM memberships mine
    JOIN memberships theirs ON theirs.room_nid = mine.room_nid AND theirs.user_nid IN ${inList(others)}
    WHERE mine.user_nid = ${viewerNid} AND mine.membership IN ('join', 'invite') AND theirs.membership IN ('join', 'invite')`);
  const known = new Set(rows.map((row) => row.user_nid));
  if (userNids.includes(viewerNid)) known.add(viewerNid);
  return known;
}

export async function contactsOf(tx: ReadTransaction, viewerNid: number): Promise<readonly number[]> {
  const rows = await tx.all<{ user_nid: number }>(sql`
    SELECT DISTINCT theirs.user_nid
    FROM memberships mine
    JOIN memberships theirs ON theirs.room_nid = mine.room_nid
    WHERE mine.user_nid = ${viewerNid} AND mine.membership IN ('join', 'invite') AND theirs.membership IN ('join', 'invite')`);
  return [...new Set([viewerNid, ...rows.map((row) => row.user_nid)])];
}

export async function roomsOf(tx: ReadTransaction, userNid: number, memberships: readonly Membership[]): Promise<readonly number[]> {
  const rows = await tx.all<{ room_nid: number }>(sql`
    SELECT room_nid FROM memberships WHERE user_nid = ${userNid} AND membership IN ${inList(memberships)} ORDER BY room_nid`);
  return rows.map((row) => row.room_nid);
}
