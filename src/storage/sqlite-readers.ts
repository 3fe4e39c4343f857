import Sqlite, { type Database as Connection, type Statement } from 'better-sqlite3';
import type { ReadTransaction, Sql } from './database.js';
import { asError, Statements } from './sqlite-statements.js';

/** One connection and the snapshot it stands in. All who read at the same generation share it. */
interface Reader {
  readonly connection: Connection;
  readonly statements: Statements;
  readonly begin: Statement;
  readonly commit: Statement;
  users: number;
  /** The commit this snapshot was taken after; undefined when it stands in none. */
  generation: number | undefined;
}

/** Reads that really wait pin old snapshots, one connection each; further generations queue. */
const MOST = 8;

/**
 * Snapshots for reading. This process is the only writer, so a snapshot stays the newest until the writer says that it committed:
 * a read costs no BEGIN of its own, and any number of reads share one snapshot and one connection.
 */
export class Readers {
  readonly #path: string;
  readonly #readers: Reader[] = [];
  #current: Reader | undefined;
  #generation = 0;
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  async read<T>(work: (tx: ReadTransaction) => Promise<T>): Promise<T> {
    let reader = this.#enter();
    while (reader === undefined) {
      await new Promise<void>((resolve) => { this.#waiting.push(resolve); });
      reader = this.#enter();
    }
    const tx = new Snapshot(reader.statements);
    reader.users += 1;
    try {
      return await work(tx);
    } finally {
      tx.end();
      this.#leave(reader);
    }
  }

  /** The writer committed: the next read takes a new snapshot. */
  moved(): void {
    this.#generation += 1;
  }

  /** Ends the snapshots nobody reads, which would keep the log from starting over. */
  release(): void {
    for (const reader of this.#readers) if (reader.users === 0) leaveSnapshot(reader);
  }

  /** Waits for the reads under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#readers.some(({ users }) => users > 0)) {
      await new Promise<void>((resolve) => { this.#waiting.push(resolve); });
    }
    for (const { connection } of this.#readers) connection.close();
    this.#wake();
  }

  #enter(): Reader | undefined {
    if (this.#isClosed) throw new Error('The database is closed');
    const current = this.#current;
    if (current?.generation === this.#generation) return current;
    const reader = this.#readers.find(({ users }) => users === 0) ?? this.#open();
    if (reader === undefined) return undefined;
    leaveSnapshot(reader);
    reader.begin.run();
    reader.generation = this.#generation;
    this.#current = reader;
    return reader;
  }

  #open(): Reader | undefined {
    if (this.#readers.length >= MOST) return undefined;
    const connection = new Sqlite(this.#path, { readonly: true, fileMustExist: true });
    connection.pragma('busy_timeout = 1000');
    connection.pragma('cache_size = -16000');
    const reader = {
      connection,
      statements: new Statements(connection),
      begin: connection.prepare('BEGIN'),
      commit: connection.prepare('COMMIT'),
      users: 0,
      generation: undefined,
    };
    this.#readers.push(reader);
    return reader;
  }

  #leave(reader: Reader): void {
    reader.users -= 1;
    // An input/output error ends the snapshot under those who share it; they fail, and the next read begins anew.
    if (!reader.connection.inTransaction) reader.generation = undefined;
    if (reader.users === 0 && this.#waiting.length > 0) this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

function leaveSnapshot(reader: Reader): void {
  reader.generation = undefined;
  if (reader.connection.inTransaction) reader.commit.run();
}

class Snapshot implements ReadTransaction {
  readonly #statements: Statements;
  #hasEnded = false;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  async all<Row>(query: Sql): Promise<readonly Row[]> {
    this.#check();
    try {
      return this.#statements.all<Row>(query);
    } catch (cause) {
      throw asError(cause);
    }
  }

  async one<Row>(query: Sql): Promise<Row | undefined> {
    this.#check();
    try {
      return this.#statements.one<Row>(query);
    } catch (cause) {
      throw asError(cause);
    }
  }

  end(): void {
    this.#hasEnded = true;
  }

  #check(): void {
    if (this.#hasEnded) throw new Error('A query came after its read had ended: a promise of it was not awaited');
    if (!this.#statements.connection.inTransaction) throw new Error('The snapshot was lost to an earlier error of the database');
  }
}
