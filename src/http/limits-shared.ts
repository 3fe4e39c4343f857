import { createHash } from 'node:crypto';
import type { Clock } from '../matrix/clock.js';
import type { Database, Transaction } from '../storage/database.js';
import { dropDrained, levelIn, pourIn, takeOut, type BucketKey } from './limits-store.js';
import { excessOf, tooMany, waitFor, type Buckets, type BucketsOf, type Rate } from './limits.js';

/**
 * Buckets that every process of a shard on PostgreSQL shares, so that all together serve nobody more than one of them alone would. They lie in
 * a table that no log is written for: a charge is one statement and waits for no disk, and after a crash of PostgreSQL all buckets are
 * empty, as those of a process are after its own. The time is the process's, as everywhere: clocks that differ by a second make a
 * difference of a second's drain, once, for the time of a bucket never goes back.
 */
export function bucketsInDatabase({ db, clock }: { readonly db: Database; readonly clock: Clock }): { readonly bucketsOf: BucketsOf; forgetDrained(): Promise<void> } {
  const rates = new Map<string, Rate>();
  return {
    bucketsOf: (rate) => {
      rates.set(rate.name, rate);
      return createBuckets(db, clock, rate);
    },
    forgetDrained: async () => {
      for (const { name, perSecond } of rates.values()) await db.transaction((tx) => dropDrained(tx, { rate: name, perSecond, now: clock() }));
    },
  };
}

function createBuckets(db: Database, clock: Clock, rate: Rate): Buckets {
  const bucketOf = (key: string): BucketKey => ({ rate: rate.name, key: digestOf(key), perSecond: rate.perSecond, now: clock() });
  const spendWithin = (tx: Transaction, key: string, amount = 1): Promise<void> => spendIn(tx, bucketOf(key), rate, amount);
  return {
    spendWithin,
    spend: (key, amount) => db.transaction((tx) => spendWithin(tx, key, amount)),
    giveBack: (key, amount = 1) => db.transaction((tx) => takeOut(tx, bucketOf(key), amount)),
  };
}

async function spendIn(tx: Transaction, bucket: BucketKey, rate: Rate, amount: number): Promise<void> {
  const excess = excessOf(rate, 0, amount);
  if (excess > 0) throw tooMany(waitFor(rate, excess));
  if (await pourIn(tx, bucket, { amount, room: -excess })) return;
  const { level = 0, at_ts = bucket.now } = (await levelIn(tx, bucket)) ?? {};
  throw tooMany(Math.max(0, at_ts - bucket.now) + Math.max(1, waitFor(rate, level + excess)));
}

/** Keys come from anybody, as long as they like; and of addresses no list is needed. */
function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
