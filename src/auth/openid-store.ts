import type { UserId } from '../matrix/identifiers.js';
import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export async function insertOpenidToken(tx: Transaction, token: { deviceNid: number; tokenHash: string; expiresTs: number }): Promise<void> {
  await tx.run(sql`
    INSERT INTO openid_tokens (token_hash, device_nid, expires_ts) VALUES (${token.tokenHash}, ${token.deviceNid}, ${token.expiresTs})`);
}

export async function deleteExpiredOpenidTokens(tx: Transaction, deviceNid: number, now: number): Promise<void> {
  await tx.run(sql`DELETE FROM openid_tokens WHERE device_nid = ${deviceNid} AND expires_ts <= ${now}`);
}

export async function countOpenidTokens(tx: ReadTransaction, deviceNid: number): Promise<number> {
  return (await tx.one<{ n: number }>(sql`SELECT count(*) AS n FROM openid_tokens WHERE device_nid = ${deviceNid}`))?.n ?? 0;
}

/** Whose token it is, while it is good and its account neither locked nor closed. */
export async function holderOfOpenidToken(tx: ReadTransaction, tokenHash: string, now: number): Promise<UserId | undefined> {
  const row = await tx.one<{ user_id: UserId }>(sql`
    SELECT u.user_id
    FROM openid_tokens t
    JOIN devices d ON d.device_nid = t.device_nid
    JOIN users u ON u.user_nid = d.user_nid
    WHERE t.token_hash = ${tokenHash} AND t.expires_ts > ${now} AND u.is_locked = 0 AND u.is_deactivated = 0`);
  return row?.user_id;
}
