import type { EventRow } from './events-store.js';

interface Kept<Value> {
  readonly seq: number;
  readonly value: Value;
  readonly size: number;
}

/**
 * What was read of the rooms last asked for, each kept under the seq for which it can never be anything else, on whichever process it
 * was read. Texts of events make up its size: an event may be small, or of 64 KiB.
 */
export class RoomMemory<Value> {
  readonly #rooms = new Map<number, Kept<Value>>();
  #size = 0;

  /** `most`: characters, of all rooms together. */
  constructor(private readonly most: number) {}

  at(roomNid: number, seq: number): Value | undefined {
    const kept = this.#rooms.get(roomNid);
    if (kept?.seq !== seq) return undefined;
    // Putting it behind the others makes it the youngest.
    this.#rooms.delete(roomNid);
    this.#rooms.set(roomNid, kept);
    return kept.value;
  }

  /** `seq` comes from a snapshot that holds no less than what was read: never from a transaction that may yet fail. */
  keep(roomNid: number, seq: number, value: Value, size: number): void {
    const kept = this.#rooms.get(roomNid);
    // A reader that stood in an older snapshot came late.
    if (kept !== undefined && kept.seq > seq) return;
    this.#forget(roomNid);
    if (size > this.most) return;
    this.#rooms.set(roomNid, { seq, value, size });
    this.#size += size;
    for (const oldest of this.#rooms.keys()) {
      if (this.#size <= this.most) break;
      this.#forget(oldest);
    }
  }

  #forget(roomNid: number): void {
    this.#size -= this.#rooms.get(roomNid)?.size ?? 0;
    this.#rooms.delete(roomNid);
  }
}

/** In characters, with what each row takes besides its texts. */
export function sizeOf(rows: Iterable<EventRow>): number {
  let size = 0;
  for (const { json, asides } of rows) size += ROW_SIZE + json.length + (asides?.length ?? 0);
  return size;
}

const ROW_SIZE = 200;
