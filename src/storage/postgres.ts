import pg from 'pg';
import { sql, type Announcement, type ReadTransaction } from './database.js';
import type { ScriptDatabase, ScriptTransaction } from './migrate.js';
import { PostgresListener } from './postgres-listener.js';
import { PostgresTransaction, Statements } from './postgres-transaction.js';

export interface PostgresOptions {
  readonly connection: Pick<pg.ClientConfig, 'host' | 'port' | 'user' | 'password' | 'database' | 'ssl'>;
  /** Connections for reading, and as many for writing: whoever reads never queues behind those who wait for a lock. */
  readonly connections?: number;
  /** Told of what fails beside any request: an effect, a lost connection. */
  readonly report?: (problem: Error) => void;
}

interface Listener {
  heard(announcement: Announcement): void;
  lost(position: number): void;
}

// A transaction that PostgreSQL gives up for another's sake, as often as it is tried again, with the waits between.
const RETRIED = new Set(['40001', '40P01']);
const WAITS_MS = [5, 10, 20, 40, 80, 160];

const parsers = new Map<number, (text: string) => unknown>([
  [16, (text) => (text === 't' ? 1 : 0)],  // boolean, as SQLite has it
  [20, Number],                            // bigint
  [114, (text) => text],                   // json
  [1700, Number],                          // numeric: the sum of bigints
]);

/** Connects to a database that orders text by its bytes; several processes may share it and wake each other. */
export async function openPostgres({ connection, connections = 8, report = (problem) => { process.emitWarning(`${problem.message}: ${String(problem.cause)}`); } }: PostgresOptions): Promise<ScriptDatabase> {
  const config: pg.ClientConfig = {
    ...connection,
    application_name: 'cloison',
    // A BEGIN travels with the first query, a NOTIFY with the COMMIT.
    pipeline: true,
    // Without it a listening connection that says nothing would not notice a network that is gone.
    keepAlive: true,
    types: { getTypeParser: findParser as typeof pg.types.getTypeParser },
  };
  const listener = new PostgresListener(config, report);
  const open = () => new pg.Pool({ ...config, max: connections });
  const db = new PostgresDatabase({ readers: open(), writers: open(), listener, report });
  try {
    await db.read(refuseUnfit);
    await listener.start();
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function refuseUnfit(tx: ReadTransaction): Promise<void> {
  const row = await tx.one<{ collation: string; encoding: string; ignoresCase: number; durability: string }>(sql`
    SELECT datcollate AS collation, pg_encoding_to_char(encoding) AS encoding, 'a' < 'B' AS "ignoresCase",
      current_setting('synchronous_commit') AS durability
    FROM pg_database
    WHERE datname = current_database()`);
  if (row === undefined) throw new Error('PostgreSQL does not describe its own database');
  if (!['C', 'POSIX'].includes(row.collation) || row.ignoresCase === 1) {
    throw new Error(`The PostgreSQL database has LC_COLLATE ${row.collation}; create it with LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0, because identifiers are ordered by their bytes`);
  }
  if (row.encoding !== 'UTF8') throw new Error(`The PostgreSQL database has the encoding ${row.encoding}; create it with ENCODING 'UTF8'`);
  if (row.durability === 'off') throw new Error('PostgreSQL has synchronous_commit off; turn it on, because what was acknowledged must not be lost');
}

function findParser(oid: number, format?: string): unknown {
  return parsers.get(oid) ?? pg.types.getTypeParser(oid, format as 'text');
}

class PostgresDatabase implements ScriptDatabase {
  readonly engine = 'postgres';
  readonly #readers: pg.Pool;
  readonly #writers: pg.Pool;
  readonly #listener: PostgresListener;
  readonly #report: (problem: Error) => void;
  readonly #statements = new Statements();
  #closing: Promise<void> | undefined;

  constructor(parts: { readers: pg.Pool; writers: pg.Pool; listener: PostgresListener; report: (problem: Error) => void }) {
    this.#readers = parts.readers;
    this.#writers = parts.writers;
    this.#listener = parts.listener;
    this.#report = parts.report;
    const closed = (cause: Error) => {
      if (this.#closing === undefined) this.#report(new Error('PostgreSQL closed an idle connection', { cause }));
    };
    this.#readers.on('error', closed);
    this.#writers.on('error', closed);
  }

  async read<T>(work: (tx: ReadTransaction) => Promise<T>): Promise<T> {
    const client = await this.#readers.connect();
    const tx = new PostgresTransaction(client, this.#statements);
    try {
      // Sent ahead without waiting, like the COMMIT after it: a read of one query is one round trip.
      const begun = client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const [result] = await Promise.all([work(tx), begun]);
      return result;
    } finally {
      tx.end();
      finish(client, 'COMMIT');
    }
  }

  async transaction<T>(work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    for (const wait of WAITS_MS) {
      try {
        return await this.#attempt(work);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError && RETRIED.has(error.code ?? ''))) throw error;
        await new Promise((resolve) => { setTimeout(resolve, wait); });
      }
    }
    return this.#attempt(work);
  }

  listen(listener: Listener): void {
    this.#listener.add(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#readers.end(), this.#writers.end()]);
    await this.#listener.close();
  }

  async #attempt<T>(work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    const client = await this.#writers.connect();
    const tx = new PostgresTransaction(client, this.#statements);
    let heard: () => Promise<void>;
    let result: T;
    try {
      // READ COMMITTED: after `lock` the body sees what the last holder committed. A snapshot of the whole transaction would
      // be older than the wait, and every two that move the stream at once would fail instead of queueing for its row.
      const begun = client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
      [result] = await Promise.all([work(tx), begun]);
      tx.end();
      heard = await this.#commit(client, tx);
      client.release();
    } catch (error) {
      tx.end();
      finish(client, 'ROLLBACK');
      throw tx.failure ?? error;
    }
    this.#runEffects(tx);
    await heard();
    return result;
  }

  async #commit(client: pg.PoolClient, tx: PostgresTransaction): Promise<() => Promise<void>> {
    if (tx.failure !== undefined) throw tx.failure;
    const { announcement } = tx;
    const notice = announcement === undefined ? undefined : this.#listener.notify(client, announcement);
    const [committed] = await Promise.all([client.query('COMMIT'), notice?.sent]);
    if (committed.command !== 'COMMIT') throw new Error('PostgreSQL rolled the transaction back instead of committing it');
    return notice === undefined ? async () => undefined : notice.heard;
  }

  #runEffects(tx: PostgresTransaction): void {
    for (const effect of tx.effects) {
      try {
        effect();
      } catch (cause) {
        this.#report(new Error('An effect of a committed transaction failed', { cause }));
      }
    }
  }
}

/** Ends what a connection is in and gives it back; a connection that cannot do that is not used again. */
function finish(client: pg.PoolClient, how: 'COMMIT' | 'ROLLBACK'): void {
  client.query(how).then(() => { client.release(); }, () => { client.release(true); });
}
