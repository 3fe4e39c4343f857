import { createRequire } from 'node:module';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const INTERVAL_MS = 500;

// A text, so that it runs alike from the sources and from dist/. A busy database is left for the next round.
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const connection = new (require(workerData.driver))(workerData.path, { timeout: 0, fileMustExist: true });
connection.pragma('synchronous = FULL');
parentPort.on('message', (mode) => {
  if (mode === 'CLOSE') { connection.close(); parentPort.close(); return; }
  try { connection.pragma('wal_checkpoint(' + mode + ')'); }
  catch (error) { if (!String(error.code).startsWith('SQLITE_BUSY')) parentPort.postMessage(String(error)); }
});
`;

/**
 * Moves the write-ahead log into the database on a thread of its own, so that no commit waits for it: while there are writes what is
 * there, and once they pause all of it, after which nothing redacted is left in the log. Durability never rests on it.
 */
export class Checkpointer {
  readonly #path: string;
  readonly #options: { readonly release: () => void; readonly report: (problem: Error) => void };
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasCommitted = false;
  #isClosed = false;

  constructor(path: string, options: { readonly release: () => void; readonly report: (problem: Error) => void }) {
    this.#path = path;
    this.#options = options;
  }

  committed(): void {
    this.#hasCommitted = true;
    this.#timer ??= setTimeout(() => { this.#tick(); }, INTERVAL_MS).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === undefined) return;
    const exit = once(worker, 'exit');
    worker.postMessage('CLOSE');
    await exit;
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#isClosed) return;
    const isPause = !this.#hasCommitted;
    this.#hasCommitted = false;
    this.#options.release();
    this.#worker ??= this.#start();
    this.#worker.postMessage(isPause ? 'TRUNCATE' : 'PASSIVE');
    if (!isPause) this.#timer = setTimeout(() => { this.#tick(); }, INTERVAL_MS).unref();
  }

  #start(): Worker {
    const driver = createRequire(import.meta.url).resolve('better-sqlite3');
    const worker = new Worker(PROGRAM, {
      eval: true,
      workerData: { driver, path: this.#path },
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    const failed = (cause: unknown) => { this.#options.report(new Error('A checkpoint failed', { cause })); };
    worker.on('message', failed);
    worker.on('error', (cause) => {
      failed(cause);
      this.#worker = undefined;
    });
    worker.unref();
    return worker;
  }
}
