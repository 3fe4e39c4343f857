import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sql, type Database } from './database.js';
import { engines } from './engines.testing.js';
import { bringForward, claimDue, done, enqueue, retryLater, startWorker, type Task } from './outbox.js';

describe.each(engines)('the outbox on $name', ({ open }) => {
  let db: Database;
  let drop: () => Promise<void>;
  beforeEach(async () => { ({ db, drop } = await open()); });
  afterEach(() => drop());

  const add = (payload: object, dueTs = 0, kind = 'push') => db.transaction((tx) => enqueue(tx, kind, payload, dueTs));
  const claim = (now: number, limit = 10) => db.transaction((tx) => claimDue(tx, 'push', { now, limit, leaseMs: 100 }));
  const size = () => db.read(async (tx) => (await tx.all(sql`SELECT task_nid FROM outbox`)).length);

  it('gives out what is due of a kind, oldest first, and not again before the lease ends', async () => {
    const late = await add({ n: 1 }, 5);
    const early = await add({ n: 2 }, 1);
    await add({ n: 3 }, 50);
    await add({ n: 4 }, 0, 'federation');
    expect(await claim(10, 1)).toEqual([{ taskNid: early, payload: { n: 2 }, attempts: 1 }]);
    expect(await claim(10)).toEqual([{ taskNid: late, payload: { n: 1 }, attempts: 1 }]);
    expect(await claim(10)).toEqual([]);
    expect((await claim(110)).map(({ attempts }) => attempts)).toEqual([2, 2, 1]);
  });

  it('gives no task to two who ask at once', async () => {
    for (let i = 0; i < 30; i += 1) await add({ i });
    const claims = await Promise.all(Array.from({ length: 6 }, () => claim(1)));
    const taken = claims.flat().map(({ taskNid }) => taskNid);
    expect(new Set(taken).size).toBe(taken.length);
  });

  it('forgets what is done and puts off what is not', async () => {
    const first = await add({});
    const second = await add({});
    await db.transaction((tx) => done(tx, first));
    await db.transaction((tx) => retryLater(tx, second, 500));
    expect(await claim(499)).toEqual([]);
    expect((await claim(500)).map(({ taskNid }) => taskNid)).toEqual([second]);
  });

  it('brings forward what has been put off for longer than anybody has it in hand', async () => {
    await add({ n: 1 }, 60_000);
    const late = await add({ n: 2 }, 60_001);
    await add({ n: 3 }, 60_001, 'federation');
    await db.transaction((tx) => bringForward(tx, 'push', 0));
    expect((await claim(0)).map(({ taskNid }) => taskNid)).toEqual([late]);
  });

  it('is gone with the transaction of its cause', async () => {
    await expect(db.transaction(async (tx) => {
      await enqueue(tx, 'push', {}, 0);
      throw new Error('no');
    })).rejects.toThrow('no');
    expect(await size()).toBe(0);
  });

  it('is worked off as it fills, and tried again after a failure, until the worker stops', async () => {
    let now = 0;
    const seen: Task[] = [];
    const problems: Error[] = [];
    let whenSeen = () => {};
    const until = (count: number) => new Promise<void>((resolve) => { whenSeen = () => { if (seen.length >= count) resolve(); }; whenSeen(); });
    await add({ n: 1 });
    const worker = startWorker({
      db,
      clock: () => now,
      kind: 'push',
      report: (problem) => { problems.push(problem); },
      handle: async (task) => {
        seen.push(task);
        setImmediate(() => { whenSeen(); });
        if (task.attempts === 1 && (task.payload as { n: number }).n === 2) throw new Error('unreachable');
      },
    });
    await until(1);
    await add({ n: 2 });
    await until(2);
    while (problems.length === 0) await new Promise((resolve) => { setTimeout(resolve, 5); });
    now = 1_000;
    await add({ n: 3 });
    await until(4);
    await worker.stop();
    expect(seen.map(({ payload, attempts }) => [(payload as { n: number }).n, attempts]).sort()).toEqual([[1, 1], [2, 1], [2, 2], [3, 1]]);
    expect(problems.map(({ cause }) => cause)).toEqual([new Error('unreachable')]);
    expect(await size()).toBe(0);
    await add({ n: 4 });
    expect(await size()).toBe(1);
  });
});
