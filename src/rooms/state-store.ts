import type { EventId, UserId } from '../matrix/identifiers.js';
import { inList, join, sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import { contentText, senderOf } from './event-text.js';

/** A state event as authorisation and policy see it. */
export interface StateRow {
  readonly room_nid: number;
  readonly type: string;
  readonly state_key: string;
  readonly seq: number;
  readonly event_id: EventId;
  readonly sender: UserId;
  /** The content, as JSON text. */
  readonly content: string;
}

export type StateKey = readonly [type: string, stateKey: string];

const stateColumns = sql`s.room_nid, s.type, s.state_key, s.seq, e.event_id, e.json`;
const withEvent = sql`JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq`;

/** The named entries of one room's current state, those that exist. */
export async function stateEntries(tx: ReadTransaction, roomNid: number, keys: readonly StateKey[]): Promise<readonly StateRow[]> {
  if (keys.length === 0) return [];
  const selects = keys.map(
    ([type, stateKey]) => sql`SELECT ${stateColumns} FROM current_state s ${withEvent}
      WHERE s.room_nid = ${roomNid} AND s.type = ${type} AND s.state_key = ${stateKey}`,
  );
  return (await tx.all<StoredRow>(join(selects, ' UNION ALL '))).map(stateRow);
}

/** One entry of each of several rooms' current state: all rows of the given types with an empty state key. */
export async function stateOfRooms(tx: ReadTransaction, roomNids: readonly number[], types: readonly string[]): Promise<readonly StateRow[]> {
  if (roomNids.length === 0) return [];
  const rows = await tx.all<StoredRow>(sql`
    SELECT ${stateColumns} FROM current_state s ${withEvent}
    WHERE s.room_nid IN ${inList(roomNids)} AND s.type IN ${inList(types)} AND s.state_key = ''`);
  return rows.map(stateRow);
}

type StoredRow = Omit<StateRow, 'sender' | 'content'> & { readonly json: string };

// Sender and content are cut out of the text here: the database would parse all of it for each.
function stateRow({ json, ...row }: StoredRow): StateRow {
  return { ...row, sender: senderOf(json), content: contentText(json) };
}

/** What one state entry of a room was, stretch by stretch, oldest first; `until_seq` is absent from the one in force. */
export interface StateStretch {
  readonly room_nid: number;
  readonly type: string;
  readonly content: string;
  readonly since_seq: number;
  readonly until_seq: number | null;
}

/** The history of the visibility of several rooms, and of one person's membership there. */
export async function visibilityStretches(tx: ReadTransaction, roomNids: readonly number[], userId: UserId): Promise<readonly StateStretch[]> {
  if (roomNids.length === 0) return [];
  const rooms = inList(roomNids);
  // Each of the four is a look-up by the whole of a key: asked with OR, a database reads all that was ever replaced in the room.
  const history = sql`s.room_nid IN ${rooms} AND s.type = 'm.room.history_visibility' AND s.state_key = ''`;
  const membership = sql`s.room_nid IN ${rooms} AND s.type = 'm.room.member' AND s.state_key = ${userId}`;
  const current = sql`
    SELECT s.room_nid, s.type, e.json, s.since_seq, CAST(NULL AS BIGINT) AS until_seq
    FROM current_state s ${withEvent}
    WHERE`;
  const past = sql`
    SELECT s.room_nid, s.type, e.json, s.since_seq, s.until_seq
    FROM past_state s ${withEvent}
    WHERE`;
  const rows = await tx.all<Omit<StateStretch, 'content'> & { readonly json: string }>(sql`
    ${current} ${history} UNION ALL ${current} ${membership} UNION ALL ${past} ${history} UNION ALL ${past} ${membership}
    ORDER BY 1, 2, 4`);
  return rows.map(({ json, ...row }) => ({ ...row, content: contentText(json) }));
}

/** Puts an event in force, and what it replaces into the past. */
export async function putState(
  tx: Transaction,
  entry: { roomNid: number; type: string; stateKey: string; seq: number; position: number },
): Promise<void> {
  const { roomNid, type, stateKey, seq, position } = entry;
  await tx.run(sql`
    INSERT INTO past_state (room_nid, type, state_key, seq, since_seq, until_seq)
    SELECT room_nid, type, state_key, seq, since_seq, CAST(${seq} AS BIGINT)
    FROM current_state WHERE room_nid = ${roomNid} AND type = ${type} AND state_key = ${stateKey}`);
  await tx.run(sql`
    INSERT INTO current_state (room_nid, type, state_key, seq, position, since_seq)
    VALUES (${roomNid}, ${type}, ${stateKey}, ${seq}, ${position}, ${seq})
    ON CONFLICT (room_nid, type, state_key) DO UPDATE SET seq = excluded.seq, position = excluded.position, since_seq = excluded.since_seq`);
}

/** The seqs of the events that made up a room's state just after `seq`. */
export async function stateSeqsAt(tx: ReadTransaction, roomNid: number, seq: number): Promise<readonly { seq: number; type: string; state_key: string }[]> {
  return tx.all(sql`
    SELECT seq, type, state_key FROM current_state WHERE room_nid = ${roomNid} AND since_seq <= ${seq}
    UNION ALL
    SELECT seq, type, state_key FROM past_state WHERE room_nid = ${roomNid} AND since_seq <= ${seq} AND until_seq > ${seq}`);
}
