import type { Clock } from '../matrix/clock.js';
import { sql, type Database, type Transaction } from './database.js';
import { newNid } from './stream.js';

export interface Task {
  readonly taskNid: number;
  readonly payload: unknown;
  /** How often it was begun, this time included. */
  readonly attempts: number;
}

const CLAIMED_AT_ONCE = 20;
const LEASE_MS = 60_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 3_600_000;
/** How soon a worker looks again by itself, should a wake-up have been missed. */
const LOOK_AGAIN_MS = 30_000;

/** Writes background work in the transaction of its cause; a worker of any process takes it up after the commit. */
export async function enqueue(tx: Transaction, kind: string, payload: object, dueTs: number): Promise<number> {
  const taskNid = await newNid(tx);
  await tx.run(sql`INSERT INTO outbox (task_nid, kind, payload, due_ts) VALUES (${taskNid}, ${kind}, ${JSON.stringify(payload)}, ${dueTs})`);
  tx.announce(taskNid, [topicOf(kind)]);
  return taskNid;
}

/** Takes what is due, oldest first. Whoever dies with a task loses it to another after the lease, so consumers are idempotent. */
export async function claimDue(tx: Transaction, kind: string, { now, limit, leaseMs }: { now: number; limit: number; leaseMs: number }): Promise<readonly Task[]> {
  // due_ts is asked twice: PostgreSQL repeats only the outer condition on a row that another process has just claimed.
  const rows = await tx.all<{ task_nid: number; payload: string; attempts: number }>(sql`
    UPDATE outbox
    SET due_ts = ${now + leaseMs}, attempts = attempts + 1
    WHERE due_ts <= ${now}
      AND task_nid IN (
        SELECT task_nid FROM outbox
        WHERE kind = ${kind} AND due_ts <= ${now}
        ORDER BY due_ts, task_nid
        LIMIT ${limit})
    RETURNING task_nid, payload, attempts`);
  return rows
    .map(({ task_nid, payload, attempts }) => ({ taskNid: task_nid, payload: JSON.parse(payload) as unknown, attempts }))
    .sort((a, b) => a.taskNid - b.taskNid);
}

export async function done(tx: Transaction, taskNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM outbox WHERE task_nid = ${taskNid}`);
}

export async function retryLater(tx: Transaction, taskNid: number, dueTs: number): Promise<void> {
  await tx.run(sql`UPDATE outbox SET due_ts = ${dueTs} WHERE task_nid = ${taskNid}`);
}

/** Forgets all work of a kind. */
export async function withdraw(tx: Transaction, kind: string): Promise<void> {
  await tx.run(sql`DELETE FROM outbox WHERE kind = ${kind}`);
}

/** Makes what has been put off due at once. What is due within a lease may be in somebody's hands, and is left there. */
export async function bringForward(tx: Transaction, kind: string, now: number): Promise<void> {
  const moved = await tx.run(sql`UPDATE outbox SET due_ts = ${now} WHERE kind = ${kind} AND due_ts > ${now + LEASE_MS}`);
  if (moved > 0) tx.announce(await newNid(tx), [topicOf(kind)]);
}

export interface WorkerOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly kind: string;
  /** Resolves when the task needs no more; a throw puts it off, longer each time. */
  readonly handle: (task: Task) => Promise<void>;
  readonly report: (problem: Error) => void;
}

/** Works off one kind of task. `stop` waits for the tasks in hand. */
export function startWorker(options: WorkerOptions): { stop(): Promise<void> } {
  const bell = new Bell();
  options.db.listen({
    heard: ({ topics }) => { if (topics.includes(topicOf(options.kind))) bell.ring(); },
    lost: () => { bell.ring(); },
  });
  const ended = work(options, bell);
  return {
    stop: async () => {
      bell.silence();
      await ended;
    },
  };
}

async function work(options: WorkerOptions, bell: Bell): Promise<void> {
  while (!bell.isSilent) {
    try {
      const tasks = await options.db.transaction((tx) => claimDue(tx, options.kind, { now: options.clock(), limit: CLAIMED_AT_ONCE, leaseMs: LEASE_MS }));
      await Promise.all(tasks.map((task) => workOff(options, task)));
      if (tasks.length === 0) await bell.wait(await untilDue(options));
    } catch (cause) {
      options.report(new Error(`The outbox cannot be worked off: ${options.kind}`, { cause }));
      await bell.wait(FIRST_WAIT_MS);
    }
  }
}

async function workOff({ db, clock, kind, handle, report }: WorkerOptions, task: Task): Promise<void> {
  try {
    await handle(task);
  } catch (cause) {
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (task.attempts - 1), LONGEST_WAIT_MS);
    await db.transaction((tx) => retryLater(tx, task.taskNid, clock() + wait));
    report(new Error(`A task failed and will be tried again: ${kind}`, { cause }));
    return;
  }
  await db.transaction((tx) => done(tx, task.taskNid));
}

async function untilDue({ db, clock, kind }: WorkerOptions): Promise<number> {
  const next = await db.read((tx) => tx.one<{ due_ts: number }>(sql`SELECT due_ts FROM outbox WHERE kind = ${kind} ORDER BY due_ts LIMIT 1`));
  return Math.min(Math.max((next?.due_ts ?? Infinity) - clock(), 0), LOOK_AGAIN_MS);
}

function topicOf(kind: string): string {
  return `outbox/${kind}`;
}

/** A wake-up that is remembered when it comes while nobody waits. */
class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;
  isSilent = false;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  silence(): void {
    this.isSilent = true;
    this.ring();
  }

  async wait(ms: number): Promise<void> {
    if (!this.#hasRung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms).unref();
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#hasRung = false;
    this.#wake = undefined;
  }
}
