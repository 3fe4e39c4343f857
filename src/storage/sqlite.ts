import { closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite, { type Database as Connection } from 'better-sqlite3';
import type { Announcement, ReadTransaction } from './database.js';
import type { ScriptDatabase, ScriptTransaction } from './migrate.js';
import { Checkpointer } from './sqlite-checkpointer.js';
import { Readers } from './sqlite-readers.js';
import { asError } from './sqlite-statements.js';
import { Writer } from './sqlite-writer.js';

export interface SqliteOptions {
  readonly path: string;
  /** Told of what fails beside any request: an effect, a checkpoint. */
  readonly report?: (problem: Error) => void;
}

const BUSY_MS = 1000;

interface Listener {
  heard(announcement: Announcement): void;
  lost(position: number): void;
}

/**
 * Opens, or creates, the database in a file. One process at a time owns it; others may still read it, a backup for example.
 * Every commit is on the disk before its promise resolves.
 */
export async function openSqlite({ path, report = (problem) => { process.emitWarning(`${problem.message}: ${String(problem.cause)}`); } }: SqliteOptions): Promise<ScriptDatabase> {
  const ownership = own(path);
  try {
    return new SqliteDatabase(openWriter(path), { path, report, ownership });
  } catch (cause) {
    ownership.close();
    throw new Error(`The database ${path} cannot be opened: ${asError(cause).message}`, { cause });
  }
}

/** An exclusive transaction on a file beside the database: the kernel ends it with the process, however that dies. */
function own(path: string): Connection {
  if (!existsSync(dirname(path))) throw new Error(`The database ${path} cannot be opened: there is no folder ${dirname(path)}`);
  makePrivate(`${path}.lock`);
  const connection = new Sqlite(`${path}.lock`, { timeout: 0 });
  try {
    connection.exec('BEGIN EXCLUSIVE');
    return connection;
  } catch (cause) {
    connection.close();
    const isBusy = (cause as { readonly code?: unknown }).code === 'SQLITE_BUSY';
    throw isBusy ? new Error(`Another process is using the database ${path}: stop it first`, { cause }) : asError(cause);
  }
}

function openWriter(path: string): Connection {
  // The log and its index take over the file's permissions: message metadata is nobody else's on this machine. Only a missing file is
  // opened here: closing any handle on a file drops every lock this process has on it.
  makePrivate(path);
  const connection = new Sqlite(path);
  try {
    connection.pragma('journal_mode = WAL');
    connection.pragma('synchronous = FULL');
    connection.pragma('foreign_keys = ON');
    connection.pragma('secure_delete = ON');
    connection.pragma(`busy_timeout = ${BUSY_MS}`);
    connection.pragma('temp_store = MEMORY');
    connection.pragma('cache_size = -16000');
    // 128 MiB, which the log reaches only when the checkpointer's thread does not do its work.
    connection.pragma('wal_autocheckpoint = 32768');
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

class SqliteDatabase implements ScriptDatabase {
  readonly engine = 'sqlite';
  readonly #connection: Connection;
  readonly #ownership: Connection;
  readonly #readers: Readers;
  readonly #writer: Writer;
  readonly #checkpointer: Checkpointer;
  readonly #listeners: Listener[] = [];
  #closing: Promise<void> | undefined;

  constructor(connection: Connection, { path, report, ownership }: Required<SqliteOptions> & { ownership: Connection }) {
    this.#connection = connection;
    this.#ownership = ownership;
    this.#readers = new Readers(path);
    this.#checkpointer = new Checkpointer(path, {
      release: () => { this.#readers.release(); },
      moveAll: () => !connection.inTransaction && movesAllOfItsLog(connection),
      report,
    });
    this.#writer = new Writer(connection, {
      begins: () => {
        this.#readers.release();
        return this.#checkpointer.pause;
      },
      committed: () => {
        this.#readers.moved();
        this.#checkpointer.committed();
      },
      heard: (announcement) => { for (const listener of this.#listeners) listener.heard(announcement); },
      report,
    });
  }

  read<T>(work: (tx: ReadTransaction) => Promise<T>): Promise<T> {
    return this.#readers.read(work);
  }

  transaction<T>(work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    return this.#writer.transaction(work);
  }

  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    await this.#checkpointer.close();
    await this.#readers.close();
    this.#connection.close();
    this.#ownership.close();
  }
}

/** Without waiting: on a thread of requests, whoever holds a snapshot could not let go of it meanwhile. */
function movesAllOfItsLog(connection: Connection): boolean {
  connection.pragma('busy_timeout = 0');
  try {
    const [result] = connection.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    return result?.busy === 0;
  } catch {
    // The thread that is asked next meets the same problem, and reports it.
    return false;
  } finally {
    connection.pragma(`busy_timeout = ${BUSY_MS}`);
  }
}

/** Makes the file, unless it is there, for its owner only; what SQLite puts beside it is as private. */
function makePrivate(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
}
