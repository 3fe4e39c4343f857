import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { sql, type Announcement } from './database.js';
import { hasPostgres } from './engines.testing.js';
import { migrate, type ScriptDatabase } from './migrate.js';
import { openPostgres } from './postgres.js';
import { createDatabase, createTestPostgres, type TestPostgres } from './postgres.testing.js';
import { advance, currentPosition, Notifier } from './stream.js';

const onPostgres = hasPostgres() ? describe : describe.skip;

onPostgres('PostgreSQL', () => {
  let postgres: TestPostgres;
  let db: ScriptDatabase;
  let other: ScriptDatabase;
  const problems: Error[] = [];

  beforeEach(async () => {
    problems.length = 0;
    postgres = await createTestPostgres();
    const open = () => openPostgres({ connection: postgres.connection, report: (problem) => { problems.push(problem); } });
    db = await open();
    other = await open();
  });
  afterEach(async () => {
    await Promise.all([db.close(), other.close()]);
    await postgres.drop();
  });

  async function eventually(check: () => boolean): Promise<void> {
    for (let i = 0; i < 3000 && !check(); i += 1) await new Promise((resolve) => { setTimeout(resolve, 10); });
    expect(check()).toBe(true);
  }

  it('wakes every process of the shard, in the order of the commits', async () => {
    const heard: Announcement[] = [];
    other.listen({ heard: (announcement) => { heard.push(announcement); }, lost: () => undefined });
    const write = (by: ScriptDatabase, room: number) => by.transaction((tx) => advance(tx, [`timeline/${room}`]));
    await Promise.all([write(db, 1), write(other, 2), write(db, 3), write(db, 4), write(other, 5)]);
    await eventually(() => heard.length === 5);
    const positions = heard.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(heard.flatMap(({ topics }) => topics).sort()).toEqual([1, 2, 3, 4, 5].map((room) => `timeline/${room}`));
  });

  it('announces more topics than a NOTIFY can name as a loss of all', async () => {
    const notifier = new Notifier(other, await other.read(currentPosition));
    const topics = Array.from({ length: 2000 }, (_, i) => `devices/${i}` as const);
    const position = await db.transaction((tx) => advance(tx, topics));
    await eventually(() => notifier.newest === position);
    expect(notifier.movedSince('timeline', 9, position - 1)).toBe(true);
  });

  it('tells who begins to listen that what came before may have been missed', async () => {
    const before = await other.read(currentPosition);
    const position = await other.transaction((tx) => advance(tx, ['timeline/1']));
    const notifier = new Notifier(other, before);
    expect(notifier.newest).toBe(position);
    expect(notifier.movedSince('timeline', 1, before)).toBe(true);
  });

  it('connects again when its connections were cut, and counts everything as moved', async () => {
    const notifier = new Notifier(other, await other.read(currentPosition));
    const administrator = new pg.Client({ ...postgres.connection, database: 'postgres' });
    await administrator.connect();
    await administrator.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [postgres.connection.database]);
    await administrator.end();
    await eventually(() => problems.length > 0);
    let position = 0;
    for (let i = 0; position === 0 && i < 10; i += 1) position = await db.transaction((tx) => advance(tx, ['timeline/1'])).catch(() => 0);
    await eventually(() => notifier.newest >= position);
    expect(notifier.movedSince('members', 3, position - 1) || notifier.movedSince('timeline', 1, position - 1)).toBe(true);
    const next = await db.transaction((tx) => advance(tx, ['timeline/1']));
    await eventually(() => notifier.newest === next);
  });

  it('runs a body again that lost a deadlock, with the effects of its last run only', async () => {
    await db.transaction((tx) => tx.script('CREATE TABLE pairs (number INTEGER PRIMARY KEY, count INTEGER); INSERT INTO pairs VALUES (1, 0), (2, 0)'));
    const effects: string[] = [];
    let runs = 0;
    let atBarrier = 0;
    const touch = (first: number, second: number, name: string) => db.transaction(async (tx) => {
      runs += 1;
      tx.afterCommit(() => { effects.push(name); });
      await tx.run(sql`UPDATE pairs SET count = count + 1 WHERE number = ${first}`);
      atBarrier += 1;
      while (atBarrier < 2) await new Promise((resolve) => { setTimeout(resolve, 5); });
      await tx.run(sql`UPDATE pairs SET count = count + 1 WHERE number = ${second}`);
    });
    await Promise.all([touch(1, 2, 'a'), touch(2, 1, 'b')]);
    expect(runs).toBe(3);
    expect(effects.sort()).toEqual(['a', 'b']);
    expect(await db.read((tx) => tx.all(sql`SELECT count FROM pairs`))).toEqual([{ count: 2 }, { count: 2 }]);
  });

  it('serialises those who take the same lock in different processes', async () => {
    await db.transaction((tx) => tx.script('CREATE TABLE counter (count INTEGER); INSERT INTO counter VALUES (0)'));
    const increment = (by: ScriptDatabase) => by.transaction(async (tx) => {
      await tx.lock('counter');
      const row = await tx.one<{ count: number }>(sql`SELECT count FROM counter`);
      await tx.run(sql`UPDATE counter SET count = ${(row?.count ?? 0) + 1}`);
    });
    await Promise.all(Array.from({ length: 40 }, (_, i) => increment(i % 2 === 0 ? db : other)));
    expect(await db.read((tx) => tx.one(sql`SELECT count FROM counter`))).toEqual({ count: 40 });
  });

  it('keeps few statements prepared, however many texts there are', async () => {
    await db.read(async (tx) => {
      for (let i = 0; i < 1100; i += 1) await tx.all(sql(Object.assign([`SELECT ${i} AS a`], { raw: [] })));
      const row = await tx.one<{ count: number }>(sql`SELECT count(*) AS count FROM pg_prepared_statements`);
      expect(row?.count).toBeLessThanOrEqual(1001);
    });
  });
});

onPostgres('a PostgreSQL database', () => {
  const refused = async (options: string) => {
    const { connection, drop } = await createDatabase(undefined, options);
    try {
      return await openPostgres({ connection }).then(() => 'opened', String);
    } finally {
      await drop();
    }
  };

  it('is refused when it orders text by a language', async () => {
    expect(await refused(`TEMPLATE template0 LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'`)).toContain('LC_COLLATE C.UTF-8; create it with LC_COLLATE \'C\'');
  });

  it('is refused when its encoding is not UTF-8', async () => {
    expect(await refused(`TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING 'LATIN1'`)).toContain('the encoding LATIN1');
  });

  it('that cannot be reached is a clear error', async () => {
    await expect(openPostgres({ connection: { host: '/nowhere', database: 'a', user: 'a' } })).rejects.toThrow('/nowhere');
  });

  it('is brought up to date by several processes at once', async () => {
    const { connection, drop } = await createDatabase(undefined, 'TEMPLATE template0');
    const handles = await Promise.all([1, 2, 3].map(() => openPostgres({ connection })));
    await Promise.all(handles.map((handle) => migrate(handle, { clock: () => 0 })));
    await Promise.all(handles.map((handle) => handle.close()));
    await drop();
  });
});
