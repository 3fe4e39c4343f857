import type { DeviceId, UserId } from '../matrix/identifiers.js';
import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import type { Session } from './session.js';

export interface SessionRow {
  readonly user_nid: number;
  readonly user_id: UserId;
  readonly device_nid: number;
  readonly device_id: DeviceId;
  readonly session_nid: number;
  readonly is_admin: number;
  readonly is_deactivated: number;
  readonly is_locked: number;
  readonly is_suspended: number;
  readonly app_service_id: string | null;
  readonly last_seen_ts: number;
  readonly expires_ts: number | null;
  readonly replaces_hash: string | null;
}

/** Asked on every request: three look-ups by key. */
export function findSession(tx: ReadTransaction, tokenHash: string): Promise<SessionRow | undefined> {
  return tx.one<SessionRow>(sql`
    SELECT d.user_nid, u.user_id, d.device_nid, d.device_id, d.session_nid, u.is_admin, u.is_deactivated, u.is_locked, u.is_suspended, u.app_service_id, coalesce(d.last_seen_ts, 0) AS last_seen_ts,
      t.expires_ts, t.replaces_hash
    FROM access_tokens t
    JOIN devices d ON d.device_nid = t.device_nid
    JOIN users u ON u.user_nid = d.user_nid
    WHERE t.token_hash = ${tokenHash}`);
}

/** Whether a session that began to wait may still be told anything; undefined when it has ended. */
export async function findWaiting(tx: ReadTransaction, { deviceNid, sessionNid }: Pick<Session, 'deviceNid' | 'sessionNid'>): Promise<{ readonly is_locked: number } | undefined> {
  return tx.one<{ is_locked: number }>(sql`
    SELECT u.is_locked FROM devices d JOIN users u ON u.user_nid = d.user_nid WHERE d.device_nid = ${deviceNid} AND d.session_nid = ${sessionNid}`);
}

/** Every token a device had is dead, of all kinds. */
export async function deleteTokens(tx: Transaction, deviceNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM access_tokens WHERE device_nid = ${deviceNid}`);
  await tx.run(sql`DELETE FROM refresh_tokens WHERE device_nid = ${deviceNid}`);
  await tx.run(sql`DELETE FROM openid_tokens WHERE device_nid = ${deviceNid}`);
}

export interface AccessToken {
  readonly deviceNid: number;
  readonly tokenHash: string;
  readonly expiresTs: number | undefined;
  readonly refreshHash?: string;
  readonly replacesHash?: string;
  readonly now: number;
}

export async function insertAccessToken(tx: Transaction, token: AccessToken): Promise<void> {
  await tx.run(sql`
    INSERT INTO access_tokens (token_hash, device_nid, created_ts, expires_ts, refresh_hash, replaces_hash)
    VALUES (${token.tokenHash}, ${token.deviceNid}, ${token.now}, ${token.expiresTs ?? null}, ${token.refreshHash ?? null}, ${token.replacesHash ?? null})`);
}

export interface RefreshToken {
  readonly deviceNid: number;
  readonly tokenHash: string;
  readonly replacesHash?: string;
  readonly expiresTs: number | undefined;
  readonly sessionEndsTs: number | undefined;
}

export async function insertRefreshToken(tx: Transaction, token: RefreshToken): Promise<void> {
  await tx.run(sql`
    INSERT INTO refresh_tokens (token_hash, device_nid, replaces_hash, expires_ts, session_ends_ts)
    VALUES (${token.tokenHash}, ${token.deviceNid}, ${token.replacesHash ?? null}, ${token.expiresTs ?? null}, ${token.sessionEndsTs ?? null})`);
}

export interface RefreshTokenRow {
  readonly device_nid: number;
  readonly replaces_hash: string | null;
  readonly is_used: number;
  readonly expires_ts: number | null;
  readonly session_ends_ts: number | null;
  readonly is_locked: number;
}

export async function findRefreshToken(tx: ReadTransaction, tokenHash: string): Promise<RefreshTokenRow | undefined> {
  return tx.one<RefreshTokenRow>(sql`
    SELECT r.device_nid, r.replaces_hash, r.is_used, r.expires_ts, r.session_ends_ts, u.is_locked
    FROM refresh_tokens r
    JOIN devices d ON d.device_nid = r.device_nid
    JOIN users u ON u.user_nid = d.user_nid
    WHERE r.token_hash = ${tokenHash}`);
}

/**
 * Takes back what was given out for a refresh token before, were it not used yet. Of the access tokens only the one given out with
 * the refresh token stays, so that requests on their way still arrive.
 */
export async function deleteUnusedSuccessors(tx: Transaction, deviceNid: number, refreshHash: string): Promise<void> {
  await tx.run(sql`DELETE FROM access_tokens WHERE device_nid = ${deviceNid} AND coalesce(refresh_hash, '') <> ${refreshHash}`);
  await tx.run(sql`DELETE FROM refresh_tokens WHERE device_nid = ${deviceNid} AND replaces_hash = ${refreshHash}`);
}

/** What took the place of a refresh token has been used: that one refreshes nothing any more. The one before it is forgotten. */
export async function endRefreshToken(tx: Transaction, deviceNid: number, refreshHash: string): Promise<void> {
  await tx.run(sql`DELETE FROM refresh_tokens WHERE device_nid = ${deviceNid} AND is_used = 1 AND token_hash <> ${refreshHash}`);
  await tx.run(sql`UPDATE refresh_tokens SET is_used = 1 WHERE token_hash = ${refreshHash}`);
  await tx.run(sql`UPDATE refresh_tokens SET replaces_hash = NULL WHERE device_nid = ${deviceNid} AND replaces_hash = ${refreshHash}`);
  await tx.run(sql`UPDATE access_tokens SET replaces_hash = NULL WHERE device_nid = ${deviceNid} AND replaces_hash = ${refreshHash}`);
}
