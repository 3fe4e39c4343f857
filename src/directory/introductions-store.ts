import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import { newNid } from '../storage/stream.js';

export interface IntroductionRow {
  readonly user_nid: number | null;
  readonly granted_ts: number;
  readonly until_ts: number;
}

export async function findIntroduction(tx: ReadTransaction, viewerNid: number, subject: string): Promise<IntroductionRow | undefined> {
  return tx.one<IntroductionRow>(sql`
    SELECT user_nid, granted_ts, until_ts FROM introductions WHERE viewer_nid = ${viewerNid} AND subject = ${subject}`);
}

/** Makes or renews an introduction; `user_nid` is null when it is to nobody. */
export async function putIntroduction(tx: Transaction, viewerNid: number, subject: string, row: IntroductionRow): Promise<void> {
  await tx.run(sql`
    INSERT INTO introductions (viewer_nid, subject, user_nid, granted_ts, until_ts)
    VALUES (${viewerNid}, ${subject}, ${row.user_nid}, ${row.granted_ts}, ${row.until_ts})
    ON CONFLICT (viewer_nid, subject) DO UPDATE SET
      user_nid = excluded.user_nid, granted_ts = excluded.granted_ts, until_ts = excluded.until_ts`);
}

/** What introductions are paid from: one's own purse, or that of all users of one application service together. */
export interface Purse {
  readonly viewerNid: number;
  readonly appServiceId: string | undefined;
}

export async function purseOf(tx: ReadTransaction, viewerNid: number): Promise<Purse> {
  const row = await tx.one<{ app_service_id: string | null }>(sql`SELECT app_service_id FROM users WHERE user_nid = ${viewerNid}`);
  return { viewerNid, appServiceId: row?.app_service_id ?? undefined };
}

/** When the newest charge since a time but `skipped` was made; undefined when there are no more than that. */
export async function chargeBefore(tx: ReadTransaction, { viewerNid, appServiceId }: Purse, since: number, skipped: number): Promise<number | undefined> {
  const isPayer = appServiceId === undefined
    ? sql`viewer_nid = ${viewerNid}`
    : sql`viewer_nid IN (SELECT user_nid FROM users WHERE app_service_id = ${appServiceId})`;
  const row = await tx.one<{ granted_ts: number }>(sql`
    SELECT granted_ts FROM introductions
    WHERE ${isPayer} AND granted_ts > ${since}
    ORDER BY granted_ts DESC LIMIT 1 OFFSET CAST(${skipped} AS BIGINT)`);
  return row?.granted_ts;
}

/** Forgets what counts no more and introduces nobody any longer. */
export async function forgetIntroductions(tx: Transaction, viewerNid: number, { chargedUntil, now }: { chargedUntil: number; now: number }): Promise<void> {
  await tx.run(sql`
    DELETE FROM introductions WHERE viewer_nid = ${viewerNid} AND granted_ts <= ${chargedUntil} AND until_ts <= ${now}`);
}

export interface Allowance {
  readonly per_day: number;
  readonly until_ts: number;
}

/** The newest allowance that has not ended. */
export async function findAllowance(tx: ReadTransaction, userNid: number, now: number): Promise<Allowance | undefined> {
  return tx.one<Allowance>(sql`
    SELECT per_day, until_ts FROM introduction_allowances
    WHERE user_nid = ${userNid} AND until_ts > ${now}
    ORDER BY allowance_nid DESC LIMIT 1`);
}

export async function insertAllowance(tx: Transaction, userNid: number, { per_day, until_ts }: Allowance, given: { by: string; now: number }): Promise<void> {
  await tx.run(sql`
    INSERT INTO introduction_allowances (allowance_nid, user_nid, per_day, until_ts, given_by, given_ts)
    VALUES (${await newNid(tx)}, ${userNid}, ${per_day}, ${until_ts}, ${given.by}, ${given.now})`);
}

/** Introduces somebody to nobody any more, and forgets whom they looked for. */
export async function forgetPerson(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`UPDATE introductions SET user_nid = NULL WHERE user_nid = ${userNid}`);
  await tx.run(sql`DELETE FROM introductions WHERE viewer_nid = ${userNid}`);
}
