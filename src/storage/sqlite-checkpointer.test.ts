import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Checkpointer } from './sqlite-checkpointer.js';

let folder: string;
let path: string;
let writer: Sqlite.Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cloison-'));
  path = join(folder, 'a.db');
  writer = new Sqlite(path);
  writer.pragma('journal_mode = WAL');
  writer.exec('CREATE TABLE a (b)');
});
afterEach(() => {
  writer.close();
  rmSync(folder, { recursive: true });
});

it('has the writer wait while the thread empties the log, during which nobody can write', async () => {
  const problems: Error[] = [];
  const checkpointer = new Checkpointer(path, { release: () => undefined, moveAll: () => false, report: (problem) => { problems.push(problem); } });
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
  checkpointer.committed();
  while (checkpointer.pause === undefined) await turn();
  await checkpointer.pause;
  expect([statSync(`${path}-wal`).size, checkpointer.pause]).toEqual([0, undefined]);
  await checkpointer.close();
  expect(problems).toEqual([]);
});

it('lets the writer go on where somebody still reads what the log would take away', async () => {
  const reader = new Sqlite(path, { readonly: true });
  const reading = reader.prepare('SELECT * FROM a UNION ALL SELECT 1 UNION ALL SELECT 2').iterate();
  reading.next();
  writer.exec('INSERT INTO a VALUES (1)');
  const checkpointer = new Checkpointer(path, { release: () => undefined, moveAll: () => false, report: () => undefined });
  checkpointer.committed();
  while (checkpointer.pause === undefined) await turn();
  await checkpointer.pause;
  writer.exec('INSERT INTO a VALUES (2)');
  reading.return?.();
  reader.close();
  await checkpointer.close();
});
