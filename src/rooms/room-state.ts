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

const MAX_ROOMS = 4096;

/**
 * Entries of rooms' states, kept under the seq of the last state change: for that seq they can never be anything else. Only what was
 * read by a transaction that then committed is kept, for an uncommitted seq may be given out again.
 */
export class StateCache {
  readonly #rooms = new Map<number, { stateSeq: number; entries: Entries }>();

  entriesAt(roomNid: number, stateSeq: number): ReadonlyMap<string, StateEvent | undefined> | undefined {
    const kept = this.#rooms.get(roomNid);
    return kept?.stateSeq === stateSeq ? kept.entries : undefined;
  }

  keep(roomNid: number, stateSeq: number, entries: ReadonlyMap<string, StateEvent | undefined>): void {
    const kept = this.#rooms.get(roomNid);
    if (kept?.stateSeq === stateSeq) {
      for (const [key, event] of entries) kept.entries.set(key, event);
      return;
    }
    if (kept !== undefined && kept.stateSeq > stateSeq) return;
    this.#rooms.delete(roomNid);
    this.#rooms.set(roomNid, { stateSeq, entries: new Map(entries) });
    const oldest = this.#rooms.keys().next();
    if (this.#rooms.size > MAX_ROOMS && oldest.done !== true) this.#rooms.delete(oldest.value);
  }
}

/** The current state of one locked room, read as far as it is asked for; appended events are seen at once. */
export class RoomState {
  readonly #appended: Entries = new Map();
  readonly #read: Entries = new Map();

  constructor(
    private readonly cache: StateCache,
    private readonly roomNid: number,
    /** The last state change when the room was locked. */
    private readonly stateSeq: number,
  ) {}

  /** Reads the named entries, so that `get` can answer for them. */
  async load(tx: Transaction, keys: readonly StateKey[]): Promise<void> {
    const kept = this.cache.entriesAt(this.roomNid, this.stateSeq);
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

  append(type: string, stateKey: string, event: StateEvent): void {
    this.#appended.set(entryKey(type, stateKey), event);
  }

  async #readEntries(tx: Transaction, keys: readonly StateKey[]): Promise<void> {
    const fresh: Entries = new Map(keys.map(([type, stateKey]) => [entryKey(type, stateKey), undefined]));
    for (const row of await stateEntries(tx, this.roomNid, keys)) fresh.set(entryKey(row.type, row.state_key), toStateEvent(row));
    for (const [key, event] of fresh) this.#read.set(key, event);
    // Entries this very transaction changed are in #appended and never asked of the database, so what was read is as of stateSeq.
    tx.afterCommit(() => { this.cache.keep(this.roomNid, this.stateSeq, fresh); });
  }
}

function toStateEvent(row: StateRow): StateEvent {
  return { eventId: row.event_id, sender: row.sender, content: JSON.parse(row.content) as JsonObject, seq: row.seq };
}

function entryKey(type: string, stateKey: string): string {
  return `${type}\0${stateKey}`;
}
