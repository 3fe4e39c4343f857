import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import { sql, type Transaction } from './database.js';
import type { ScriptDatabase } from './migrate.js';
import { openSqlite } from './sqlite.js';

let folder: string;
let path: string;
let db: ScriptDatabase;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cloison-'));
  path = join(folder, 'shard.db');
  db = await openSqlite({ path });
  await db.transaction((tx) => tx.script('CREATE TABLE notes (number INTEGER PRIMARY KEY, text TEXT NOT NULL)'));
});

afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true });
});

async function note(tx: Transaction, number: number, text = ''): Promise<void> {
  await tx.run(sql`INSERT INTO notes (number, text) VALUES (${number}, ${text})`);
}

async function count(): Promise<number> {
  const row = await db.read((tx) => tx.one<{ count: number }>(sql`SELECT count(*) AS count FROM notes`));
  return row?.count ?? 0;
}

describe('group commit', () => {
  it('makes nothing visible, resolves nothing and runs no effect before the whole group is committed', async () => {
    const order: string[] = [];
    const write = (number: number) => db.transaction(async (tx) => {
      await note(tx, number);
      order.push(`body ${number}`);
      tx.afterCommit(() => { order.push(`effect ${number}`); });
      tx.announce(number, []);
    }).then(() => { order.push(`resolved ${number}`); });
    db.listen({ heard: ({ position }) => { order.push(`heard ${position}`); }, lost: () => undefined });
    await Promise.all([write(1), write(2)]);
    expect(order).toEqual(['body 1', 'body 2', 'effect 1', 'heard 1', 'effect 2', 'heard 2', 'resolved 1', 'resolved 2']);
  });

  it('lets no read begin between a commit and its effects', async () => {
    let hasEffect = false;
    const reads: Promise<void>[] = [];
    const peek = async () => {
      const seen = await count();
      expect(seen === 1).toBe(hasEffect);
    };
    await db.transaction(async (tx) => {
      for (let i = 0; i < 50; i += 1) {
        reads.push(peek());
        await tx.one(sql`SELECT 1`);
      }
      await note(tx, 1);
      reads.push(peek());
      tx.afterCommit(() => { hasEffect = true; });
    });
    reads.push(peek());
    await Promise.all(reads);
  });

  it('goes on after an effect or a listener that throws', async () => {
    await db.close();
    const problems: Error[] = [];
    db = await openSqlite({ path, report: (problem) => { problems.push(problem); } });
    const effects: number[] = [];
    await db.transaction(async (tx) => {
      tx.afterCommit(() => { throw new Error('broken'); });
      tx.afterCommit(() => { effects.push(2); });
    });
    expect(effects).toEqual([2]);
    expect(problems.map(({ cause }) => cause)).toEqual([new Error('broken')]);
  });

  it('takes more transactions than one group holds', async () => {
    await Promise.all(Array.from({ length: 450 }, (_, i) => db.transaction((tx) => note(tx, i))));
    expect(await count()).toBe(450);
  });
});

describe('a body that awaits something other than its transaction', () => {
  it('is rolled back, while its siblings and successors commit', async () => {
    const results = await Promise.allSettled([
      db.transaction((tx) => note(tx, 1)),
      db.transaction(async (tx) => {
        await note(tx, 2);
        await nextTurn();
        await note(tx, 3);
      }),
      db.transaction((tx) => note(tx, 4)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(String((results[1] as PromiseRejectedResult).reason)).toContain('awaited something other than its transaction');
    await db.transaction((tx) => note(tx, 5));
    await nextTurn();
    expect(await db.read((tx) => tx.all(sql`SELECT number FROM notes`))).toEqual([{ number: 1 }, { number: 4 }, { number: 5 }]);
  });

  it('is told so by its next statement', async () => {
    let told: unknown;
    await expect(db.transaction(async (tx) => {
      await nextTurn();
      await note(tx, 1).catch((error: unknown) => { told = error; });
    })).rejects.toThrow('awaited');
    await nextTurn();
    expect(String(told)).toContain('awaited');
  });

  it('does not hold up the writer when it never ends', async () => {
    await expect(db.transaction(() => new Promise(() => undefined))).rejects.toThrow('awaited');
    await db.transaction((tx) => note(tx, 1));
    expect(await count()).toBe(1);
  });
});

describe('snapshots', () => {
  it('stay as they were for reads that wait, each in its own', async () => {
    const reads: Promise<void>[] = [];
    for (let i = 0; i < 20; i += 1) {
      reads.push(db.read(async (tx) => {
        const before = await tx.all(sql`SELECT number FROM notes`);
        await sleep(5 + (i % 3) * 10);
        expect(await tx.all(sql`SELECT number FROM notes`)).toEqual(before);
      }));
      await db.transaction((tx) => note(tx, i));
    }
    await Promise.all(reads);
    expect(await count()).toBe(20);
  });
});

describe('what can go wrong with the file', () => {
  it('has one process at a time own it, and lets others read', async () => {
    await expect(openSqlite({ path })).rejects.toThrow(`Another process is using the database ${path}`);
    const program = `const D = require('better-sqlite3'); const d = new D(process.argv[1] + '.lock', { timeout: 0 });
      try { d.exec('BEGIN EXCLUSIVE'); console.log('owned'); } catch (e) { console.log(e.code); }
      console.log(new D(process.argv[1], { readonly: true }).prepare('SELECT count(*) AS n FROM notes').get().n)`;
    expect(execFileSync(process.execPath, ['-e', program, path], { encoding: 'utf8' })).toBe('SQLITE_BUSY\n0\n');
  });

  it('is nobody else\'s to read', async () => {
    await db.transaction((tx) => note(tx, 1));
    for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('rejects what does not fit on a full disk, with the group it was in, and goes on', async () => {
    await db.transaction((tx) => tx.script('PRAGMA max_page_count = 20'));
    const big = 'x'.repeat(200_000);
    const results = await Promise.allSettled([db.transaction((tx) => note(tx, 1)), db.transaction((tx) => note(tx, 2, big))]);
    expect(results[1]?.status).toBe('rejected');
    await db.transaction((tx) => note(tx, 3));
    const numbers = await db.read((tx) => tx.all<{ number: number }>(sql`SELECT number FROM notes ORDER BY number`));
    expect(numbers.map(({ number }) => number)).toEqual(results[0]?.status === 'fulfilled' ? [1, 3] : [3]);
  });

  it('refuses a path whose folder does not exist, by the names the operator gave', async () => {
    const nowhere = join(folder, 'absent');
    await expect(openSqlite({ path: join(nowhere, 'a.db') })).rejects.toThrow(`The database ${join(nowhere, 'a.db')} cannot be opened: there is no folder ${nowhere}`);
  });

  it('refuses a file that is no database', async () => {
    const other = join(folder, 'other.db');
    writeFileSync(other, 'This is a letter, and a long one, not a database.'.repeat(100));
    await expect(openSqlite({ path: other })).rejects.toThrow('not a database');
    writeFileSync(other, '');
    await (await openSqlite({ path: other })).close();
  });

  it('rejects what another writer keeps it from, and goes on', async () => {
    const intruder = new Sqlite(path);
    intruder.exec('BEGIN IMMEDIATE');
    await expect(db.transaction((tx) => note(tx, 1))).rejects.toThrow('locked');
    intruder.close();
    await db.transaction((tx) => note(tx, 2));
    expect(await count()).toBe(1);
  });
});

it.each([['short', 9000], ['long', 3_000_000]])('leaves nothing of a deleted text in the file or its %s log once writing pauses', async (_length, bytes) => {
  await db.transaction((tx) => note(tx, 1, `${'-'.repeat(bytes)}the redacted ciphertext`));
  await db.transaction((tx) => tx.run(sql`DELETE FROM notes`));
  const grep = () => execFileSync('sh', ['-c', `cat "$0" "$0-wal" | grep -ac 'redacted ciphertext' || true`, path], { encoding: 'utf8' }).trim();
  expect(grep()).not.toBe('0');
  for (let i = 0; i < 600 && grep() !== '0'; i += 1) await sleep(50);
  expect(grep()).toBe('0');
  expect(statSync(`${path}-wal`).size).toBe(0);
});

it('empties the log as soon as nobody reads an old state any more', async () => {
  await db.transaction((tx) => note(tx, 1));
  const reader = new Sqlite(path, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM notes').get();
  await db.transaction((tx) => note(tx, 2));
  await sleep(2000);
  expect(statSync(`${path}-wal`).size).not.toBe(0);
  reader.close();
  for (let i = 0; i < 600 && statSync(`${path}-wal`).size !== 0; i += 1) await sleep(50);
  expect(statSync(`${path}-wal`).size).toBe(0);
});
