import { sql, type Database, type ReadTransaction, type Transaction } from './database.js';

/**
 * What can move, and whose it is. Of a room: its timeline, memberships, receipts, typing, and the device lists of its members.
 * Of a user: their own memberships, account data and push rules, own device list. Of a device: to-device messages, one-time keys.
 * Presence is of user 0, who is nobody: it wakes no poll.
 */
export type RoomTopic = 'timeline' | 'members' | 'receipts' | 'typing' | 'devices';
export type UserTopic = 'membership' | 'account' | 'ownDevices' | 'presence';
export type DeviceTopic = 'toDevice' | 'oneTimeKeys';
export type TopicKind = RoomTopic | UserTopic | DeviceTopic;
export type Topic = `${TopicKind}/${number}`;

/** The positions after `after`, up to and with `upTo`. */
export interface Range {
  readonly after: number;
  readonly upTo: number;
}

/** Draws `count` positions from the one stream and announces that `topics` moved to the last of them, which is returned. */
export async function advance(tx: Transaction, topics: readonly Topic[], count = 1): Promise<number> {
  const position = await tx.draw(count);
  tx.announce(position, topics);
  return position;
}

/**
 * Waits for whoever moves the stream, as `advance` does, before a body changes rows that they may refer to: else the one would hold the
 * rows and wait for the stream, the other hold the stream and wait for the rows. Every `lock` comes before it.
 */
export async function holdStream(tx: Transaction): Promise<void> {
  await tx.run(sql`UPDATE stream SET position = position`);
}

/** An integer key of its own for a new row of any table. */
export async function newNid(tx: Transaction): Promise<number> {
  return advance(tx, []);
}

export async function currentPosition(tx: ReadTransaction): Promise<number> {
  return positionIn(await tx.one(sql`SELECT position FROM stream`));
}

/** The position in the stream's one row. */
export function positionIn(row: { readonly position: number } | undefined): number {
  if (row === undefined) throw new Error('the stream row is missing');
  return row.position;
}

/** Whose moves somebody waits for. */
export interface Watched {
  readonly rooms: readonly number[];
  readonly userNid: number;
  readonly deviceNid: number;
}

interface Waiter {
  readonly wake: () => void;
}

type Owner = 'room' | 'user' | 'device';
const OWNERS: Readonly<Record<TopicKind, Owner>> = {
  timeline: 'room',
  members: 'room',
  receipts: 'room',
  typing: 'room',
  devices: 'room',
  membership: 'user',
  account: 'user',
  ownDevices: 'user',
  presence: 'user',
  toDevice: 'device',
  oneTimeKeys: 'device',
};

/** How many waiters wake in one turn of the event loop: a room of thousands must not hold up everybody else. */
const SLICE = 200;

/**
 * Knows how far every topic moved since this process began, and wakes those who wait. It carries positions only, never data;
 * whatever it does not know (before the process began, after a lost connection) counts as moved.
 */
export class Notifier {
  // By number under each kind: a poll asks of some twenty topics, and would make the text of each.
  readonly #tips = Object.fromEntries(Object.keys(OWNERS).map((kind) => [kind, new Map<number, number>()])) as Readonly<Record<TopicKind, Map<number, number>>>;
  readonly #waiters: Readonly<Record<Owner, Map<number, Set<Waiter>>>> = { room: new Map(), user: new Map(), device: new Map() };
  #floor: number;
  #newest: number;
  #due = new Set<Waiter>();

  constructor(db: Database, position: number) {
    this.#floor = position;
    this.#newest = position;
    db.listen({
      heard: ({ position: moved, topics }) => { this.#heard(moved, topics); },
      lost: (at) => { this.#lost(at); },
    });
  }

  /** The newest position whose announcements have all been heard: no answer may claim to hold more. */
  get newest(): number {
    return this.#newest;
  }

  movedSince(kind: TopicKind, nid: number, after: number): boolean {
    return after < this.#floor || (this.#tips[kind].get(nid) ?? 0) > after;
  }

  /** Calls `wake` after moves of anything watched, several at once counting as one, until the returned function is called. */
  subscribe(watched: Watched, wake: () => void): () => void {
    const waiter: Waiter = { wake };
    const { user, device, room } = this.#waiters;
    enter(user, watched.userNid, waiter);
    enter(device, watched.deviceNid, waiter);
    for (const nid of watched.rooms) enter(room, nid, waiter);
    return () => {
      this.#due.delete(waiter);
      leave(user, watched.userNid, waiter);
      leave(device, watched.deviceNid, waiter);
      for (const nid of watched.rooms) leave(room, nid, waiter);
    };
  }

  /** Wakes everybody who waits, as when the server is about to stop. */
  wakeEverybody(): void {
    for (const all of Object.values(this.#waiters)) for (const waiters of all.values()) this.#wakeAll(waiters);
  }

  #heard(position: number, topics: readonly string[]): void {
    this.#newest = Math.max(this.#newest, position);
    for (const topic of topics) {
      const moved = parseTopic(topic);
      // The outbox announces its tasks in the same way; its workers listen for themselves.
      if (moved === undefined) continue;
      this.#tips[moved.kind].set(moved.nid, position);
      this.#wakeAll(this.#waiters[OWNERS[moved.kind]].get(moved.nid));
    }
  }

  #lost(position: number): void {
    this.#newest = Math.max(this.#newest, position);
    this.#floor = this.#newest;
    for (const tips of Object.values(this.#tips)) tips.clear();
    this.wakeEverybody();
  }

  #wakeAll(waiters: ReadonlySet<Waiter> | undefined): void {
    if (waiters === undefined || waiters.size === 0) return;
    if (this.#due.size === 0) setImmediate(() => { this.#wakeSlice(); });
    for (const waiter of waiters) this.#due.add(waiter);
  }

  #wakeSlice(): void {
    let woken = 0;
    for (const waiter of this.#due) {
      this.#due.delete(waiter);
      waiter.wake();
      woken += 1;
      if (woken === SLICE) break;
    }
    if (this.#due.size > 0) setImmediate(() => { this.#wakeSlice(); });
  }
}

/** Undefined where it is not of the stream. */
function parseTopic(topic: string): { kind: TopicKind; nid: number } | undefined {
  const slash = topic.indexOf('/');
  const kind = topic.slice(0, slash);
  return isKind(kind) ? { kind, nid: Number(topic.slice(slash + 1)) } : undefined;
}

function isKind(kind: string): kind is TopicKind {
  return Object.hasOwn(OWNERS, kind);
}

function enter(all: Map<number, Set<Waiter>>, nid: number, waiter: Waiter): void {
  const waiters = all.get(nid);
  if (waiters === undefined) all.set(nid, new Set([waiter]));
  else waiters.add(waiter);
}

function leave(all: Map<number, Set<Waiter>>, nid: number, waiter: Waiter): void {
  const waiters = all.get(nid);
  waiters?.delete(waiter);
  if (waiters?.size === 0) all.delete(nid);
}
