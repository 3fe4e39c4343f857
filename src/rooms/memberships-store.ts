import type { Membership } from '../matrix/event-auth.js';
import type { RoomId, UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface MembershipRow {
  readonly room_nid: number;
  readonly user_nid: number;
  readonly membership: Membership;
  readonly seq: number;
  readonly position: number;
  readonly changed_seq: number;
  readonly is_forgotten: number;
}

export async function membershipIn(tx: ReadTransaction, roomNid: number, userNid: number): Promise<MembershipRow | undefined> {
  return tx.one<MembershipRow>(sql`
    SELECT room_nid, user_nid, membership, seq, position, changed_seq, is_forgotten
    FROM memberships WHERE room_nid = ${roomNid} AND user_nid = ${userNid}`);
}

/** A room with the asker's own membership in it: what nearly every request about a room begins with. */
export interface OwnRoom {
  readonly room_nid: number;
  readonly room_id: RoomId;
  readonly room_version: string;
  readonly seq: number;
  readonly position: number;
  readonly state_seq: number;
  readonly membership: Membership | null;
  readonly changed_seq: number | null;
  readonly is_forgotten: number | null;
}

export async function ownRoom(tx: ReadTransaction, roomId: RoomId, userNid: number): Promise<OwnRoom | undefined> {
  return tx.one<OwnRoom>(sql`
    SELECT r.room_nid, r.room_id, r.room_version, r.seq, r.position, r.state_seq, m.membership, m.changed_seq, m.is_forgotten
    FROM rooms r LEFT JOIN memberships m ON m.room_nid = r.room_nid AND m.user_nid = ${userNid}
    WHERE r.room_id = ${roomId}`);
}

/** Takes a member event over into the membership it makes; a changed name or picture leaves `position` where it was. */
export async function putMembership(
  tx: Transaction,
  member: { roomNid: number; userNid: number; membership: Membership; seq: number; position: number; notify_sum: number; highlight_sum: number },
): Promise<void> {
  const { roomNid, userNid, membership, seq, position } = member;
  await tx.run(sql`
    INSERT INTO memberships (room_nid, user_nid, membership, seq, position, changed_seq, notify_sum, highlight_sum, has_own_push_rules, has_pushers)
    VALUES (${roomNid}, ${userNid}, ${membership}, ${seq}, ${position}, ${seq}, ${member.notify_sum}, ${member.highlight_sum},
      (SELECT count(*) FROM push_rules WHERE user_nid = ${userNid}),
      CASE WHEN EXISTS (SELECT 1 FROM pushers WHERE user_nid = ${userNid}) THEN 1 ELSE 0 END)
    ON CONFLICT (room_nid, user_nid) DO UPDATE SET
      position = CASE WHEN memberships.membership = excluded.membership THEN memberships.position ELSE excluded.position END,
      changed_seq = CASE WHEN memberships.membership = excluded.membership THEN memberships.changed_seq ELSE excluded.changed_seq END,
      notify_sum = CASE WHEN memberships.membership = excluded.membership THEN memberships.notify_sum ELSE excluded.notify_sum END,
      highlight_sum = CASE WHEN memberships.membership = excluded.membership THEN memberships.highlight_sum ELSE excluded.highlight_sum END,
      membership = excluded.membership,
      seq = excluded.seq,
      is_forgotten = CASE WHEN excluded.membership IN ('leave', 'ban') THEN memberships.is_forgotten ELSE 0 END`);
}

/** From now on the push rules of this person are asked about every event of their rooms; of rooms still to come `putMembership` knows. */
export async function markOwnPushRules(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`UPDATE memberships SET has_own_push_rules = 1 WHERE user_nid = ${userNid}`);
}

/** From now on events of this person's rooms may ask for a push; of rooms still to come `putMembership` knows. */
export async function markPushers(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`UPDATE memberships SET has_pushers = 1 WHERE user_nid = ${userNid} AND has_pushers = 0`);
}

/** Takes the mark from the members of a room who have no pusher any more. */
export async function unmarkPushers(tx: Transaction, roomNid: number): Promise<void> {
  await tx.run(sql`
    UPDATE memberships SET has_pushers = 0
    WHERE room_nid = ${roomNid} AND has_pushers = 1 AND NOT EXISTS (SELECT 1 FROM live_pushers p WHERE p.user_nid = memberships.user_nid)`);
}

/** What this person has sent is shown redacted to whoever comes to its rooms from now on. */
export async function markErased(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`
    UPDATE memberships SET erased_seq = (SELECT r.seq FROM rooms r WHERE r.room_nid = memberships.room_nid)
    WHERE user_nid = ${userNid}`);
}

/** A member, as a rule a former one, who was erased when the room had come to `erased_seq`. */
export interface ErasedMember {
  readonly room_nid: number;
  readonly room_version: string;
  readonly user_nid: number;
  readonly erased_seq: number;
}

/** From an index that holds nobody else. */
export async function erasedMembers(tx: ReadTransaction, roomNids: readonly number[]): Promise<readonly ErasedMember[]> {
  if (roomNids.length === 0) return [];
  return tx.all<ErasedMember>(sql`
    SELECT m.room_nid, r.room_version, m.user_nid, m.erased_seq
    FROM memberships m CROSS JOIN rooms r
    WHERE m.room_nid IN ${inList(roomNids)} AND m.erased_seq IS NOT NULL AND r.room_nid = m.room_nid`);
}

export async function forget(tx: Transaction, roomNid: number, userNid: number): Promise<void> {
  await tx.run(sql`UPDATE memberships SET is_forgotten = 1 WHERE room_nid = ${roomNid} AND user_nid = ${userNid}`);
}

export async function joinedCount(tx: ReadTransaction, roomNid: number): Promise<number> {
  const row = await tx.one<{ n: number }>(sql`SELECT count(*) AS n FROM memberships WHERE room_nid = ${roomNid} AND membership = 'join'`);
  return row?.n ?? 0;
}

export async function membershipCounts(tx: ReadTransaction, roomNids: readonly number[]): Promise<readonly { room_nid: number; membership: Membership; n: number }[]> {
  if (roomNids.length === 0) return [];
  return tx.all(sql`
    SELECT room_nid, membership, count(*) AS n FROM memberships
    WHERE room_nid IN ${inList(roomNids)} AND membership IN ('join', 'invite')
    GROUP BY room_nid, membership`);
}

/** The first members of rooms, oldest first, without the viewer: those a client names an unnamed room after. */
export async function heroes(
  tx: ReadTransaction,
  roomNids: readonly number[],
  viewerNid: number,
): Promise<readonly { room_nid: number; user_id: UserId; membership: Membership }[]> {
  if (roomNids.length === 0) return [];
  return tx.all(sql`
    SELECT room_nid, user_id, membership FROM (
      SELECT m.room_nid, u.user_id, m.membership,
        row_number() OVER (PARTITION BY m.room_nid ORDER BY CASE WHEN m.membership IN ('join', 'invite') THEN 0 ELSE 1 END, m.changed_seq) AS place
      FROM memberships m JOIN users u ON u.user_nid = m.user_nid
      WHERE m.room_nid IN ${inList(roomNids)} AND m.user_nid <> ${viewerNid} AND m.membership <> 'knock') ranked
    WHERE place <= 5
    ORDER BY room_nid, place`);
}
