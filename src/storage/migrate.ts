import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../matrix/clock.js';
import type { ServerName } from '../matrix/identifiers.js';
import { sql, type Database, type Transaction } from './database.js';

export interface ScriptTransaction extends Transaction {
  /** Runs a text of many statements, which takes no values: migrations only. */
  script(text: string): Promise<void>;
}

/** What the adapters open; everybody but `migrate` sees it as a Database. */
export interface ScriptDatabase extends Database {
  transaction<T>(work: (tx: ScriptTransaction) => Promise<T>): Promise<T>;
}

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
  readonly text: string;
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
  readonly schema_checksum: string;
}

/**
 * Brings the schema up to date, one transaction for each migration; several processes may start at once. Refuses a database whose
 * history is not the beginning of this program's, or whose tables are no longer as its migrations left them: a rule of the schema that
 * somebody dropped by hand would be missed by nobody until it was needed.
 */
export async function migrate(db: ScriptDatabase, { clock, folder = migrationsFolder() }: { clock: Clock; folder?: string }): Promise<void> {
  const migrations = readMigrations(folder, db.engine);
  while (await db.transaction((tx) => applyNext(tx, db.engine, migrations, clock()))) {
    // The next one, until none is left.
  }
}

/** Gives an empty database its server name, or refuses one that belongs to another. */
export async function claimShard(tx: Transaction, serverName: ServerName, now: number): Promise<void> {
  await tx.lock('shard');
  const shard = await tx.one<{ name: string }>(sql`SELECT name FROM shard`);
  if (shard === undefined) {
    await tx.run(sql`INSERT INTO shard (only_row, name, created_ts) VALUES (1, ${serverName}, ${now})`);
    return;
  }
  if (shard.name !== serverName) {
    throw new Error(`This database belongs to the server ${shard.name}, not to ${serverName}: a server keeps its name for good`);
  }
}

async function applyNext(tx: ScriptTransaction, engine: Database['engine'], migrations: readonly Migration[], now: number): Promise<boolean> {
  await tx.lock('migrations');
  await tx.script(`
    CREATE TABLE IF NOT EXISTS migrations (
      number BIGINT NOT NULL PRIMARY KEY,
      name TEXT NOT NULL,
      checksum TEXT NOT NULL,
      schema_checksum TEXT NOT NULL,
      applied_ts BIGINT NOT NULL
    )`);
  const applied = await tx.all<Applied>(sql`SELECT number, name, checksum, schema_checksum FROM migrations ORDER BY number`);
  checkHistory(applied, migrations);
  if (applied.length === 0) await refuseForeignTables(tx, engine);
  const next = migrations[applied.length];
  const newest = applied.at(-1);
  if (newest !== undefined && newest.schema_checksum !== await schemaChecksum(tx, engine)) {
    throw new Error(`The tables of the database are not as migration ${labelOf(newest)} left them: restore it from a backup`);
  }
  if (next === undefined) return false;
  await tx.script(next.text);
  await tx.run(sql`
    INSERT INTO migrations (number, name, checksum, schema_checksum, applied_ts)
    VALUES (${next.number}, ${next.name}, ${next.checksum}, ${await schemaChecksum(tx, engine)}, ${now})`);
  return true;
}

/** A database of another program, Synapse's perhaps, is left as it is. */
async function refuseForeignTables(tx: Transaction, engine: Database['engine']): Promise<void> {
  const table = await tx.one<{ name: string }>(engine === 'sqlite'
    ? sql`SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'migrations' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name LIMIT 1`
    : sql`SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'migrations' ORDER BY 1 LIMIT 1`);
  if (table === undefined) return;
  throw new Error(`The database already holds tables of another program (${table.name}, among others): give this server an empty database of its own`);
}

/** Covers the tables with their constraints and triggers. Of PostgreSQL's constraints only the names: its next version may word the same one otherwise. */
async function schemaChecksum(tx: Transaction, engine: Database['engine']): Promise<string> {
  const rows = await tx.all<{ name: string; text: string }>(engine === 'sqlite'
    ? sql`SELECT name, sql AS text FROM sqlite_master WHERE type <> 'index' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name`
    : sql`
      SELECT CAST(CAST(conrelid AS regclass) AS TEXT) || '.' || CAST(conname AS TEXT) AS name, CAST(contype AS TEXT) || CAST(convalidated AS TEXT) AS text
      FROM pg_constraint
      WHERE connamespace = CAST(current_schema() AS regnamespace) AND contype IN ('c', 'f', 'p', 'u')
      UNION ALL
      SELECT CAST(CAST(t.tgrelid AS regclass) AS TEXT) || '.' || CAST(t.tgname AS TEXT), CAST(t.tgenabled AS TEXT) || f.prosrc
      FROM pg_trigger t
      JOIN pg_proc f ON f.oid = t.tgfoid
      WHERE f.pronamespace = CAST(current_schema() AS regnamespace) AND NOT t.tgisinternal
      ORDER BY 1`);
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
}

function labelOf({ number, name }: Applied): string {
  return `${String(number).padStart(4, '0')}-${name}`;
}

function checkHistory(applied: readonly Applied[], migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.number ?? 0;
  applied.forEach((each, i) => {
    const { number, checksum } = each;
    const label = labelOf(each);
    if (number > newest) throw new Error(`The database is newer than this program: it has had migration ${label}; install the version that made it`);
    const expected = migrations[i];
    if (expected?.number !== number) throw new Error(`The database lacks migration ${String(i + 1).padStart(4, '0')}, though later ones were applied: restore it from a backup`);
    if (expected.checksum !== checksum) throw new Error(`Migration ${label} was changed after this database had it: restore the file as it was`);
  });
}

/** From the sources and from dist/ alike: the first folder upwards that has migrations. */
function migrationsFolder(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, 'migrations', '0001-the-shard.sql'))) return join(at, 'migrations');
  }
  throw new Error('The folder of migrations is missing from this installation: install it again');
}

/** `NNNN-name.sql` for both engines, or one file for each; numbers without gaps from 1. A misnamed file would never be applied. */
function readMigrations(folder: string, engine: Database['engine']): readonly Migration[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql')).sort().flatMap((file) => {
    const [, number, name, only] = /^(\d{4})-([a-z0-9-]+)(?:\.(sqlite|postgres))?\.sql$/.exec(file) ?? [];
    if (number === undefined || name === undefined) throw new Error(`The migration ${file} of this installation is not named as NNNN-name.sql`);
    if (only !== undefined && only !== engine) return [];
    const text = readFileSync(join(folder, file), 'utf8');
    return [{ number: Number(number), name, text, checksum: createHash('sha256').update(text).digest('hex') }];
  });
  files.forEach(({ number, name }, i) => {
    if (number !== i + 1) throw new Error(`The migrations of this installation are not numbered one by one: ${name} should be ${String(i + 1)}`);
  });
  return files;
}
