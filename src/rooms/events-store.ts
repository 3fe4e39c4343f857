import type { EventId, RoomId } from '../matrix/identifiers.js';
import { inList, rowsOf, sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';

export interface NewEventRow {
  readonly room_nid: number;
  readonly seq: number;
  readonly position: number;
  readonly event_id: EventId;
  readonly type: string;
  readonly state_key: string | null;
  readonly sender_nid: number;
  readonly origin_server_ts: number;
  readonly json: string;
  readonly pdu: string;
  readonly replaces_seq: number | null;
  readonly thread_root: string | null;
  readonly notify_sum: number;
  readonly highlight_sum: number;
  readonly device_nid: number | null;
  readonly txn_id: string | null;
}

export async function insertEvent(tx: Transaction, e: NewEventRow): Promise<void> {
  await tx.run(sql`
    INSERT INTO events (room_nid, seq, position, event_id, type, state_key, sender_nid, origin_server_ts, json, pdu,
      replaces_seq, thread_root, notify_sum, highlight_sum, device_nid, txn_id)
    VALUES (${e.room_nid}, ${e.seq}, ${e.position}, ${e.event_id}, ${e.type}, ${e.state_key}, ${e.sender_nid}, ${e.origin_server_ts},
      ${e.json}, ${e.pdu}, ${e.replaces_seq}, ${e.thread_root}, ${e.notify_sum}, ${e.highlight_sum}, ${e.device_nid}, ${e.txn_id})`);
}

/** A stored event with all that its `unsigned` is made of, in few columns: a first sync reads thousands of rows, and each column costs each of them. */
export interface EventRow {
  readonly room_nid: number;
  readonly seq: number;
  /** Null of a message, as its state key is. */
  readonly state_type: string | null;
  readonly state_key: string | null;
  readonly sender_nid: number;
  readonly origin_server_ts: number;
  readonly json: string;
  readonly device_nid: number | null;
  readonly txn_id: string | null;
  /** Null but where another event comes with this one: `asidesOf` says which. */
  readonly asides: string | null;
}

// Sub-queries rather than joins: nearly no event replaces or was redacted, and then they cost nothing. No text of an event holds the
// end of a line.
const eventColumns = sql`e.room_nid, e.seq, CASE WHEN e.state_key IS NOT NULL THEN e.type END AS state_type, e.state_key, e.sender_nid, e.origin_server_ts, e.json, e.device_nid, e.txn_id,
  CASE WHEN e.replaces_seq IS NOT NULL OR e.redacted_by_seq IS NOT NULL THEN
    coalesce((SELECT p.seq || ' ' || CAST(p.json AS TEXT) FROM events p WHERE p.room_nid = e.room_nid AND p.seq = e.replaces_seq), '') || '\n' ||
    coalesce((SELECT r.seq || ' ' || CAST(r.json AS TEXT) FROM events r WHERE r.room_nid = e.room_nid AND r.seq = e.redacted_by_seq), '') END AS asides`;

/** Another event that is told of with one. */
export interface Aside {
  readonly seq: number;
  readonly json: string;
}

/** The state event whose place an event took, and the redaction that took its content. */
export function asidesOf({ asides }: EventRow): { readonly replaced?: Aside; readonly redaction?: Aside } {
  if (asides === null) return {};
  const end = asides.indexOf('\n');
  const [replaced, redaction] = [asideIn(asides.slice(0, end)), asideIn(asides.slice(end + 1))];
  return { ...(replaced && { replaced }), ...(redaction && { redaction }) };
}

function asideIn(line: string): Aside | undefined {
  const space = line.indexOf(' ');
  return space < 0 ? undefined : { seq: Number(line.slice(0, space)), json: line.slice(space + 1) };
}

// In what follows CROSS JOIN keeps SQLite to the order written: from the rows picked to what they pick. It knows nothing of how full
// the tables are, and would rather read all of a table than look up some hundreds of rows.

/** A stretch of a room's timeline, both ends included. */
export interface SeqRange {
  readonly room_nid: number;
  readonly from: number;
  readonly to: number;
}

/** The events of stretches of any number of rooms, of each room in order: one statement for all of them. */
export async function eventsInRanges(tx: ReadTransaction, ranges: readonly SeqRange[]): Promise<readonly EventRow[]> {
  if (ranges.length === 0) return [];
  const rows = await tx.all<EventRow>(sql`
    WITH picked (room_nid, from_seq, to_seq) AS (VALUES ${rowsOf(ranges.map((range) => [range.room_nid, range.from, range.to]), ['BIGINT', 'BIGINT', 'BIGINT'])})
    SELECT ${eventColumns}
    FROM picked
    CROSS JOIN events e
    WHERE e.room_nid = picked.room_nid AND e.seq BETWEEN picked.from_seq AND picked.to_seq`);
  // They come in order already, as a rule; the database would copy them all to make sure.
  return [...rows].sort((a, b) => a.room_nid - b.room_nid || a.seq - b.seq);
}

export async function eventsBySeq(tx: ReadTransaction, roomNid: number, seqs: readonly number[]): Promise<readonly EventRow[]> {
  if (seqs.length === 0) return [];
  return tx.all<EventRow>(sql`
    SELECT ${eventColumns} FROM events e WHERE e.room_nid = ${roomNid} AND e.seq IN ${inList(seqs)} ORDER BY e.seq`);
}

/** One page of a room's timeline within `from..to`, in the given direction. */
export async function pageOfEvents(
  tx: ReadTransaction,
  page: { roomNid: number; from: number; to: number; dir: 'b' | 'f'; limit: number },
): Promise<readonly EventRow[]> {
  const order = page.dir === 'b' ? sql`ORDER BY e.seq DESC` : sql`ORDER BY e.seq`;
  return tx.all<EventRow>(sql`
    SELECT ${eventColumns} FROM events e
    WHERE e.room_nid = ${page.roomNid} AND e.seq BETWEEN ${page.from} AND ${page.to} ${order} LIMIT ${page.limit}`);
}

export async function findEvent(tx: ReadTransaction, roomNid: number, eventId: EventId): Promise<EventRow | undefined> {
  return tx.one<EventRow>(sql`SELECT ${eventColumns} FROM events e WHERE e.event_id = ${eventId} AND e.room_nid = ${roomNid}`);
}

/** Whether it was this person who sent the event; undefined: there is no such event. */
export async function sentBy(tx: ReadTransaction, event: { readonly roomId: RoomId; readonly eventId: EventId }, userNid: number): Promise<boolean | undefined> {
  const row = await tx.one<{ sender_nid: number }>(sql`
    SELECT e.sender_nid
    FROM events e
    JOIN rooms r ON r.room_nid = e.room_nid
    WHERE e.event_id = ${event.eventId} AND r.room_id = ${event.roomId}`);
  return row && row.sender_nid === userNid;
}

/** The events in force in a room's current state. */
export async function currentStateEvents(tx: ReadTransaction, roomNid: number): Promise<readonly EventRow[]> {
  return tx.all<EventRow>(sql`
    SELECT ${eventColumns} FROM current_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq
    WHERE s.room_nid = ${roomNid}`);
}

export async function currentStateEvent(tx: ReadTransaction, roomNid: number, type: string, stateKey: string): Promise<EventRow | undefined> {
  return tx.one<EventRow>(sql`
    SELECT ${eventColumns} FROM current_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq
    WHERE s.room_nid = ${roomNid} AND s.type = ${type} AND s.state_key = ${stateKey}`);
}

/** The event this device sent with this transaction id, were the request a repetition. */
export async function findSent(
  tx: ReadTransaction,
  sent: { deviceNid: number; roomId: RoomId; type: string; txnId: string },
): Promise<{ event_id: EventId } | undefined> {
  return tx.one(sql`
    SELECT e.event_id
    FROM events e JOIN rooms r ON r.room_nid = e.room_nid
    WHERE e.device_nid = ${sent.deviceNid} AND e.txn_id = ${sent.txnId} AND e.type = ${sent.type} AND r.room_id = ${sent.roomId}`);
}

/** Replaces an event by its redacted form: what it said is gone from this moment. */
export async function redactEvent(tx: Transaction, target: { roomNid: number; seq: number; json: string; bySeq: number }): Promise<void> {
  await tx.run(sql`
    UPDATE events SET json = ${target.json}, redacted_by_seq = ${target.bySeq}
    WHERE room_nid = ${target.roomNid} AND seq = ${target.seq}`);
  await tx.run(sql`DELETE FROM relations WHERE room_nid = ${target.roomNid} AND seq = ${target.seq}`);
}

/** A point in one room's timeline; what took effect at or before `since` is left out. */
export interface StatePoint {
  readonly room_nid: number;
  readonly seq: number;
  readonly since: number;
}

/** The events that made up the state of each room just after its point: one statement for all rooms. */
export async function stateEventsAt(tx: ReadTransaction, points: readonly StatePoint[], members: 'with members' | 'without members'): Promise<readonly EventRow[]> {
  if (points.length === 0) return [];
  const wanted = members === 'with members' ? sql`` : sql`AND s.type <> 'm.room.member'`;
  return tx.all<EventRow>(sql`
    WITH picked (room_nid, seq, since) AS (VALUES ${rowsOf(points.map((p) => [p.room_nid, p.seq, p.since]), ['BIGINT', 'BIGINT', 'BIGINT'])})
    SELECT ${eventColumns}
    FROM picked
    CROSS JOIN current_state s
    CROSS JOIN events e
    WHERE s.room_nid = picked.room_nid AND s.since_seq <= picked.seq AND s.since_seq > picked.since ${wanted}
      AND e.room_nid = s.room_nid AND e.seq = s.seq
    UNION ALL
    SELECT ${eventColumns}
    FROM picked
    CROSS JOIN past_state s
    CROSS JOIN events e
    WHERE s.room_nid = picked.room_nid AND s.until_seq > picked.seq AND s.since_seq <= picked.seq AND s.since_seq > picked.since ${wanted}
      AND e.room_nid = s.room_nid AND e.seq = s.seq`);
}

export interface MemberPoint {
  readonly room_nid: number;
  readonly seq: number;
  readonly userId: string;
}

/** The member events of people just after points of their rooms. */
export async function memberEventsAt(tx: ReadTransaction, points: readonly MemberPoint[]): Promise<readonly EventRow[]> {
  if (points.length === 0) return [];
  const current = await memberEventsIn(tx, points, sql`current_state`, sql``);
  const found = new Set(current.map(({ room_nid, state_key }) => `${room_nid}/${state_key}`));
  // Nearly nobody has changed since, so the past is asked only for those who have, or were not there yet.
  const others = points.filter(({ room_nid, userId }) => !found.has(`${room_nid}/${userId}`));
  return [...current, ...(await memberEventsIn(tx, others, sql`past_state`, sql`AND s.until_seq > picked.seq`))];
}

async function memberEventsIn(tx: ReadTransaction, points: readonly MemberPoint[], table: Sql, until: Sql): Promise<readonly EventRow[]> {
  if (points.length === 0) return [];
  return tx.all<EventRow>(sql`
    WITH picked (room_nid, seq, user_id) AS (VALUES ${rowsOf(points.map((p) => [p.room_nid, p.seq, p.userId]), ['BIGINT', 'BIGINT', 'TEXT'])})
    SELECT ${eventColumns}
    FROM picked
    CROSS JOIN ${table} s
    CROSS JOIN events e
    WHERE s.room_nid = picked.room_nid AND s.type = 'm.room.member' AND s.state_key = picked.user_id AND s.since_seq <= picked.seq ${until}
      AND e.room_nid = s.room_nid AND e.seq = s.seq`);
}
