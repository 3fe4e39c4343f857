import type { RoomId, UserId } from '../matrix/identifiers.js';
import { sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';

export interface DelayedEvent {
  readonly delay_id: string;
  readonly user_nid: number;
  readonly device_nid: number;
  readonly room_nid: number;
  readonly type: string;
  readonly state_key: string | null;
  /** JSON. */
  readonly content: string;
  readonly txn_id: string | null;
  readonly delay_ms: number;
  readonly since_ts: number;
  readonly due_ts: number;
}

/** Whoever logs in to a known device begins another session of it: what the one before left waiting, `delayed`, is nobody's. */
const ofLivingSession: Sql = sql`EXISTS (SELECT 1 FROM devices own WHERE own.device_nid = delayed.device_nid AND own.session_nid = delayed.session_nid)`;

/** It belongs to the session that asks for it; without effect once that has ended. */
export async function insertDelayed(tx: Transaction, e: DelayedEvent & { readonly session_nid: number }): Promise<void> {
  const device = await tx.one(sql`
    SELECT device_nid FROM devices WHERE device_nid = ${e.device_nid} AND session_nid = ${e.session_nid} AND user_nid = ${e.user_nid}`);
  if (device === undefined) return;
  await tx.run(sql`
    INSERT INTO delayed_events (delay_id, user_nid, device_nid, session_nid, room_nid, type, state_key, content, txn_id, delay_ms, since_ts, due_ts)
    VALUES (${e.delay_id}, ${e.user_nid}, ${e.device_nid}, ${e.session_nid}, ${e.room_nid},
      ${e.type}, ${e.state_key}, ${e.content}, ${e.txn_id}, ${e.delay_ms}, ${e.since_ts}, ${e.due_ts})`);
}

/** Forgets what earlier sessions of a person's devices left waiting. */
export async function dropOrphaned(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM delayed_events AS delayed WHERE user_nid = ${userNid} AND NOT ${ofLivingSession}`);
}

/** The one an earlier identical request scheduled. */
export async function findScheduled(
  tx: ReadTransaction,
  scheduled: { deviceNid: number; roomNid: number; type: string; txnId: string },
): Promise<{ delay_id: string } | undefined> {
  return tx.one(sql`
    SELECT delay_id FROM delayed_events
    WHERE device_nid = ${scheduled.deviceNid} AND txn_id = ${scheduled.txnId} AND room_nid = ${scheduled.roomNid} AND type = ${scheduled.type}`);
}

/** How many of a person wait, and when the first of them goes. */
export async function waitingOf(tx: ReadTransaction, userNid: number): Promise<{ n: number; first_ts: number | null }> {
  const row = await tx.one<{ n: number; first_ts: number | null }>(sql`
    SELECT count(*) AS n, min(due_ts) AS first_ts FROM delayed_events WHERE user_nid = ${userNid}`);
  return row ?? { n: 0, first_ts: null };
}

export async function whenDue(tx: ReadTransaction, delayId: string): Promise<{ room_id: RoomId; due_ts: number } | undefined> {
  return tx.one(sql`
    SELECT r.room_id, delayed.due_ts
    FROM delayed_events delayed JOIN rooms r ON r.room_nid = delayed.room_nid
    WHERE delayed.delay_id = ${delayId} AND ${ofLivingSession}`);
}

/** False when there is none. */
export async function restart(tx: Transaction, delayId: string, now: number): Promise<boolean> {
  return (await tx.run(sql`
    UPDATE delayed_events AS delayed SET since_ts = ${now}, due_ts = ${now} + delay_ms
    WHERE delay_id = ${delayId} AND ${ofLivingSession}`)) > 0;
}

/** Whoever takes it away has it alone: to send it, or for good. */
export async function takeDelayed(tx: Transaction, delayId: string): Promise<DelayedEvent | undefined> {
  return tx.one<DelayedEvent>(sql`
    DELETE FROM delayed_events WHERE delay_id = ${delayId}
    RETURNING delay_id, user_nid, device_nid, room_nid, type, state_key, content, txn_id, delay_ms, since_ts, due_ts`);
}

/** Who sends from a device: nobody unless its session has not ended and the account may write. */
export async function livingSender(tx: ReadTransaction, deviceNid: number, now: number): Promise<{ user_nid: number; user_id: UserId } | undefined> {
  return tx.one(sql`
    SELECT u.user_nid, u.user_id
    FROM devices d JOIN users u ON u.user_nid = d.user_nid
    WHERE d.device_nid = ${deviceNid} AND u.is_deactivated = 0 AND u.is_locked = 0 AND u.is_suspended = 0
      AND (EXISTS (SELECT 1 FROM access_tokens t WHERE t.device_nid = d.device_nid AND (t.expires_ts IS NULL OR t.expires_ts > ${now}))
        OR EXISTS (
          SELECT 1 FROM refresh_tokens r
          WHERE r.device_nid = d.device_nid AND r.is_used = 0
            AND (r.expires_ts IS NULL OR r.expires_ts > ${now}) AND (r.session_ends_ts IS NULL OR r.session_ends_ts > ${now})))`);
}

/** Of the others: what they wanted to make of a state that somebody has just set. */
export async function dropSuperseded(tx: Transaction, state: { roomNid: number; type: string; stateKey: string; senderNid: number }): Promise<void> {
  await tx.run(sql`
    DELETE FROM delayed_events
    WHERE room_nid = ${state.roomNid} AND type = ${state.type} AND state_key = ${state.stateKey} AND user_nid <> ${state.senderNid}`);
}

/** Those of a person in the order in which they go, or one of them. */
export async function delayedOf(tx: ReadTransaction, userNid: number, delayId?: string): Promise<readonly (DelayedEvent & { readonly room_id: RoomId })[]> {
  const one = delayId === undefined ? sql`` : sql`AND delayed.delay_id = ${delayId}`;
  return tx.all(sql`
    SELECT delayed.delay_id, delayed.user_nid, delayed.device_nid, delayed.room_nid, delayed.type, delayed.state_key, delayed.content, delayed.txn_id,
      delayed.delay_ms, delayed.since_ts, delayed.due_ts, r.room_id
    FROM delayed_events delayed JOIN rooms r ON r.room_nid = delayed.room_nid
    WHERE delayed.user_nid = ${userNid} AND ${ofLivingSession} ${one}
    ORDER BY delayed.due_ts, delayed.delay_id`);
}
