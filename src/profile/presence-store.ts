import { inList, join, sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';

export type PresenceState = 'online' | 'unavailable' | 'offline';

export interface PresenceRow {
  readonly user_nid: number;
  readonly state: PresenceState;
  readonly status_msg: string | null;
  readonly last_active_ts: number;
}
export interface NamedPresenceRow extends PresenceRow {
  readonly user_id: string;
}

export interface StateChange {
  readonly userNid: number;
  readonly state: PresenceState;
  readonly lastActiveTs: number;
}

/** Statements of few lengths, and none too long. */
const BATCH = 128;
/** What one answer tells at most. */
const MOST_PEOPLE = 500;

/** Undefined of who never came online. */
export async function findPresence(tx: ReadTransaction, userNid: number): Promise<PresenceRow | undefined> {
  return tx.one<PresenceRow>(sql`SELECT user_nid, state, status_msg, last_active_ts FROM presence WHERE user_nid = ${userNid}`);
}

/** Sets what a person says of themselves, words and all. */
export async function savePresence(tx: Transaction, change: StateChange & { statusMsg: string | null; position: number }): Promise<void> {
  await tx.run(sql`
    INSERT INTO presence (user_nid, state, status_msg, last_active_ts, position)
    VALUES (${change.userNid}, ${change.state}, ${change.statusMsg}, ${change.lastActiveTs}, ${change.position})
    ON CONFLICT (user_nid) DO UPDATE SET
      state = excluded.state, status_msg = excluded.status_msg, last_active_ts = excluded.last_active_ts, position = excluded.position`);
}

/** Sets what was seen of many people; the words they set stay. */
export async function saveStates(tx: Transaction, changes: readonly StateChange[], position: number): Promise<void> {
  for (let at = 0; at < changes.length; at += BATCH) {
    const rows = changes.slice(at, at + BATCH).map(({ userNid, state, lastActiveTs }) => sql`(${userNid}, ${state}, ${lastActiveTs}, ${position})`);
    await tx.run(sql`
      INSERT INTO presence (user_nid, state, last_active_ts, position) VALUES ${join(rows, ', ')}
      ON CONFLICT (user_nid) DO UPDATE SET state = excluded.state, last_active_ts = excluded.last_active_ts, position = excluded.position`);
  }
}

/** Everybody whose state was written within the range, whoever wrote it. */
export async function statesIn(tx: ReadTransaction, { after, upTo }: Range): Promise<readonly Pick<PresenceRow, 'user_nid' | 'state'>[]> {
  return tx.all(sql`SELECT user_nid, state FROM presence WHERE position > ${after} AND position <= ${upTo}`);
}

/** What changed within the range of the viewer and of who has joined any of the rooms that the viewer has joined, newest first. */
export async function presenceSince(
  tx: ReadTransaction,
  { viewerNid, roomNids }: { readonly viewerNid: number; readonly roomNids: readonly number[] },
  { after, upTo }: Range,
): Promise<readonly NamedPresenceRow[]> {
  return tx.all<NamedPresenceRow>(sql`
    SELECT p.user_nid, p.state, p.status_msg, p.last_active_ts, u.user_id
    FROM presence p JOIN users u ON u.user_nid = p.user_nid
    WHERE p.position > ${after} AND p.position <= ${upTo} AND (p.user_nid = ${viewerNid} OR EXISTS (
      SELECT 1 FROM memberships m WHERE m.user_nid = p.user_nid AND m.membership = 'join' AND m.room_nid IN ${inList(roomNids)}))
    ORDER BY p.position DESC
    LIMIT ${MOST_PEOPLE}`);
}

/** Who is not offline in these rooms, of those who joined them after a position. */
export async function presentIn(tx: ReadTransaction, roomNids: readonly number[], { after, upTo }: Range): Promise<readonly NamedPresenceRow[]> {
  if (roomNids.length === 0) return [];
  return tx.all<NamedPresenceRow>(sql`
    SELECT p.user_nid, p.state, p.status_msg, p.last_active_ts, u.user_id
    FROM presence p JOIN users u ON u.user_nid = p.user_nid
    WHERE p.state <> 'offline' AND p.position <= ${upTo} AND p.user_nid IN (
      SELECT m.user_nid FROM memberships m
      WHERE m.room_nid IN ${inList(roomNids)} AND m.membership = 'join' AND m.position > ${after} AND m.position <= ${upTo})
    ORDER BY p.position DESC
    LIMIT ${MOST_PEOPLE}`);
}

export async function deletePresence(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM presence WHERE user_nid = ${userNid}`);
}
