import type { UserId } from '../matrix/identifiers.js';
import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface Named {
  readonly user_nid: number;
  readonly user_id: UserId;
  /** Whether somebody may be introduced to them: neither hidden nor closed. */
  readonly is_findable: number;
}

const named = sql`u.user_nid, u.user_id,
  CASE WHEN u.is_account = 1 AND u.is_deactivated = 0 AND h.user_nid IS NULL THEN 1 ELSE 0 END AS is_findable`;

export async function namedById(tx: ReadTransaction, userId: UserId): Promise<Named | undefined> {
  return tx.one<Named>(sql`
    SELECT ${named} FROM users u LEFT JOIN hidden_users h ON h.user_nid = u.user_nid
    WHERE u.user_id = ${userId}`);
}

/** `email` in lower case. */
export async function namedByEmail(tx: ReadTransaction, email: string): Promise<Named | undefined> {
  return tx.one<Named>(sql`
    SELECT ${named}
    FROM user_emails e JOIN users u ON u.user_nid = e.user_nid LEFT JOIN hidden_users h ON h.user_nid = e.user_nid
    WHERE e.email = ${email}`);
}

/** Whether anybody who can be found has an address of that domain. */
export async function isDomainHeld(tx: ReadTransaction, domain: string): Promise<boolean> {
  const row = await tx.one<{ user_nid: number }>(sql`
    SELECT e.user_nid FROM user_emails e LEFT JOIN hidden_users h ON h.user_nid = e.user_nid
    WHERE e.domain = ${domain} AND h.user_nid IS NULL LIMIT 1`);
  return row !== undefined;
}

export async function hideUser(tx: Transaction, userNid: number, now: number): Promise<void> {
  await tx.run(sql`
    INSERT INTO hidden_users (user_nid, hidden_ts) VALUES (${userNid}, ${now})
    ON CONFLICT (user_nid) DO UPDATE SET hidden_ts = hidden_users.hidden_ts`);
}

export async function unhideUser(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM hidden_users WHERE user_nid = ${userNid}`);
}

export async function holderOfEmail(tx: ReadTransaction, email: string): Promise<number | undefined> {
  return (await tx.one<{ user_nid: number }>(sql`SELECT user_nid FROM user_emails WHERE email = ${email}`))?.user_nid;
}

export async function emailOf(tx: ReadTransaction, userNid: number): Promise<{ readonly email: string; readonly set_ts: number } | undefined> {
  return tx.one<{ email: string; set_ts: number }>(sql`SELECT email, set_ts FROM user_emails WHERE user_nid = ${userNid}`);
}

export async function putEmail(tx: Transaction, userNid: number, { email, domain, now }: { email: string; domain: string; now: number }): Promise<void> {
  await tx.run(sql`
    INSERT INTO user_emails (user_nid, email, domain, set_ts) VALUES (${userNid}, ${email}, ${domain}, ${now})
    ON CONFLICT (user_nid) DO UPDATE SET email = excluded.email, domain = excluded.domain, set_ts = excluded.set_ts`);
}

export async function deleteEmail(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM user_emails WHERE user_nid = ${userNid}`);
}
