import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { migrate, type ScriptDatabase } from './migrate.js';
import { openPostgres } from './postgres.js';
import { createTestPostgres, postgresBinaries } from './postgres.testing.js';
import { openSqlite } from './sqlite.js';

let hasWarned = false;

/** A migrated, empty database of its own. */
export interface TestDatabase {
  readonly db: ScriptDatabase;
  drop(): Promise<void>;
}

export interface Engine {
  readonly name: 'SQLite' | 'PostgreSQL';
  open(): Promise<TestDatabase>;
}

/** Where `hasPostgres`. */
export const postgres: Engine = { name: 'PostgreSQL', open: openOnPostgres };

/** For `describe.each(engines)('… on $name', …)`. Without PostgreSQL's binaries its half is left out, loudly; in CI that is a failure. */
export const engines: readonly Engine[] = [{ name: 'SQLite', open: openOnSqlite }, ...(hasPostgres() ? [postgres] : [])];

/** For the tests of what only PostgreSQL does. */
export function hasPostgres(): boolean {
  if (postgresBinaries() !== undefined) return true;
  if (process.env['CI'] === 'true') throw new Error('PostgreSQL is not installed: in CI no test may be left out');
  warnOnce();
  return false;
}

function warnOnce(): void {
  if (hasWarned) return;
  hasWarned = true;
  process.stderr.write(`\nLEFT OUT: the PostgreSQL half of ${expect.getState().testPath ?? 'these tests'} (apt-get install postgresql)\n`);
}

async function openOnPostgres(): Promise<TestDatabase> {
  const { connection, drop } = await createTestPostgres();
  const db = await openPostgres({ connection });
  return { db, drop: async () => { await db.close(); await drop(); } };
}

let migratedFile: Promise<Buffer> | undefined;

async function openOnSqlite(): Promise<TestDatabase> {
  migratedFile ??= inFolder(async (folder) => {
    const db = await openSqlite({ path: join(folder, 'template.db') });
    await migrate(db, { clock: () => 0 });
    await db.close();
    return readFileSync(join(folder, 'template.db'));
  });
  const folder = mkdtempSync(join(tmpdir(), 'cloison-'));
  const path = join(folder, 'test.db');
  writeFileSync(path, await migratedFile);
  const db = await openSqlite({ path });
  return { db, drop: async () => { await db.close(); rmSync(folder, { recursive: true }); } };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'cloison-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
