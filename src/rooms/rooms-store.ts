import type { EventId, RoomId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';

/** Where a room stands: its newest event and what the next one builds on. */
export interface RoomRow {
  readonly room_nid: number;
  readonly room_id: RoomId;
  readonly room_version: string;
  readonly seq: number;
  readonly position: number;
  readonly state_seq: number;
  readonly depth: number;
  readonly extremities: string;
  readonly notify_sum: number;
  readonly highlight_sum: number;
  readonly thread_seq: number;
}

const columns = sql`room_nid, room_id, room_version, seq, position, state_seq, depth, extremities, notify_sum, highlight_sum, thread_seq`;
const byId = sql`SELECT ${columns} FROM rooms WHERE room_id = `;

export async function findRoom(tx: ReadTransaction, roomId: RoomId): Promise<RoomRow | undefined> {
  return tx.one<RoomRow>(sql`${byId}${roomId}`);
}

export async function roomsByNid(tx: ReadTransaction, nids: readonly number[]): Promise<readonly RoomRow[]> {
  if (nids.length === 0) return [];
  return tx.all<RoomRow>(sql`SELECT ${columns} FROM rooms WHERE room_nid IN ${inList(nids)}`);
}

/** Of the given ids, those of rooms this shard knows (RULES A3). */
export async function knownRooms(tx: ReadTransaction, roomIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (roomIds.length === 0) return new Set();
  const rows = await tx.all<{ room_id: string }>(sql`SELECT room_id FROM rooms WHERE room_id IN ${inList(roomIds)}`);
  return new Set(rows.map((row) => row.room_id));
}

export interface Tip {
  readonly seq: number;
  readonly position: number;
  readonly state_seq: number;
  readonly depth: number;
  readonly extremities: readonly EventId[];
  readonly notify_sum: number;
  readonly highlight_sum: number;
  readonly thread_seq: number;
}

export async function moveTip(tx: Transaction, roomNid: number, tip: Tip): Promise<void> {
  await tx.run(sql`
    UPDATE rooms
    SET seq = ${tip.seq}, position = ${tip.position}, state_seq = ${tip.state_seq}, depth = ${tip.depth},
      extremities = ${JSON.stringify(tip.extremities)}, notify_sum = ${tip.notify_sum}, highlight_sum = ${tip.highlight_sum}, thread_seq = ${tip.thread_seq}
    WHERE room_nid = ${roomNid}`);
}

/** Refused by the schema until the room's current state holds its encryption. */
export async function insertRoom(tx: Transaction, room: { nid: number; id: RoomId; version: string }, tip: Tip): Promise<void> {
  await tx.run(sql`
    INSERT INTO rooms (room_nid, room_id, room_version, seq, position, state_seq, depth, extremities, notify_sum, highlight_sum, thread_seq)
    VALUES (${room.nid}, ${room.id}, ${room.version}, ${tip.seq}, ${tip.position}, ${tip.state_seq}, ${tip.depth},
      ${JSON.stringify(tip.extremities)}, ${tip.notify_sum}, ${tip.highlight_sum}, ${tip.thread_seq})`);
}

/** The room's own count at a position of the stream: the newest event at or before it, 0 when there is none. */
export async function seqAt(tx: ReadTransaction, roomNid: number, position: number): Promise<number> {
  const row = await tx.one<{ seq: number }>(sql`
    SELECT seq FROM events
    WHERE room_nid = ${roomNid} AND position <= ${position} AND seq > 0
    ORDER BY position DESC
    LIMIT 1`);
  return row?.seq ?? 0;
}
