import type { LimitName } from '../api/endpoint.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';

/** Synapse's `rc_*`: `burst` at once, then `perSecond`. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Limit extends Rate {
  readonly by: 'user' | 'address' | 'room';
}

/** What each named limit of a row costs; an empty list is no limit. */
export type Limits = Readonly<Record<LimitName, readonly Limit[]>>;

/** One rate kept for many keys. `check` refuses as `spend` would, but takes nothing. Who asks for more than a bucket holds gets it from a full one. */
export interface Buckets {
  check(key: string, amount?: number): void;
  spend(key: string, amount?: number): void;
}

export interface Spender {
  readonly user: string | undefined;
  readonly address: string;
  readonly room: string | undefined;
}

export type Spend = (name: LimitName, spender: Spender) => void;

interface Bucket {
  level: number;
  at: number;
}

const MOST_BUCKETS = 100_000;
const LONGEST_WAIT_MS = 3_600_000;

/** Takes one from every bucket a limit names, or none and throws M_LIMIT_EXCEEDED. https://spec.matrix.org/v1.19/client-server-api/#rate-limiting */
export function createSpend(clock: Clock, limits: Limits): Spend {
  const kept = Object.fromEntries(
    Object.entries(limits).map(([name, list]) => [name, list.map((limit) => ({ by: limit.by, buckets: createBuckets(clock, limit) }))]),
  );
  return (name, spender) => {
    const due = (kept[name] ?? []).flatMap(({ by, buckets }) => {
      const key = spender[by];
      return key === undefined ? [] : [{ key, buckets }];
    });
    for (const { key, buckets } of due) buckets.check(key);
    for (const { key, buckets } of due) buckets.spend(key);
  };
}

/** Memory is bounded: a bucket that has emptied is forgotten, and so is the one longest unused beyond 100,000. */
export function createBuckets(clock: Clock, rate: Rate): Buckets {
  const buckets = new Map<string, Bucket>();
  const levelAt = (bucket: Bucket, now: number): number => Math.max(0, bucket.level - ((now - bucket.at) / 1000) * rate.perSecond);
  const levelOf = (key: string, now: number): number => {
    const bucket = buckets.get(key);
    return bucket === undefined ? 0 : levelAt(bucket, now);
  };
  const check = (key: string, amount = 1): void => {
    const excess = levelOf(key, clock()) + Math.min(amount, Math.max(1, rate.burst)) - rate.burst;
    if (excess > 0) throw tooMany(Math.min(LONGEST_WAIT_MS, Math.ceil((excess / rate.perSecond) * 1000)));
  };
  const forgetOldest = (now: number): void => {
    // The map is in order of last use, so what has emptied is found at its head.
    for (const [key, bucket] of buckets) {
      if (buckets.size <= MOST_BUCKETS && levelAt(bucket, now) > 0) return;
      buckets.delete(key);
    }
  };
  return {
    check,
    spend: (key, amount = 1) => {
      check(key, amount);
      const now = clock();
      const level = levelOf(key, now) + amount;
      buckets.delete(key);
      forgetOldest(now);
      buckets.set(key, { level, at: now });
    },
  };
}

function tooMany(retryAfterMs: number): MatrixError {
  return new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests', { body: { retry_after_ms: retryAfterMs } });
}
