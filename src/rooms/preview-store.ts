import type { Membership } from '../matrix/event-auth.js';
import type { RoomId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction } from '../storage/database.js';

export interface PreviewRoom {
  readonly room_nid: number;
  readonly room_id: RoomId;
  readonly room_version: string;
  readonly membership: Membership | null;
  /** How many people are joined. */
  readonly joined: number;
}

export async function roomsForPreview(tx: ReadTransaction, roomIds: readonly string[], userNid: number): Promise<readonly PreviewRoom[]> {
  if (roomIds.length === 0) return [];
  return tx.all<PreviewRoom>(sql`
    SELECT r.room_nid, r.room_id, r.room_version, mine.membership, (
      SELECT count(*) FROM memberships m WHERE m.room_nid = r.room_nid AND m.membership = 'join') AS joined
    FROM rooms r LEFT JOIN memberships mine ON mine.room_nid = r.room_nid AND mine.user_nid = ${userNid}
    WHERE r.room_id IN ${inList(roomIds)}`);
}

export interface PreviewState {
  readonly room_nid: number;
  readonly type: string;
  readonly state_key: string;
  /** JSON. */
  readonly content: string;
  /** The whole event in the client format. */
  readonly json: string;
  readonly origin_server_ts: number;
}

const SHOWN = ['m.room.create', 'm.room.name', 'm.room.topic', 'm.room.avatar', 'm.room.canonical_alias', 'm.room.join_rules', 'm.room.encryption'];

/** What a summary is made of, and the children and parents of spaces. */
export async function previewState(tx: ReadTransaction, roomNids: readonly number[]): Promise<readonly PreviewState[]> {
  if (roomNids.length === 0) return [];
  return tx.all<PreviewState>(sql`
    SELECT s.room_nid, s.type, s.state_key, e.json -> 'content' AS content, e.json, e.origin_server_ts
    FROM current_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq
    WHERE s.room_nid IN ${inList(roomNids)}
      AND ((s.type IN ${inList(SHOWN)} AND s.state_key = '') OR s.type IN ('m.space.child', 'm.space.parent'))`);
}

/** Of these rooms, those somebody is joined to. */
export async function joinedAmong(tx: ReadTransaction, userNid: number, roomIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (roomIds.length === 0) return new Set();
  const rows = await tx.all<{ room_id: string }>(sql`
    SELECT r.room_id FROM rooms r JOIN memberships m ON m.room_nid = r.room_nid
    WHERE r.room_id IN ${inList(roomIds)} AND m.user_nid = ${userNid} AND m.membership = 'join'`);
  return new Set(rows.map((row) => row.room_id));
}
