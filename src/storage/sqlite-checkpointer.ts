import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

const INTERVAL_MS = 500;
/** 32 MiB of log: from here on it is worth a moment's pause to let it start over. */
const MOST_PAGES = 8192;
/** Up to here it is moved where the commits are made, in the time of another commit or two: a thread would cost more. */
const SHORT_BYTES = 1_048_576;

// A text, so that it runs alike from the sources and from dist/. A busy database is left for the next round.
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const connection = new (require(workerData.driver))(workerData.path, { timeout: 0, fileMustExist: true });
connection.pragma('synchronous = FULL');
parentPort.on('message', (mode) => {
  if (mode === 'CLOSE') { connection.close(); parentPort.close(); return; }
  let pages = 0, isBusy = false, problem;
  try {
    const [{ busy, log }] = connection.pragma('wal_checkpoint(' + mode + ')');
    pages = log;
    isBusy = busy !== 0;
  } catch (error) {
    isBusy = String(error.code).startsWith('SQLITE_BUSY');
    if (!isBusy) problem = String(error);
  }
  parentPort.postMessage({ mode, pages, isBusy, problem });
});
`;

interface Report {
  readonly mode: 'PASSIVE' | 'TRUNCATE';
  /** Length of the log. */
  readonly pages: number;
  /** Somebody, a backup perhaps, still reads what the log would take away. */
  readonly isBusy: boolean;
  readonly problem?: string;
}

interface Options {
  /** Called before a checkpoint: ends the snapshots nobody reads. */
  readonly release: () => void;
  /** Moves all of the log at once on the writer's own connection, unless that one is busy: says whether it was done. */
  readonly moveAll: () => boolean;
  readonly report: (problem: Error) => void;
}

/**
 * Moves the write-ahead log into the database: while there are writes what is there, and once they pause all of it, after which nothing
 * redacted is left in the log. A log of any length is moved on a thread of its own, so that no commit waits for it. Durability never
 * rests on it.
 */
export class Checkpointer {
  readonly #path: string;
  readonly #options: Options;
  #worker: Worker | undefined;
  /** The thread that was last told to go. */
  #leaving: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #hasCommitted = false;
  #isClosed = false;
  #pause: { readonly until: Report['mode']; readonly over: Promise<void>; readonly end: () => void } | undefined;

  constructor(path: string, options: Options) {
    this.#path = path;
    this.#options = options;
  }

  /**
   * What the writer waits for before it goes on. The log starts over only when a write finds all of it moved, which never happens
   * while writes follow each other without a gap; and nobody can write while the log is emptied.
   */
  get pause(): Promise<void> | undefined {
    return this.#pause?.over;
  }

  committed(): void {
    this.#hasCommitted = true;
    this.#tickSoon();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker !== undefined) this.#dismiss(worker);
    await this.#leaving;
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#isClosed) return;
    const isIdle = !this.#hasCommitted;
    this.#hasCommitted = false;
    this.#options.release();
    const isShort = this.#worker === undefined && this.#logBytes() <= SHORT_BYTES;
    if (isIdle && isShort && this.#options.moveAll()) return;
    if (isIdle || !isShort) this.#command(isIdle ? 'TRUNCATE' : 'PASSIVE');
    if (!isIdle) this.#tickSoon();
  }

  #tickSoon(): void {
    this.#timer ??= setTimeout(() => { this.#tick(); }, INTERVAL_MS).unref();
  }

  #logBytes(): number {
    return statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }

  #command(mode: Report['mode']): void {
    this.#worker ??= this.#start();
    if (mode === 'TRUNCATE') this.#beginPause(this.#worker, mode);
    this.#worker.postMessage(mode);
  }

  #start(): Worker {
    const driver = createRequire(import.meta.url).resolve('better-sqlite3');
    const worker = new Worker(PROGRAM, {
      eval: true,
      workerData: { driver, path: this.#path },
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    worker.on('message', (report: Report) => { this.#hear(worker, report); });
    worker.on('error', (cause) => { this.#options.report(new Error('The checkpoint thread failed', { cause })); });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#endPause();
    });
    worker.unref();
    return worker;
  }

  #dismiss(worker: Worker): void {
    this.#worker = undefined;
    this.#leaving = once(worker, 'exit');
    // The process may not end before the thread has.
    worker.ref();
    worker.postMessage('CLOSE');
  }

  #hear(worker: Worker, { mode, pages, isBusy, problem }: Report): void {
    if (problem !== undefined) this.#options.report(new Error('A checkpoint failed', { cause: problem }));
    if (this.#pause !== undefined) {
      if (this.#pause.until !== mode) return;
      this.#endPause();
      worker.unref();
      if (mode === 'PASSIVE') return;
    }
    if (mode === 'TRUNCATE' && isBusy) {
      if (!this.#isClosed) this.#tickSoon();
      return;
    }
    // Writing has paused and all is moved: until it goes on, the thread's memory is better used otherwise.
    if (mode === 'TRUNCATE' && this.#worker === worker && !this.#hasCommitted) this.#dismiss(worker);
    if (pages < MOST_PAGES || this.#isClosed || this.#worker !== worker) return;
    this.#beginPause(worker, 'PASSIVE');
    this.#options.release();
    worker.postMessage('PASSIVE');
  }

  #beginPause(worker: Worker, until: Report['mode']): void {
    this.#endPause();
    let end: () => void = () => undefined;
    this.#pause = { until, over: new Promise((resolve) => { end = resolve; }), end: () => { end(); } };
    // Whoever closes the database meanwhile waits for this answer: the process may not end before it.
    worker.ref();
  }

  #endPause(): void {
    const pause = this.#pause;
    this.#pause = undefined;
    pause?.end();
  }
}
