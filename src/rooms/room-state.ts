import type { EventId, UserId } from '../matrix/identifiers.js';
import type { JsonObject } from '../matrix/schema.js';
import type { Transaction } from '../storage/database.js';
import { stateEntries, type StateKey, type StateRow } from './state-store.js';

/** A state event as authorisation and policy see it. */
export interface StateEvent {
  readonly eventId: EventId;
  readonly sender: UserId;
  readonly content: JsonObject;
  readonly seq: number;
}

type Entries = Map<string, StateEvent | undefined>;

/** What made a room's state what it is: the event that changed it last. */
export interface LastChange {
  readonly seq: number;
  /** Where it is the room's newest event; else unknown. */
  readonly eventId: EventId | undefined;
}

interface Kept {
  readonly seq: number;
  readonly entries: Entries;
  /** Until the commit: a seq that is rolled back is given out again; an id, which stands for all that came before it, never is. */
  uncommitted: EventId | undefined;
}

const MAX_ROOMS = 4096;
const MAX_ENTRIES = 256;

/**
 * Entries of rooms' states, kept under the event that made the last change: for that one they can never be anything else. What an event
 * did not change is taken over into the state it makes.
 */
export class StateCache {
  readonly #rooms = new Map<number, Kept>();

  /** For who has locked the room, and therefore knows where its state stands. */
  entriesAt(roomNid: number, at: LastChange): ReadonlyMap<string, StateEvent | undefined> | undefined {
    return this.#keptAt(roomNid, at)?.entries;
  }

  /** What was read of a state that is committed. */
  keep(roomNid: number, seq: number, entries: ReadonlyMap<string, StateEvent | undefined>): void {
    const kept = this.#rooms.get(roomNid);
    if (kept?.seq === seq && kept.uncommitted === undefined) {
      for (const [key, event] of entries) kept.entries.set(key, event);
      return;
    }
    if (kept !== undefined && kept.seq > seq) return;
    this.#put(roomNid, { seq, entries: new Map(entries), uncommitted: undefined });
  }

  /** The state after an event: what was kept before it, and what its transaction knows. */
  follow(roomNid: number, before: LastChange, after: StateEvent, known: Iterable<readonly [string, StateEvent | undefined]>): void {
    const kept = this.#keptAt(roomNid, before);
    const entries: Entries = kept !== undefined && kept.entries.size < MAX_ENTRIES ? kept.entries : new Map();
    for (const [key, event] of known) entries.set(key, event);
    this.#put(roomNid, { seq: after.seq, entries, uncommitted: after.eventId });
  }

  committed(roomNid: number, eventId: EventId): void {
    const kept = this.#rooms.get(roomNid);
    if (kept?.uncommitted === eventId) kept.uncommitted = undefined;
  }

  #keptAt(roomNid: number, at: LastChange): Kept | undefined {
    const kept = this.#rooms.get(roomNid);
    if (kept === undefined || (kept.seq === at.seq && (kept.uncommitted === undefined || kept.uncommitted === at.eventId))) return kept;
    // A later one whose transaction came to nothing.
    if (kept.uncommitted !== undefined && kept.seq > at.seq) this.#rooms.delete(roomNid);
    return undefined;
  }

  #put(roomNid: number, kept: Kept): void {
    this.#rooms.delete(roomNid);
    this.#rooms.set(roomNid, kept);
    const oldest = this.#rooms.keys().next();
    if (this.#rooms.size > MAX_ROOMS && oldest.done !== true) this.#rooms.delete(oldest.value);
  }
}

/** The current state of one locked room, read as far as it is asked for; appended events are seen at once. */
export class RoomState {
  readonly #appended: Entries = new Map();
  readonly #read: Entries = new Map();
  /** The last change: when the room was locked, then those appended. */
  #at: LastChange;

  constructor(
    private readonly cache: StateCache,
    private readonly roomNid: number,
    lockedAt: LastChange,
  ) {
    this.#at = lockedAt;
  }

  /** Reads the named entries, so that `get` can answer for them. */
  async load(tx: Transaction, keys: readonly StateKey[]): Promise<void> {
    const kept = this.cache.entriesAt(this.roomNid, this.#at);
    const missing = keys.filter(([type, stateKey]) => {
      const key = entryKey(type, stateKey);
      return !this.#appended.has(key) && !this.#read.has(key) && kept?.has(key) !== true;
    });
    if (kept !== undefined) {
      for (const [type, stateKey] of keys) {
        const key = entryKey(type, stateKey);
        if (kept.has(key)) this.#read.set(key, kept.get(key));
      }
    }
    if (missing.length > 0) await this.#readEntries(tx, missing);
  }

  get(type: string, stateKey: string): StateEvent | undefined {
    const key = entryKey(type, stateKey);
    if (this.#appended.has(key)) return this.#appended.get(key);
    if (!this.#read.has(key)) throw new Error(`the state entry ${type} was not loaded`);
    return this.#read.get(key);
  }

  append(tx: Transaction, type: string, stateKey: string, event: StateEvent): void {
    this.#appended.set(entryKey(type, stateKey), event);
    this.cache.follow(this.roomNid, this.#at, event, [...this.#read, ...this.#appended]);
    this.#at = event;
    tx.afterCommit(() => { this.cache.committed(this.roomNid, event.eventId); });
  }

  async #readEntries(tx: Transaction, keys: readonly StateKey[]): Promise<void> {
    const fresh: Entries = new Map(keys.map(([type, stateKey]) => [entryKey(type, stateKey), undefined]));
    for (const row of await stateEntries(tx, this.roomNid, keys)) fresh.set(entryKey(row.type, row.state_key), toStateEvent(row));
    for (const [key, event] of fresh) this.#read.set(key, event);
    // Entries this very transaction changed are in #appended and never asked of the database, so what was read holds for all its states.
    const { seq } = this.#at;
    tx.afterCommit(() => { this.cache.keep(this.roomNid, seq, fresh); });
  }
}

function toStateEvent(row: StateRow): StateEvent {
  return { eventId: row.event_id, sender: row.sender, content: JSON.parse(row.content) as JsonObject, seq: row.seq };
}

function entryKey(type: string, stateKey: string): string {
  return `${type}\0${stateKey}`;
}
