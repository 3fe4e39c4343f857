import type { LimitName } from '../api/endpoint.js';
import { braked, type Brake, type BrakeWithin } from '../auth/brakes.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';
import type { Transaction } from '../storage/database.js';

/** Synapse's `rc_*`: `burst` at once, then `perSecond`. */
export interface Rate {
  /** As in the configuration; what bears the same name is counted together. */
  readonly name: string;
  readonly perSecond: number;
  readonly burst: number;
}

export interface Limit extends Rate {
  /** `caller`: the user where one is known, else the address. */
  readonly by: 'user' | 'address' | 'room' | 'caller';
}

/** What each named limit of a row costs; an empty list is no limit. */
export type Limits = Readonly<Record<LimitName, readonly Limit[]>>;

/** One rate kept for many keys: from every bucket what flows in drains by `perSecond`. Who asks for more than a bucket holds gets it from an empty one. */
export interface Buckets extends Brake, BrakeWithin {
  spend(key: string, amount?: number): Promise<void>;
  giveBack(key: string, amount?: number): Promise<void>;
  spendWithin(tx: Transaction, key: string, amount?: number): Promise<void>;
}

/** Where the buckets lie. */
export type BucketsOf = (rate: Rate) => Buckets;

export interface Spender {
  readonly user: string | undefined;
  readonly address: string;
  readonly room: string | undefined;
}

export type Spend = (name: LimitName, spender: Spender) => Promise<void>;

interface Bucket {
  level: number;
  at: number;
}

const MOST_BUCKETS = 100_000;
const LONGEST_WAIT_MS = 3_600_000;

/** Takes one from every bucket a limit names, or none and throws M_LIMIT_EXCEEDED. https://spec.matrix.org/v1.19/client-server-api/#rate-limiting */
export function createSpend(bucketsOf: BucketsOf, limits: Limits): Spend {
  const kept = Object.fromEntries(
    Object.entries(limits).map(([name, list]) => [name, list.map((limit) => ({ by: limit.by, buckets: bucketsOf({ ...limit, name: `${limit.name}/${limit.by}` }) }))]),
  );
  return async (name, { user, address, room }) => {
    const keys = { user, address, room, caller: user ?? address };
    const due = (kept[name] ?? []).flatMap(({ by, buckets }) => {
      const key = keys[by];
      return key === undefined ? [] : [[buckets, key] as const];
    });
    await braked(due, async () => undefined);
  };
}

/** Buckets of this process alone. Memory is bounded: one that has emptied is forgotten, and so is the one longest unused beyond 100,000. */
export function bucketsInMemory(clock: Clock): BucketsOf {
  const byName = new Map<string, Buckets>();
  return (rate) => {
    const buckets = byName.get(rate.name) ?? createBuckets(clock, rate);
    byName.set(rate.name, buckets);
    return buckets;
  };
}

function createBuckets(clock: Clock, rate: Rate): Buckets {
  const buckets = new Map<string, Bucket>();
  const levelAt = (bucket: Bucket, now: number): number => Math.max(0, bucket.level - ((now - bucket.at) / 1000) * rate.perSecond);
  const levelOf = (key: string, now: number): number => {
    const bucket = buckets.get(key);
    return bucket === undefined ? 0 : levelAt(bucket, now);
  };
  const forgetOldest = (now: number): void => {
    // The map is in order of last use, so what has emptied is found at its head.
    for (const [key, bucket] of buckets) {
      if (buckets.size <= MOST_BUCKETS && levelAt(bucket, now) > 0) return;
      buckets.delete(key);
    }
  };
  const pour = (key: string, amount: number): void => {
    const now = clock();
    const level = Math.max(0, levelOf(key, now) + amount);
    buckets.delete(key);
    forgetOldest(now);
    buckets.set(key, { level, at: now });
  };
  const spend = async (key: string, amount = 1): Promise<void> => {
    const excess = excessOf(rate, levelOf(key, clock()), amount);
    if (excess > 0) throw tooMany(waitFor(rate, excess));
    pour(key, amount);
  };
  return {
    spend,
    giveBack: async (key, amount = 1) => { pour(key, -amount); },
    spendWithin: (_, key, amount) => spend(key, amount),
  };
}

/** By how much a bucket would overflow. */
export function excessOf(rate: Rate, level: number, amount: number): number {
  return level + Math.min(amount, Math.max(1, rate.burst)) - rate.burst;
}

/** Milliseconds until so much has drained. */
export function waitFor(rate: Rate, excess: number): number {
  return Math.ceil((excess / rate.perSecond) * 1000);
}

export function tooMany(waitMs: number): MatrixError {
  return new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests', { body: { retry_after_ms: Math.min(LONGEST_WAIT_MS, waitMs) } });
}
