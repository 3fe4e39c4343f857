import { sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';
import { newNid } from '../storage/stream.js';

export interface NewRegistrationToken {
  readonly tokenHash: string;
  readonly usesAllowed: number | undefined;
  readonly expiresTs: number | undefined;
  readonly madeBy: string;
  readonly now: number;
}

export async function insertRegistrationToken(tx: Transaction, token: NewRegistrationToken): Promise<number> {
  const nid = await newNid(tx);
  await tx.run(sql`
    INSERT INTO registration_tokens (token_nid, token_hash, uses_allowed, expires_ts, made_by, made_ts)
    VALUES (${nid}, ${token.tokenHash}, ${token.usesAllowed ?? null}, ${token.expiresTs ?? null}, ${token.madeBy}, ${token.now})`);
  return nid;
}

export interface RegistrationTokenRow {
  readonly token_nid: number;
  readonly uses_allowed: number | null;
  readonly uses_done: number;
  readonly expires_ts: number | null;
  readonly made_by: string;
  readonly made_ts: number;
}

export async function registrationTokens(tx: ReadTransaction): Promise<readonly RegistrationTokenRow[]> {
  return tx.all<RegistrationTokenRow>(sql`
    SELECT token_nid, uses_allowed, uses_done, expires_ts, made_by, made_ts FROM registration_tokens ORDER BY token_nid`);
}

export async function isRegistrationToken(tx: ReadTransaction, tokenHash: string, now: number): Promise<boolean> {
  return (await tx.one<{ token_nid: number }>(sql`SELECT token_nid FROM registration_tokens WHERE ${isValid(tokenHash, now)}`)) !== undefined;
}

/** Uses a token once; false when it is used up, over, or none. */
export async function spendRegistrationToken(tx: Transaction, tokenHash: string, now: number): Promise<boolean> {
  return (await tx.run(sql`UPDATE registration_tokens SET uses_done = uses_done + 1 WHERE ${isValid(tokenHash, now)}`)) > 0;
}

/** False when there is no such token. */
export async function deleteRegistrationToken(tx: Transaction, nid: number): Promise<boolean> {
  return (await tx.run(sql`DELETE FROM registration_tokens WHERE token_nid = ${nid}`)) > 0;
}

function isValid(tokenHash: string, now: number): Sql {
  return sql`token_hash = ${tokenHash} AND (uses_allowed IS NULL OR uses_done < uses_allowed) AND (expires_ts IS NULL OR expires_ts > ${now})`;
}
