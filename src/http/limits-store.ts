import { sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';

/** One bucket, and how its rate drains it. Amounts are whole or not: a level is a fraction between two drops. */
export interface BucketKey {
  readonly rate: string;
  readonly key: string;
  readonly perSecond: number;
  readonly now: number;
}

/** What rounding may leave of a drop that has drained. */
const EPSILON = 1e-9;

/** Pours `amount` into the bucket unless more than `room` lies in it; one statement, so that two who do so at once do it one after the other. */
export async function pourIn(tx: Transaction, bucket: BucketKey, { amount, room }: { amount: number; room: number }): Promise<boolean> {
  const { rate, key, now } = bucket;
  const changed = await tx.run(sql`
    INSERT INTO rate_buckets (rate, key, level, at_ts)
    VALUES (${rate}, ${key}, ${amount}, ${now})
    ON CONFLICT (rate, key) DO UPDATE
    SET level = ${drained(bucket)} + excluded.level, at_ts = greatest(rate_buckets.at_ts, excluded.at_ts)
    WHERE ${drained(bucket)} <= CAST(${room + EPSILON} AS DOUBLE PRECISION)`);
  return changed === 1;
}

/** What lies in the bucket, as of when: a process whose clock is ahead may have been there last. */
export async function levelIn(tx: ReadTransaction, bucket: BucketKey): Promise<{ readonly level: number; readonly at_ts: number } | undefined> {
  return tx.one(sql`SELECT ${drained(bucket)} AS level, at_ts FROM rate_buckets WHERE rate = ${bucket.rate} AND key = ${bucket.key}`);
}

export async function takeOut(tx: Transaction, { rate, key }: BucketKey, amount: number): Promise<void> {
  await tx.run(sql`
    UPDATE rate_buckets
    SET level = greatest(0, level - CAST(${amount} AS DOUBLE PRECISION))
    WHERE rate = ${rate} AND key = ${key}`);
}

/** Forgets every bucket of a rate that has drained. */
export async function dropDrained(tx: Transaction, bucket: Omit<BucketKey, 'key'>): Promise<void> {
  await tx.run(sql`DELETE FROM rate_buckets WHERE rate = ${bucket.rate} AND ${drained(bucket)} = 0`);
}

/** The level now. `at_ts` never goes back, and time that seems to run backwards drains nothing. */
function drained({ perSecond, now }: Omit<BucketKey, 'key'>): Sql {
  return sql`greatest(0, rate_buckets.level - greatest(0, CAST(${now} AS BIGINT) - rate_buckets.at_ts) * CAST(${perSecond} AS DOUBLE PRECISION) / 1000)`;
}
