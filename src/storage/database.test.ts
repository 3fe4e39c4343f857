import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { inList, join, sql, type Database } from './database.js';
import { engines } from './engines.testing.js';
import { advance, currentPosition } from './stream.js';

describe('sql', () => {
  it('keeps the template of a query without fragments, so that its statement is found by identity', () => {
    const query = (id: number) => sql`SELECT ${id}`;
    expect(query(1).strings).toBe(query(2).strings);
    expect(query(2).values).toEqual([2]);
  });

  it('nests fragments and binds every other value', () => {
    const condition = sql`kind = ${'push'} AND ${sql`due_ts < ${5}`}`;
    const query = sql`SELECT 1 FROM outbox WHERE ${condition} LIMIT ${1}`;
    expect(query.strings).toEqual(['SELECT 1 FROM outbox WHERE kind = ', ' AND due_ts < ', ' LIMIT ', '']);
    expect(query.values).toEqual(['push', 5, 1]);
  });

  it('joins fragments', () => {
    const query = sql`VALUES ${join([sql`(${1}, ${2})`, sql`(${3}, ${4})`], ', ')}`;
    expect(query.strings.join('?')).toBe('VALUES (?, ?), (?, ?)');
    expect(query.values).toEqual([1, 2, 3, 4]);
  });

  it('pads lists to few lengths', () => {
    expect(inList([1, 2, 3]).values).toEqual([1, 2, 3, 3]);
    expect(inList([1]).strings).toEqual(['(', ')']);
  });
});

async function addTask(db: Database, kind: string): Promise<number> {
  return db.transaction(async (tx) => {
    const nid = await advance(tx, [`timeline/1`]);
    await tx.run(sql`INSERT INTO outbox (task_nid, kind, payload, due_ts) VALUES (${nid}, ${kind}, ${'{}'}, 0)`);
    return nid;
  });
}

function kinds(db: Database): Promise<readonly string[]> {
  return db.read(async (tx) => (await tx.all<{ kind: string }>(sql`SELECT kind FROM outbox ORDER BY task_nid`)).map(({ kind }) => kind));
}

describe.each(engines)('a database on $name', ({ open }) => {
  let db: Database;
  let drop: () => Promise<void>;
  beforeEach(async () => { ({ db, drop } = await open()); });
  afterEach(() => drop());

  it('gives numbers, text, JSON text and NULL back as they were', async () => {
    await addTask(db, 'naïve \u{1f512}');
    const read = (payload: string) => db.transaction(async (tx) => {
      await tx.run(sql`UPDATE outbox SET payload = ${payload}, due_ts = ${2 ** 53 - 1}`);
      return tx.one(sql`SELECT kind, payload, payload -> 'a' AS a, due_ts, NULL AS missing, due_ts > 0 AS late FROM outbox`);
    });
    expect(await read('{"a":{"b":1}}')).toEqual({ kind: 'naïve \u{1f512}', payload: '{"a":{"b":1}}', a: '{"b":1}', due_ts: 2 ** 53 - 1, missing: null, late: 1 });
    expect(await read('5')).toMatchObject({ payload: '5', a: null });
  });

  it('counts and sums as numbers', async () => {
    await addTask(db, 'a');
    await addTask(db, 'b');
    expect(await db.read((tx) => tx.one(sql`SELECT count(*) AS count, sum(due_ts) AS sum, max(attempts) AS most FROM outbox`)))
      .toEqual({ count: 2, sum: 0, most: 0 });
  });

  it('matches lists, an empty one with nothing', async () => {
    for (const kind of ['a', 'b', 'c']) await addTask(db, kind);
    const find = (values: readonly string[]) => db.read((tx) => tx.all(sql`SELECT kind FROM outbox WHERE kind IN ${inList(values)} ORDER BY kind`));
    expect(await find(['a', 'c', 'x'])).toEqual([{ kind: 'a' }, { kind: 'c' }]);
    expect(await find([])).toEqual([]);
  });

  it('orders text by its bytes', async () => {
    for (const kind of ['é', 'a', 'B', 'a-b', 'a_b']) await addTask(db, kind);
    expect(await db.read((tx) => tx.all(sql`SELECT kind FROM outbox ORDER BY kind`)))
      .toEqual(['B', 'a', 'a-b', 'a_b', 'é'].map((kind) => ({ kind })));
  });

  it('resolves to the number of rows changed', async () => {
    await addTask(db, 'a');
    await addTask(db, 'b');
    expect(await db.transaction((tx) => tx.run(sql`UPDATE outbox SET attempts = 1 WHERE kind <> ${'x'}`))).toBe(2);
    expect(await db.transaction((tx) => tx.run(sql`DELETE FROM outbox WHERE kind = ${'x'}`))).toBe(0);
  });

  it('undoes a failing transaction alone, and runs none of its effects', async () => {
    const effects: string[] = [];
    const write = (kind: string, fails: boolean) => db.transaction(async (tx) => {
      const nid = await advance(tx, []);
      await tx.run(sql`INSERT INTO outbox (task_nid, kind, payload, due_ts) VALUES (${nid}, ${kind}, ${'{}'}, 0)`);
      tx.afterCommit(() => { effects.push(kind); });
      if (fails) throw new Error('no');
    });
    const results = await Promise.allSettled([write('a', false), write('b', true), write('c', false)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([...await kinds(db)].sort()).toEqual(['a', 'c']);
    expect(effects.sort()).toEqual(['a', 'c']);
  });

  it('lets no body commit that swallowed the error of a statement', async () => {
    const nid = await addTask(db, 'a');
    await expect(db.transaction(async (tx) => {
      await tx.run(sql`UPDATE outbox SET kind = ${'changed'}`);
      await tx.run(sql`INSERT INTO outbox (task_nid, kind, payload, due_ts) VALUES (${nid}, ${'b'}, ${'{}'}, 0)`).catch(() => undefined);
    })).rejects.toThrow(/unique/i);
    expect(await kinds(db)).toEqual(['a']);
    await addTask(db, 'b');
  });

  it('announces in the order of commits, before the promise resolves', async () => {
    const heard: number[] = [];
    db.listen({ heard: ({ position }) => { heard.push(position); }, lost: () => undefined });
    const resolved = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      const position = await db.transaction((tx) => advance(tx, [`timeline/${i}`]));
      expect(heard).toContain(position);
      return position;
    }));
    expect(heard).toEqual(resolved.sort((a, b) => a - b));
  });

  it('tells of all topics of a transaction at once, at its last position', async () => {
    const heard: unknown[] = [];
    db.listen({ heard: (announcement) => { heard.push(announcement); }, lost: () => undefined });
    const position = await db.transaction(async (tx) => {
      await advance(tx, ['timeline/1']);
      return advance(tx, ['members/1', 'timeline/1']);
    });
    expect(heard).toEqual([{ position, topics: ['timeline/1', 'members/1'] }]);
  });

  it('reads one snapshot for the whole body, whatever is committed meanwhile', async () => {
    await addTask(db, 'a');
    await db.read(async (tx) => {
      const before = await currentPosition(tx);
      await addTask(db, 'b');
      expect(await db.read(currentPosition)).toBe(before + 1);
      expect(await currentPosition(tx)).toBe(before);
      expect(await tx.all(sql`SELECT kind FROM outbox`)).toEqual([{ kind: 'a' }]);
    });
    expect(await kinds(db)).toEqual(['a', 'b']);
  });

  it('sees its own write in a read that begins right after it, or in an effect', async () => {
    const inEffect: Promise<void>[] = [];
    for (let i = 0; i < 20; i += 1) {
      await db.transaction(async (tx) => {
        const nid = await advance(tx, []);
        await tx.run(sql`INSERT INTO outbox (task_nid, kind, payload, due_ts) VALUES (${nid}, ${'a'}, ${'{}'}, 0)`);
        tx.afterCommit(() => { inEffect.push(kinds(db).then((seen) => { expect(seen.length).toBeGreaterThan(i); })); });
      });
      expect(await kinds(db)).toHaveLength(i + 1);
    }
    await Promise.all(inEffect);
    expect(inEffect).toHaveLength(20);
  });

  it('serialises those who take the same lock', async () => {
    await addTask(db, 'a');
    const increment = () => db.transaction(async (tx) => {
      await tx.lock('counter');
      const row = await tx.one<{ attempts: number }>(sql`SELECT attempts FROM outbox`);
      await tx.run(sql`UPDATE outbox SET attempts = ${(row?.attempts ?? 0) + 1}`);
    });
    await Promise.all(Array.from({ length: 30 }, increment));
    expect(await db.read((tx) => tx.one(sql`SELECT attempts FROM outbox`))).toEqual({ attempts: 30 });
  });

  it('refuses a query that comes after its transaction', async () => {
    const late = await db.transaction(async (tx) => () => tx.run(sql`DELETE FROM outbox`));
    await expect(late()).rejects.toThrow('had ended');
    const lateRead = await db.read(async (tx) => () => tx.all(sql`SELECT kind FROM outbox`));
    await expect(lateRead()).rejects.toThrow('had ended');
  });

  it('refuses to write in a read', async () => {
    await expect(db.read((tx) => tx.all(sql`DELETE FROM outbox RETURNING kind`))).rejects.toThrow(/read-?only/);
    await addTask(db, 'a');
  });

  it('holds foreign keys', async () => {
    await expect(db.transaction((tx) => tx.run(sql`INSERT INTO access_tokens (token_hash, device_nid, created_ts) VALUES (${'x'.repeat(43)}, 99, 0)`)))
      .rejects.toThrow(/foreign key/i);
  });

  it('finishes what was begun before it closes, and refuses what comes after', async () => {
    const pending = Promise.all([addTask(db, 'a'), addTask(db, 'b')]);
    const closing = db.close();
    await expect(pending).resolves.toHaveLength(2);
    await closing;
    await expect(addTask(db, 'c')).rejects.toThrow();
    await expect(kinds(db)).rejects.toThrow();
  });
});
