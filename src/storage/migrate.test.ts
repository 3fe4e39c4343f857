import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseServerName } from '../matrix/identifiers.js';
import { sql } from './database.js';
import { engines } from './engines.testing.js';
import { claimShard, migrate, type ScriptDatabase } from './migrate.js';

/** The database of a test has had these; the tests' own come after them. */
const last = Math.max(...readdirSync('migrations').map((file) => Number(file.slice(0, 4))));
const after = (n: number): string => String(last + n).padStart(4, '0');

it('the migrations of this repository are numbered one by one, and the same for both engines', () => {
  const files = readdirSync('migrations').sort();
  const of = (engine: string, other: string): readonly string[] => files.filter((file) => !file.endsWith(`.${other}.sql`)).map((file) => file.replace(`.${engine}.sql`, '.sql'));
  const migrations = of('sqlite', 'postgres');
  expect(of('postgres', 'sqlite')).toEqual(migrations);
  expect(migrations).toEqual(migrations.map((_, i) => expect.stringMatching(new RegExp(`^${String(i + 1).padStart(4, '0')}-[a-z][a-z0-9]*(?:-[a-z0-9]+)*\\.sql$`))));
});

describe.each(engines)('migrations on $name', ({ open }) => {
  let db: ScriptDatabase;
  let drop: () => Promise<void>;
  let folder: string;

  beforeEach(async () => {
    ({ db, drop } = await open());
    folder = mkdtempSync(join(tmpdir(), 'cloison-'));
    cpSync('migrations', folder, { recursive: true });
  });
  afterEach(async () => {
    await drop();
    rmSync(folder, { recursive: true });
  });

  const clock = () => 7;
  const add = (file: string, text: string) => { writeFileSync(join(folder, file), text); };
  const applied = () => db.read((tx) => tx.all(sql`SELECT number, name, applied_ts FROM migrations ORDER BY number`));

  it('are applied once, in order, however often and by however many at once', async () => {
    add(`${after(1)}-notes.sql`, `CREATE TABLE notes (text TEXT); INSERT INTO notes (text) VALUES ('a;b');`);
    add(`${after(2)}-more.sql`, `-- a comment; with a semicolon\nINSERT INTO notes (text) VALUES ('c');`);
    await Promise.all([migrate(db, { clock, folder }), migrate(db, { clock, folder })]);
    await migrate(db, { clock, folder });
    expect((await applied()).slice(last - 1)).toEqual([
      expect.objectContaining({ number: last, applied_ts: 0 }),
      { number: last + 1, name: 'notes', applied_ts: 7 },
      { number: last + 2, name: 'more', applied_ts: 7 },
    ]);
    expect(await db.read((tx) => tx.all(sql`SELECT text FROM notes ORDER BY text`))).toEqual([{ text: 'a;b' }, { text: 'c' }]);
  });

  it('are not applied to a database that holds the tables of another program', async () => {
    await db.transaction((tx) => tx.run(sql`DELETE FROM migrations`));
    await expect(migrate(db, { clock, folder })).rejects.toThrow('tables of another program');
    expect(await applied()).toEqual([]);
  });

  it('may have a text for one engine only', async () => {
    add(`${after(1)}-notes.sqlite.sql`, 'CREATE TABLE notes (engine TEXT DEFAULT \'sqlite\', number INTEGER)');
    add(`${after(1)}-notes.postgres.sql`, 'CREATE TABLE notes (engine TEXT DEFAULT \'postgres\', number INTEGER)');
    await migrate(db, { clock, folder });
    await db.transaction((tx) => tx.run(sql`INSERT INTO notes (number) VALUES (1)`));
    expect(await db.read((tx) => tx.one(sql`SELECT engine FROM notes`))).toEqual({ engine: db.engine });
  });

  it('leave nothing behind when they fail half-way', async () => {
    add(`${after(1)}-notes.sql`, 'CREATE TABLE notes (text TEXT); INSERT INTO nowhere (a) VALUES (1);');
    await expect(migrate(db, { clock, folder })).rejects.toThrow('nowhere');
    add(`${after(1)}-notes.sql`, 'CREATE TABLE notes (text TEXT);');
    await migrate(db, { clock, folder });
    expect(await applied()).toHaveLength(last + 1);
  });

  it('refuse a database that is newer than the program', async () => {
    add(`${after(1)}-notes.sql`, 'CREATE TABLE notes (text TEXT)');
    await migrate(db, { clock, folder });
    await expect(migrate(db, { clock })).rejects.toThrow(`The database is newer than this program: it has had migration ${after(1)}-notes`);
  });

  it('refuse a migration that was changed after it was applied', async () => {
    add('0001-the-shard.sql', 'CREATE TABLE other (text TEXT)');
    await expect(migrate(db, { clock, folder })).rejects.toThrow('Migration 0001-the-shard was changed after this database had it');
  });

  it('refuse tables that have lost a rule since', async () => {
    if (db.engine === 'postgres') await db.transaction((tx) => tx.script('ALTER TABLE events DROP CONSTRAINT no_public_rooms'));
    else await db.transaction((tx) => tx.script('ALTER TABLE events ADD COLUMN is_public INTEGER'));
    await expect(migrate(db, { clock })).rejects.toThrow('The tables of the database are not as migration 00');
  });

  it('refuse a history with a gap', async () => {
    add(`${after(1)}-notes.sql`, 'CREATE TABLE notes (text TEXT)');
    await migrate(db, { clock, folder });
    await db.transaction((tx) => tx.run(sql`DELETE FROM migrations WHERE number = 1`));
    await expect(migrate(db, { clock, folder })).rejects.toThrow('The database lacks migration 0001');
  });

  it('refuse an installation whose files have a gap', async () => {
    add(`${after(2)}-more.sql`, 'CREATE TABLE notes (text TEXT)');
    await expect(migrate(db, { clock, folder })).rejects.toThrow('not numbered one by one');
  });

  it.each(['12-notes.sql', 'notes.sql', '0099_notes.sql', '0099-Notes.sql', '0099-notes.mysql.sql'])('refuse an installation with a file named %s, which nobody would apply', async (file) => {
    add(file, 'CREATE TABLE notes (text TEXT)');
    await expect(migrate(db, { clock, folder })).rejects.toThrow(`The migration ${file} of this installation is not named as NNNN-name.sql`);
  });

  it('refuse an installation with two migrations of one number', async () => {
    add(`${after(1)}-notes.sql`, 'CREATE TABLE notes (text TEXT)');
    add(`${after(1)}-others.sql`, 'CREATE TABLE others (text TEXT)');
    await expect(migrate(db, { clock, folder })).rejects.toThrow('not numbered one by one');
  });

  it('give a database one server name for good', async () => {
    const claim = (name: string) => db.transaction((tx) => claimShard(tx, parseServerName(name), 5));
    await Promise.all([claim('shard.example'), claim('shard.example')]);
    await expect(claim('other.example')).rejects.toThrow('belongs to the server shard.example, not to other.example');
    expect(await db.read((tx) => tx.all(sql`SELECT name, created_ts FROM shard`))).toEqual([{ name: 'shard.example', created_ts: 5 }]);
  });
});
