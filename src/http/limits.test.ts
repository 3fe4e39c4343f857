import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MatrixError } from '../matrix/errors.js';
import { sql } from '../storage/database.js';
import { hasPostgres } from '../storage/engines.testing.js';
import { openPostgres } from '../storage/postgres.js';
import { createTestPostgres } from '../storage/postgres.testing.js';
import { bucketsInDatabase } from './limits-shared.js';
import { bucketsInMemory, createSpend, type BucketsOf } from './limits.js';
import { noLimits } from './limits.testing.js';

const waitOf = async (act: Promise<void>): Promise<unknown> => {
  try {
    await act;
  } catch (error) {
    return error instanceof MatrixError ? error.details.body?.['retry_after_ms'] : error;
  }
  return undefined;
};

let now = 0;
const clock = (): number => now;
beforeEach(() => { now = 1_700_000_000_000; });

/** What every keeper of buckets promises, wherever they lie. */
function promises(open: () => BucketsOf): void {
  it('lets a burst through, then so many a second, and says when to come back', async () => {
    const buckets = open()({ name: 'rc', perSecond: 0.5, burst: 3 });
    for (let i = 0; i < 3; i += 1) await buckets.spend('a');
    expect(await waitOf(buckets.spend('a'))).toBe(2000);
    expect(await waitOf(buckets.spend('b'))).toBeUndefined();
    now += 1999;
    expect(await waitOf(buckets.spend('a'))).toBe(1);
    now += 1;
    expect(await waitOf(buckets.spend('a'))).toBeUndefined();
    expect(await waitOf(buckets.spend('a'))).toBe(2000);
  });

  it('serves whoever waits as long as they were told', async () => {
    for (const perSecond of [0.003, 0.016, 0.17, 0.3, 3]) {
      const buckets = open()({ name: `rc ${perSecond}`, perSecond, burst: 1 });
      await buckets.spend('a');
      for (let i = 0; i < 5; i += 1) {
        now += Number(await waitOf(buckets.spend('a')));
        expect(await waitOf(buckets.spend('a'))).toBeUndefined();
      }
    }
  });

  it('that never refills still answers with a number', async () => {
    const buckets = open()({ name: 'rc', perSecond: 0, burst: 1 });
    await buckets.spend('a');
    expect(await waitOf(buckets.spend('a'))).toBe(3_600_000);
  });

  it('gives more than a bucket holds from an empty one, and nothing from a bucket that holds nothing', async () => {
    const buckets = open()({ name: 'rc', perSecond: 1, burst: 10 });
    await buckets.spend('a', 100);
    expect(await waitOf(buckets.spend('a', 100))).toBe(100_000);
    now += 99_000;
    expect(await waitOf(buckets.spend('a', 100))).toBe(1000);
    const none = open()({ name: 'none', perSecond: 1, burst: 0 });
    expect(await waitOf(none.spend('a'))).toBe(1000);
  });

  it('takes back what was spent for nothing', async () => {
    const buckets = open()({ name: 'rc', perSecond: 0.001, burst: 1 });
    await buckets.giveBack('a');
    await buckets.spend('a');
    await buckets.giveBack('a');
    expect(await waitOf(buckets.spend('a'))).toBeUndefined();
    expect(await waitOf(buckets.spend('a'))).toBe(1_000_000);
  });

  it('a limit by several keys takes from all or from none', async () => {
    const spend = createSpend(open(), {
      ...noLimits,
      join: [{ name: 'rc_joins', by: 'user', perSecond: 1, burst: 1 }, { name: 'rc_joins_per_room', by: 'room', perSecond: 1, burst: 1 }],
    });
    await spend('join', { user: 'u1', address: 'a', room: 'r1' });
    expect(await waitOf(spend('join', { user: 'u2', address: 'a', room: 'r1' }))).toBe(1000);
    expect(await waitOf(spend('join', { user: 'u2', address: 'a', room: 'r2' }))).toBeUndefined();
    await spend('send', { user: 'u1', address: 'a', room: 'r1' });
  });

  it('counts together what has one name, by the person where one is known', async () => {
    const rate = { name: 'rc', by: 'caller', perSecond: 1, burst: 1 } as const;
    const spend = createSpend(open(), { ...noLimits, send: [rate], createRoom: [rate] });
    await spend('send', { user: 'u1', address: 'a', room: undefined });
    expect(await waitOf(spend('createRoom', { user: 'u1', address: 'b', room: undefined }))).toBe(1000);
    await spend('createRoom', { user: undefined, address: 'a', room: undefined });
    expect(await waitOf(spend('send', { user: undefined, address: 'a', room: undefined }))).toBe(1000);
  });
}

describe('a bucket in memory', () => {
  promises(() => bucketsInMemory(clock));
});

(hasPostgres() ? describe : describe.skip)('a bucket in PostgreSQL', () => {
  let one: Awaited<ReturnType<typeof openPostgres>>;
  let other: Awaited<ReturnType<typeof openPostgres>>;
  let drop: () => Promise<void>;
  beforeEach(async () => {
    const { connection, drop: dropDatabase } = await createTestPostgres();
    [one, other] = [await openPostgres({ connection }), await openPostgres({ connection })];
    drop = async () => {
      await Promise.all([one.close(), other.close()]);
      await dropDatabase();
    };
  });
  afterEach(() => drop());

  promises(() => bucketsInDatabase({ db: one, clock }).bucketsOf);

  const rate = { name: 'rc_message', perSecond: 0.001, burst: 5 };
  const both = () => [one, other].map((db) => bucketsInDatabase({ db, clock }));

  it('serves of two servers together no more than one alone would, however many ask at once', async () => {
    const buckets = both().map(({ bucketsOf }) => bucketsOf(rate));
    const waits = await Promise.all(Array.from({ length: 20 }, (_, i) => waitOf(buckets[i % 2]?.spend('@alice:shard.example') ?? Promise.reject(new Error('no server')))));
    expect(waits.filter((wait) => wait === undefined)).toHaveLength(5);
    expect(new Set(waits.filter((wait) => wait !== undefined))).toEqual(new Set([1_000_000]));
    expect(await waitOf(bucketsInDatabase({ db: other, clock }).bucketsOf({ ...rate, name: 'rc_other' }).spend('@alice:shard.example'))).toBeUndefined();
  });

  it('is charged with the transaction that it holds up, and not when that fails', async () => {
    const buckets = bucketsInDatabase({ db: one, clock }).bucketsOf({ ...rate, burst: 1 });
    await expect(one.transaction(async (tx) => {
      await buckets.spendWithin(tx, 'a', 1);
      throw new Error('refused');
    })).rejects.toThrow('refused');
    await one.transaction((tx) => buckets.spendWithin(tx, 'a', 1));
    expect(await waitOf(one.transaction((tx) => buckets.spendWithin(tx, 'a', 1)))).toBe(1_000_000);
  });

  it('gives nothing away to a server whose clock is behind, and no more than the difference to one whose clock is ahead', async () => {
    const [ours, ahead] = [{ db: one, clock }, { db: other, clock: () => now + 1000 }].map((deps) => bucketsInDatabase(deps).bucketsOf({ name: 'rc', perSecond: 1, burst: 3 }));
    for (let i = 0; i < 3; i += 1) await ours?.spend('a');
    expect(await waitOf(ahead?.spend('a') ?? Promise.resolve())).toBeUndefined();
    expect(await waitOf(ahead?.spend('a') ?? Promise.resolve())).toBe(1000);
    expect(await waitOf(ours?.spend('a') ?? Promise.resolve())).toBe(2000);
  });

  it('takes a key of any length and of any characters, keeps a digest of it, and is forgotten once it has drained', async () => {
    const keeper = bucketsInDatabase({ db: one, clock });
    const buckets = keeper.bucketsOf(rate);
    for (const key of ['x'.repeat(100_000), 'a\0b', '192.0.2.1']) await buckets.spend(key);
    const stored = () => one.read((tx) => tx.all<{ key: string }>(sql`SELECT key FROM rate_buckets`));
    expect((await stored()).map(({ key }) => key)).toEqual([1, 2, 3].map(() => expect.stringMatching(/^[\w-]{43}$/)));
    now += 999_999;
    await keeper.forgetDrained();
    expect(await stored()).toHaveLength(3);
    now += 1;
    await keeper.forgetDrained();
    expect(await stored()).toEqual([]);
  });
});
