import type { UserId } from '../matrix/identifiers.js';
import { sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';

export async function putDeviceListChange(tx: Transaction, userNid: number, position: number): Promise<void> {
  await tx.run(sql`
    INSERT INTO device_list_changes (user_nid, position) VALUES (${userNid}, ${position})
    ON CONFLICT (user_nid) DO UPDATE SET position = excluded.position`);
}

/** Of these people, when their devices, keys or signatures last changed; 0 of somebody who never had any. */
export async function lastChangesOf(tx: ReadTransaction, people: Sql): Promise<readonly { readonly nid: number; readonly position: number }[]> {
  return tx.all(sql`
    SELECT p.nid, coalesce(c.position, 0) AS position
    FROM (${people}) p LEFT JOIN device_list_changes c ON c.user_nid = p.nid`);
}

/**
 * Whose keys the viewer should ask for again: the viewer and those joined to a room with them whose devices changed; those who
 * began to share a room with them; those whose identity the viewer signed on another device.
 */
export async function changedDeviceLists(tx: ReadTransaction, viewerNid: number, range: Range): Promise<readonly { user_id: UserId }[]> {
  return tx.all(sql`
    SELECT u.user_id
    FROM users u
    WHERE u.user_nid IN (
      SELECT c.user_nid FROM device_list_changes c
      WHERE ${within(sql`c.position`, range)} AND (c.user_nid = ${viewerNid} OR ${sharesRoom(sql`c.user_nid`, viewerNid)})
      UNION
      SELECT theirs.user_nid
      FROM memberships mine JOIN memberships theirs ON theirs.room_nid = mine.room_nid AND theirs.membership = 'join'
      WHERE mine.user_nid = ${viewerNid} AND mine.membership = 'join' AND ${within(sql`theirs.position`, range)}
      UNION
      SELECT theirs.user_nid
      FROM memberships mine JOIN memberships theirs ON theirs.room_nid = mine.room_nid AND theirs.membership = 'join'
      WHERE mine.user_nid = ${viewerNid} AND mine.membership = 'join' AND ${within(sql`mine.position`, range)}
      UNION
      SELECT s.target_nid FROM key_signatures s
      WHERE s.signer_nid = ${viewerNid} AND ${within(sql`s.position`, range)} AND ${sharesRoom(sql`s.target_nid`, viewerNid)})
    ORDER BY u.user_id`);
}

/**
 * Who no longer shares a joined room with the viewer: those who left a room of theirs, and those who were in a room that the viewer
 * left. Neither a declined invite tells who is in the room, nor a left room who came later.
 */
export async function leftDeviceLists(tx: ReadTransaction, viewerNid: number, range: Range): Promise<readonly { user_id: UserId }[]> {
  return tx.all(sql`
    SELECT u.user_id
    FROM users u
    WHERE u.user_nid <> ${viewerNid} AND NOT ${sharesRoom(sql`u.user_nid`, viewerNid)} AND u.user_nid IN (
      SELECT theirs.user_nid
      FROM memberships mine JOIN memberships theirs ON theirs.room_nid = mine.room_nid AND theirs.membership IN ('leave', 'ban')
      WHERE mine.user_nid = ${viewerNid} AND mine.membership = 'join' AND ${within(sql`theirs.position`, range)}
      UNION
      SELECT theirs.user_nid
      FROM memberships mine JOIN memberships theirs ON theirs.room_nid = mine.room_nid AND theirs.position < mine.position
        AND (theirs.membership = 'join' OR theirs.membership IN ('leave', 'ban') AND theirs.position > ${range.after})
      WHERE mine.user_nid = ${viewerNid} AND mine.membership IN ('leave', 'ban') AND ${within(sql`mine.position`, range)}
        AND ${wasJoined()})
    ORDER BY u.user_id`);
}

function within(position: Sql, { after, upTo }: Range): Sql {
  return sql`${position} > ${after} AND ${position} <= ${upTo}`;
}

function sharesRoom(userNid: Sql, viewerNid: number): Sql {
  return sql`EXISTS (
    SELECT 1 FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid AND b.user_nid = ${viewerNid} AND b.membership = 'join'
    WHERE a.user_nid = ${userNid} AND a.membership = 'join')`;
}

/** Whether what `mine` was before its last change was a join. */
function wasJoined(): Sql {
  return sql`EXISTS (
    SELECT 1
    FROM users me
    JOIN past_state before ON before.room_nid = mine.room_nid AND before.type = 'm.room.member' AND before.state_key = me.user_id
      AND before.until_seq = mine.changed_seq
    JOIN events e ON e.room_nid = before.room_nid AND e.seq = before.seq
    WHERE me.user_nid = mine.user_nid AND e.json -> 'content' ->> 'membership' = 'join')`;
}
