import type { Membership } from '../matrix/event-auth.js';
import type { RoomId, UserId } from '../matrix/identifiers.js';
import type { MainSums } from '../rooms/receipts-store.js';
import { inList, sql, type ReadTransaction } from '../storage/database.js';

export interface MembershipRow extends MainSums {
  readonly room_nid: number;
  readonly room_id: RoomId;
  readonly membership: Membership;
  readonly position: number;
  readonly changed_seq: number;
  readonly has_own_push_rules: number;
  readonly is_forgotten: number;
}

export async function membershipsOf(
  tx: ReadTransaction,
  userNid: number,
): Promise<readonly MembershipRow[]> {
  return tx.all(sql`
    SELECT m.room_nid, r.room_id, m.membership, m.position, m.changed_seq, m.notify_sum, m.highlight_sum, m.has_own_push_rules, m.is_forgotten
    FROM memberships m JOIN rooms r ON r.room_nid = m.room_nid
    WHERE m.user_nid = ${userNid}
    ORDER BY m.room_nid`);
}

export interface MemberEventRow extends MainSums {
  readonly room_nid: number;
  readonly seq: number;
  readonly position: number;
  readonly membership: Membership;
}

/** All that somebody ever was in rooms, oldest first in each. */
export async function memberHistory(tx: ReadTransaction, roomNids: readonly number[], userId: UserId): Promise<readonly MemberEventRow[]> {
  if (roomNids.length === 0) return [];
  const columns = sql`s.room_nid, e.seq, e.position, e.json -> 'content' ->> 'membership' AS membership, e.notify_sum, e.highlight_sum`;
  const own = sql`
    JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq
    WHERE s.room_nid IN ${inList(roomNids)} AND s.type = 'm.room.member' AND s.state_key = ${userId}`;
  return tx.all<MemberEventRow>(sql`
    SELECT ${columns} FROM current_state s ${own}
    UNION ALL
    SELECT ${columns} FROM past_state s ${own}
    ORDER BY 1, 2`);
}

/** The newest seq of each room at or before a position of the stream; rooms that began later are absent. */
export async function seqsAt(tx: ReadTransaction, roomNids: readonly number[], position: number): Promise<ReadonlyMap<number, number>> {
  if (roomNids.length === 0) return new Map();
  const rows = await tx.all<{ room_nid: number; seq: number | null }>(sql`
    SELECT r.room_nid, (
      SELECT e.seq FROM events e WHERE e.room_nid = r.room_nid AND e.position <= ${position} AND e.seq > 0 ORDER BY e.position DESC LIMIT 1) AS seq
    FROM rooms r
    WHERE r.room_nid IN ${inList(roomNids)}`);
  return new Map(rows.map(({ room_nid, seq }) => [room_nid, seq ?? 0]));
}

/** The rooms where something happened last. */
export async function newestRooms(tx: ReadTransaction, most: number): Promise<readonly number[]> {
  const rows = await tx.all<{ room_nid: number }>(sql`SELECT room_nid FROM rooms ORDER BY position DESC LIMIT ${most}`);
  return rows.map(({ room_nid }) => room_nid);
}

export interface RoomTip extends MainSums {
  readonly room_nid: number;
  readonly seq: number;
  readonly position: number;
  readonly thread_seq: number;
  /** Of the last change of state, redactions included. */
  readonly state_seq: number;
  /** The newest seq at or before the position asked for; null when the room began later. */
  readonly known_seq: number | null;
}

/** Where rooms stand, and where they stood at a position of the stream. */
export async function tipsOf(tx: ReadTransaction, roomNids: readonly number[], position: number): Promise<ReadonlyMap<number, RoomTip>> {
  if (roomNids.length === 0) return new Map();
  const rows = await tx.all<RoomTip>(sql`
    SELECT r.room_nid, r.seq, r.position, r.notify_sum, r.highlight_sum, r.thread_seq, r.state_seq, (
      SELECT e.seq FROM events e WHERE e.room_nid = r.room_nid AND e.position <= ${position} AND e.seq > 0 ORDER BY e.position DESC LIMIT 1) AS known_seq
    FROM rooms r
    WHERE r.room_nid IN ${inList(roomNids)}`);
  return new Map(rows.map((row) => [row.room_nid, row]));
}

/** The stripped state an invited person is shown. https://spec.matrix.org/v1.19/client-server-api/#stripped-state */
export async function strippedState(tx: ReadTransaction, roomNids: readonly number[], userId: string): Promise<readonly { room_nid: number; json: string }[]> {
  if (roomNids.length === 0) return [];
  const types = ['m.room.create', 'm.room.name', 'm.room.avatar', 'm.room.topic', 'm.room.join_rules', 'm.room.canonical_alias', 'm.room.encryption'];
  return tx.all(sql`
    SELECT s.room_nid, e.json
    FROM current_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq
    WHERE s.room_nid IN ${inList(roomNids)}
      AND ((s.type IN ${inList(types)} AND s.state_key = '') OR (s.type = 'm.room.member' AND s.state_key = ${userId}))
    ORDER BY s.room_nid, s.seq`);
}

/** All that whoever knocks is shown: that they knocked. Any other event would name the room, or a person in it (RULES A9). */
export async function knockState(tx: ReadTransaction, roomNids: readonly number[], userId: string): Promise<readonly { room_nid: number; json: string }[]> {
  if (roomNids.length === 0) return [];
  return tx.all(sql`
    SELECT s.room_nid, e.json
    FROM current_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq
    WHERE s.room_nid IN ${inList(roomNids)} AND s.type = 'm.room.member' AND s.state_key = ${userId}`);
}
