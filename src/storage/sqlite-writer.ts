import type { Database as Connection } from 'better-sqlite3';
import { sql, type Announcement, type Sql, type Transaction } from './database.js';
import { asError, Statements } from './sqlite-statements.js';
import { positionIn } from './stream.js';

interface Job {
  readonly work: (tx: WriteTransaction) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** How a body ended. Nobody is told before the commit: what a refusal rests on may be a sibling's change, not yet durable. */
interface Outcome {
  readonly job: Job;
  readonly tx: WriteTransaction;
  readonly result: { readonly value: unknown } | { readonly error: unknown };
}

export interface WriterEvents {
  /** Before a group takes the write lock, and what it has to wait for. */
  begins(): Promise<void> | undefined;
  /** Right after the commit, before any effect. */
  committed(): void;
  heard(announcement: Announcement): void;
  /** An effect threw; the transaction stands. */
  report(problem: Error): void;
}

// A group waits for its last member before it commits its first, and holds the event loop meanwhile.
const MOST_BODIES = 200;
const MOST_MS = 50;
/** How long a group that grows with every turn of the event loop is waited for. */
const MOST_GATHERING_MS = 10;

const AWAITED = 'A transaction body awaited something other than its transaction (a hash, a socket, a timer) while holding the only write lock; it was rolled back';

/** The only writer: a queue whose transactions share one BEGIN IMMEDIATE … COMMIT, a savepoint each. */
export class Writer {
  readonly #connection: Connection;
  readonly #statements: Statements;
  readonly #events: WriterEvents;
  readonly #steps;
  #queue: Job[] = [];
  #isBusy = false;
  #isClosed = false;
  #whenIdle: (() => void)[] = [];
  #failCurrent: (error: Error) => void = () => undefined;

  constructor(connection: Connection, events: WriterEvents) {
    this.#connection = connection;
    this.#statements = new Statements(connection);
    this.#events = events;
    this.#steps = {
      begin: connection.prepare('BEGIN IMMEDIATE'),
      savepoint: connection.prepare('SAVEPOINT body'),
      undo: connection.prepare('ROLLBACK TO body'),
      release: connection.prepare('RELEASE body'),
      commit: connection.prepare('COMMIT'),
    };
  }

  transaction<T>(work: (tx: WriteTransaction) => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new Error('The database is closed'));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
      this.#start();
    });
  }

  /** Finishes what is queued and refuses what comes after. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#isBusy) await new Promise<void>((resolve) => { this.#whenIdle.push(resolve); });
  }

  #start(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#gather(this.#queue.length, performance.now() + MOST_GATHERING_MS);
  }

  /**
   * Transactions queued in the same turn of the event loop share the commit, and so do those of the next turn while there are any. A turn
   * accepts a single connection: were each followed by a group, a crowd that connects would be let in one by one, a commit apart.
   */
  #gather(known: number, until: number): void {
    setImmediate(() => {
      if (this.#queue.length > known && performance.now() < until) this.#gather(this.#queue.length, until);
      else void this.#runGroup();
    });
  }

  async #runGroup(): Promise<void> {
    for (let pause = this.#events.begins(); pause !== undefined; pause = this.#events.begins()) await pause;
    const outcomes: Outcome[] = [];
    const guard = this.#guard();
    try {
      this.#begin();
      await this.#runBodies(outcomes);
      this.#steps.commit.run();
    } catch (cause) {
      this.#abandon(outcomes.splice(0), asError(cause));
    }
    guard.stop();
    if (outcomes.length > 0) this.#settle(outcomes);
    this.#isBusy = false;
    if (this.#queue.length > 0) this.#start();
    else for (const idle of this.#whenIdle.splice(0)) idle();
  }

  #begin(): void {
    try {
      this.#steps.begin.run();
    } catch (cause) {
      const error = asError(cause);
      // Nobody in the queue would fare better now; those who come later try again.
      for (const { reject } of this.#queue.splice(0)) reject(error);
      throw error;
    }
  }

  async #runBodies(outcomes: Outcome[]): Promise<void> {
    const started = performance.now();
    while (outcomes.length < MOST_BODIES && performance.now() - started < MOST_MS) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      const outcome = await this.#runBody(job);
      outcomes.push(outcome);
      this.#endBody(outcome);
    }
  }

  async #runBody(job: Job): Promise<Outcome> {
    const tx = new WriteTransaction(this.#statements);
    this.#steps.savepoint.run();
    const result = await new Promise<Outcome['result']>((settle) => {
      this.#failCurrent = (error) => {
        tx.end(() => error);
        settle({ error });
      };
      start(job, tx).then((value) => { settle({ value }); }, (error: unknown) => { settle({ error }); });
    });
    tx.end(tooLate);
    // A body that swallowed the error of a statement may not commit: PostgreSQL would not let it either.
    return { job, tx, result: tx.failure === undefined ? result : { error: tx.failure } };
  }

  #endBody({ result }: Outcome): void {
    // A full disk or an input/output error takes the whole group with it.
    if (!this.#connection.inTransaction) throw 'error' in result ? result.error : new Error('The transaction was lost');
    if ('error' in result) this.#steps.undo.run();
    this.#steps.release.run();
  }

  /** One immediate serves the whole group: bodies that await only their transaction end before any immediate runs. */
  #guard(): { stop(): void } {
    const overdue = () => {
      this.#failCurrent(new Error(AWAITED));
      immediate = setImmediate(overdue);
    };
    let immediate = setImmediate(overdue);
    return { stop: () => { clearImmediate(immediate); } };
  }

  #settle(outcomes: readonly Outcome[]): void {
    this.#events.committed();
    for (const { tx, result } of outcomes) if (!('error' in result)) this.#runEffects(tx);
    for (const { job, result } of outcomes) {
      if ('error' in result) job.reject(result.error);
      else job.resolve(result.value);
    }
  }

  #runEffects(tx: WriteTransaction): void {
    const { announcement } = tx;
    const effects = announcement === undefined ? tx.effects : [...tx.effects, () => { this.#events.heard(announcement); }];
    for (const effect of effects) {
      try {
        effect();
      } catch (cause) {
        this.#events.report(new Error('An effect of a committed transaction failed', { cause }));
      }
    }
  }

  #abandon(outcomes: readonly Outcome[], error: Error): void {
    try {
      if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
    } catch (cause) {
      this.#events.report(new Error('A failed transaction could not be rolled back', { cause }));
    }
    for (const { job, result } of outcomes) job.reject('error' in result ? result.error : error);
  }
}

function tooLate(): Error {
  return new Error('A query came after its transaction had ended: a promise of it was not awaited');
}

async function start(job: Job, tx: WriteTransaction): Promise<unknown> {
  return job.work(tx);
}

/** One body's handle on the shared transaction. */
export class WriteTransaction implements Transaction {
  readonly #statements: Statements;
  readonly effects: (() => void)[] = [];
  #topics: Set<string> | undefined;
  #position = 0;
  /** Makes the error of whoever comes after the end: one made at every end, with its stack, would cost more than a statement. */
  #ended: (() => Error) | undefined;
  failure: Error | undefined;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  async all<Row>(query: Sql): Promise<readonly Row[]> {
    return this.#try(() => this.#statements.all<Row>(query));
  }

  async one<Row>(query: Sql): Promise<Row | undefined> {
    return this.#try(() => this.#statements.one<Row>(query));
  }

  async run(query: Sql): Promise<number> {
    return this.#try(() => this.#statements.run(query));
  }

  /** A whole migration: statements without parameters. */
  async script(text: string): Promise<void> {
    this.#try(() => this.#statements.connection.exec(text));
  }

  /** There is one writer: whoever runs has every lock. */
  async lock(): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended();
  }

  /** By two statements, for one with RETURNING costs SQLite ten times as much. */
  async draw(count: number): Promise<number> {
    return this.#try(() => {
      this.#statements.run(sql`UPDATE stream SET position = position + ${count}`);
      return positionIn(this.#statements.one(sql`SELECT position FROM stream`));
    });
  }

  afterCommit(effect: () => void): void {
    this.effects.push(effect);
  }

  announce(position: number, topics: readonly string[]): void {
    this.#topics ??= new Set();
    this.#position = Math.max(this.#position, position);
    for (const topic of topics) this.#topics.add(topic);
  }

  get announcement(): Announcement | undefined {
    return this.#topics === undefined ? undefined : { position: this.#position, topics: [...this.#topics] };
  }

  end(reason: () => Error): void {
    this.#ended ??= reason;
  }

  #try<T>(step: () => T): T {
    if (this.#ended !== undefined) throw this.#ended();
    try {
      return step();
    } catch (cause) {
      this.failure ??= asError(cause);
      throw this.failure;
    }
  }
}
