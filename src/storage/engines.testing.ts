import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from './database.js';
import { migrate, type ScriptDatabase } from './migrate.js';
import { openSqlite } from './sqlite.js';

/** A migrated, empty database of its own. */
export interface TestDatabase {
  readonly db: Database;
  drop(): Promise<void>;
}

export interface Engine {
  readonly name: 'SQLite' | 'PostgreSQL';
  open(): Promise<TestDatabase>;
}

/** For `describe.each(engines)('… on $name', …)`. */
export const engines: readonly Engine[] = [{ name: 'SQLite', open: openOnSqlite }];

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
  return closing(await openSqlite({ path }), () => { rmSync(folder, { recursive: true }); });
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'cloison-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function closing(db: ScriptDatabase, drop: () => void): TestDatabase {
  return { db, drop: async () => { await db.close(); drop(); } };
}
