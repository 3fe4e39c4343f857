import pg from 'pg';
import type { Announcement, Database } from './database.js';

type Listener = Parameters<Database['listen']>[0];

/** What a NOTIFY carries; no topics: too many to name, so everything may have moved. */
interface Payload {
  /** The process id of the sender's listening connection, and which of its announcements this is. */
  readonly from: number;
  readonly count: number;
  readonly position: number;
  readonly topics?: readonly string[];
}

// PostgreSQL refuses a payload of 8000 bytes or more.
const MOST_BYTES = 7900;
/** How long a transaction waits to hear itself, so that its client's next request finds what it wrote; without a connection nobody is heard. */
const HEARING_MS = 1000;
const RECONNECT_MS = 250;

/**
 * A connection of its own that hears the announcements of every process, this one included, in the order of their commits. When it was
 * lost, whatever was missed counts as moved.
 */
export class PostgresListener {
  readonly #config: pg.ClientConfig;
  readonly #report: (problem: Error) => void;
  readonly #listeners: Listener[] = [];
  readonly #awaited = new Map<string, () => void>();
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #heardUpTo: number | undefined;
  #pid = 0;
  #count = 0;
  #isClosed = false;

  constructor(config: pg.ClientConfig, report: (problem: Error) => void) {
    this.#config = config;
    this.#report = report;
  }

  async start(): Promise<void> {
    const client = new pg.Client(this.#config);
    client.on('notification', (message) => { this.#hear(message); });
    client.on('error', (cause) => {
      if (!this.#isClosed) this.#report(new Error('The connection that hears announcements failed', { cause }));
    });
    client.on('end', () => { this.#reconnectLater(client); });
    this.#client = client;
    await client.connect();
    await client.query('LISTEN cloison');
    const result = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    this.#pid = result.rows[0]?.pid ?? 0;
  }

  add(listener: Listener): void {
    this.#listeners.push(listener);
    // What came between its owner's reading of the position and this moment was said to nobody.
    if (this.#heardUpTo !== undefined) listener.lost(this.#heardUpTo);
  }

  /** Announces within the transaction of `client`; `heard` is asked after its commit. */
  notify(client: pg.PoolClient, { position, topics }: Announcement): { readonly sent: Promise<unknown>; heard(): Promise<void> } {
    this.#count += 1;
    const count = this.#count;
    const from = this.#pid;
    const full = JSON.stringify({ from, count, position, topics } satisfies Payload);
    const payload = Buffer.byteLength(full) <= MOST_BYTES ? full : JSON.stringify({ from, count, position } satisfies Payload);
    const key = `${String(from)}:${String(count)}`;
    let hasHeard = false;
    let whenHeard = () => { hasHeard = true; };
    this.#awaited.set(key, () => { whenHeard(); });
    const sent = client.query({ name: 'announce', text: `SELECT pg_notify('cloison', $1)`, values: [payload] });
    sent.catch(() => { this.#awaited.delete(key); });
    return {
      sent,
      heard: async () => {
        if (hasHeard) return;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => { whenHeard(); }, HEARING_MS);
          whenHeard = () => {
            clearTimeout(timer);
            this.#awaited.delete(key);
            resolve();
          };
        });
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
    this.#wakeAwaited();
  }

  #hear({ channel, payload }: pg.Notification): void {
    if (channel !== 'cloison' || payload === undefined) return;
    const { from, count, position, topics } = JSON.parse(payload) as Payload;
    this.#heardUpTo = Math.max(this.#heardUpTo ?? 0, position);
    for (const listener of this.#listeners) {
      if (topics === undefined) listener.lost(position);
      else listener.heard({ position, topics });
    }
    const key = `${String(from)}:${String(count)}`;
    this.#awaited.get(key)?.();
    this.#awaited.delete(key);
  }

  #reconnectLater(client: pg.Client): void {
    if (this.#isClosed || this.#client !== client) return;
    this.#timer = setTimeout(() => { void this.#reconnect(); }, RECONNECT_MS);
  }

  async #reconnect(): Promise<void> {
    try {
      await this.start();
      // Read after LISTEN took effect: what commits later is heard.
      const result = await this.#client?.query<{ position: number }>('SELECT position FROM stream');
      const position = result?.rows[0]?.position ?? 0;
      this.#heardUpTo = position;
      for (const listener of this.#listeners) listener.lost(position);
      this.#wakeAwaited();
    } catch (cause) {
      this.#report(new Error('PostgreSQL cannot be heard; trying again', { cause }));
      if (this.#client !== undefined) this.#reconnectLater(this.#client);
    }
  }

  #wakeAwaited(): void {
    for (const wake of this.#awaited.values()) wake();
    this.#awaited.clear();
  }
}
