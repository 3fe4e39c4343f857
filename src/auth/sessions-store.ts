import type { DeviceId, UserId } from '../matrix/identifiers.js';
import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface SessionRow {
  readonly user_nid: number;
  readonly user_id: UserId;
  readonly device_nid: number;
  readonly device_id: DeviceId;
  readonly is_admin: number;
  readonly is_deactivated: number;
  readonly is_locked: number;
  readonly last_seen_ts: number;
}

/** Asked on every request: three look-ups by key. */
export async function findSession(tx: ReadTransaction, tokenHash: string): Promise<SessionRow | undefined> {
  return tx.one<SessionRow>(sql`
    SELECT d.user_nid, u.user_id, d.device_nid, d.device_id, u.is_admin, u.is_deactivated, u.is_locked, coalesce(d.last_seen_ts, 0) AS last_seen_ts
    FROM access_tokens t
    JOIN devices d ON d.device_nid = t.device_nid
    JOIN users u ON u.user_nid = d.user_nid
    WHERE t.token_hash = ${tokenHash}`);
}

/** Gives a device its one token; any it had before is dead. */
export async function replaceToken(tx: Transaction, token: { deviceNid: number; tokenHash: string; now: number }): Promise<void> {
  await tx.run(sql`DELETE FROM access_tokens WHERE device_nid = ${token.deviceNid}`);
  await tx.run(sql`
    INSERT INTO access_tokens (token_hash, device_nid, created_ts)
    VALUES (${token.tokenHash}, ${token.deviceNid}, ${token.now})`);
}
