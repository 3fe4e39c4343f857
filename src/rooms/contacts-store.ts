import type { Membership } from '../matrix/event-auth.js';
import type { RoomId } from '../matrix/identifiers.js';
import { inList, rowsOf, sql, type ReadTransaction, type Sql } from '../storage/database.js';

/**
 * Of these people, those whose profile the viewer may see: oneself, who has joined a room that the viewer is in or invited to, and
 * whoever was introduced to the viewer in the last 24 hours (RULES D2, D3). Everybody else does not exist as far as the viewer can tell.
 */
export async function visibleAmong(tx: ReadTransaction, viewerNid: number, userNids: readonly number[], now: number): Promise<ReadonlySet<number>> {
  return withViewer(viewerNid, userNids, await tx.all<{ user_nid: number }>(sql`
    SELECT DISTINCT user_nid FROM visible_users
    WHERE viewer_nid = ${viewerNid} AND user_nid IN ${inList(userNids)} AND until_ts > ${now}`));
}

/**
 * Of these people, those whose keys the viewer may have and to whose devices the viewer may write (RULES B13, D4): the visible ones and
 * who is invited to a common room, because messages are sealed for the invited too. Somebody hidden has to join first: they must
 * look like an id that nobody has.
 */
export async function contactsAmong(tx: ReadTransaction, viewerNid: number, userNids: readonly number[], now: number): Promise<ReadonlySet<number>> {
  const asked = rowsOf(userNids.map((nid) => [nid]), ['BIGINT']);
  const rows = await tx.all<{ user_nid: number }>(sql`
    WITH ${mineRooms(viewerNid)}, asked (user_nid) AS (VALUES ${asked})
    SELECT u.user_nid
    FROM asked LEFT JOIN users u ON u.user_nid = asked.user_nid
    WHERE ${isContactOf(viewerNid, now)}`);
  return new Set(rows.map((row) => row.user_nid));
}

/** The same of the people named, as a query of their `nid` and `id`, to which a store joins what it has of them. */
export function contactsNamed(viewerNid: number, userIds: readonly string[], now: number): Sql {
  return sql`
    WITH ${mineRooms(viewerNid)}, asked (user_id) AS (VALUES ${rowsOf(userIds.map((id) => [id]), ['TEXT'])})
    SELECT u.user_nid AS nid, u.user_id AS id
    FROM asked LEFT JOIN users u ON u.user_id = asked.user_id
    WHERE asked.user_id <> '' AND ${isContactOf(viewerNid, now)}`;
}

/** `mine`: the rooms the viewer is in or invited to, looked up once for all the people. */
function mineRooms(viewerNid: number): Sql {
  return sql`mine (room_nid) AS MATERIALIZED (SELECT room_nid FROM memberships WHERE user_nid = ${viewerNid} AND membership IN ('join', 'invite'))`;
}

/**
 * Of `u`, a row of users or none: somebody who does not exist is looked for everywhere as a stranger is, which takes the same time. In
 * the order written: from the viewer's rooms, however many the other is in. Whom to look for there is made to depend on the room, for else
 * PostgreSQL begins with the rooms of the other, of which somebody who does not exist has none.
 */
function isContactOf(viewerNid: number, now: number): Sql {
  return sql`(u.user_nid = ${viewerNid}
      OR EXISTS (
        SELECT 1
        FROM mine CROSS JOIN memberships theirs
        WHERE theirs.room_nid = mine.room_nid AND theirs.user_nid = coalesce(u.user_nid, 0 * mine.room_nid)
          AND (theirs.membership = 'join' OR (theirs.membership = 'invite' AND u.is_account = 1 AND u.is_deactivated = 0
            AND NOT EXISTS (SELECT 1 FROM hidden_users h WHERE h.user_nid = u.user_nid))))
      OR EXISTS (
        SELECT 1
        FROM introductions i
        WHERE i.viewer_nid = ${viewerNid} AND i.user_nid = coalesce(u.user_nid, 0) AND i.until_ts > ${now}
          AND NOT EXISTS (SELECT 1 FROM hidden_users h WHERE h.user_nid = i.user_nid)))`;
}

/** The rooms both have joined, oldest first. */
export async function mutualRooms(tx: ReadTransaction, userNid: number, otherNid: number): Promise<readonly RoomId[]> {
  const rows = await tx.all<{ room_id: RoomId }>(sql`
    SELECT r.room_id
    FROM memberships mine
    JOIN memberships theirs ON theirs.room_nid = mine.room_nid AND theirs.user_nid = ${otherNid} AND theirs.membership = 'join'
    JOIN rooms r ON r.room_nid = mine.room_nid
    WHERE mine.user_nid = ${userNid} AND mine.membership = 'join'
    ORDER BY r.room_nid`);
  return rows.map((row) => row.room_id);
}

/** Whether both have joined one same room. */
export async function sharesRoom(tx: ReadTransaction, userNid: number, otherNid: number): Promise<boolean> {
  const row = await tx.one(sql`
    SELECT 1 AS one
    FROM memberships mine JOIN memberships theirs ON theirs.room_nid = mine.room_nid AND theirs.user_nid = ${otherNid} AND theirs.membership = 'join'
    WHERE mine.user_nid = ${userNid} AND mine.membership = 'join'
    LIMIT 1`);
  return row !== undefined;
}

function withViewer(viewerNid: number, userNids: readonly number[], rows: readonly { readonly user_nid: number }[]): ReadonlySet<number> {
  const known = new Set(rows.map((row) => row.user_nid));
  if (userNids.includes(viewerNid)) known.add(viewerNid);
  return known;
}

export async function roomsOf(tx: ReadTransaction, userNid: number, memberships: readonly Membership[]): Promise<readonly number[]> {
  const rows = await tx.all<{ room_nid: number }>(sql`
    SELECT room_nid FROM memberships WHERE user_nid = ${userNid} AND membership IN ${inList(memberships)} ORDER BY room_nid`);
  return rows.map((row) => row.room_nid);
}
