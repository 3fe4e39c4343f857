import type { EventRow } from './events-store.js';

interface Kept {
  readonly stateSeq: number;
  readonly rows: readonly EventRow[];
}

/** Of all rooms together: the states of a hundred rooms of a hundred people. */
const MOST_ROWS = 10_000;

/**
 * The whole states of the rooms last asked for, each kept under the seq of its last change, redactions included: for that seq it can
 * never be anything else, on whichever process it was made.
 */
export class CurrentStates {
  readonly #rooms = new Map<number, Kept>();
  #size = 0;

  /** In order of the timeline. `stateSeq` comes from the very snapshot that `read` reads: never a transaction that may yet fail. */
  async of(roomNid: number, stateSeq: number, read: () => Promise<readonly EventRow[]>): Promise<readonly EventRow[]> {
    const kept = this.#rooms.get(roomNid);
    if (kept?.stateSeq === stateSeq) return kept.rows;
    const rows = [...(await read())].sort((a, b) => a.seq - b.seq);
    this.#keep(roomNid, { stateSeq, rows });
    return rows;
  }

  #keep(roomNid: number, state: Kept): void {
    const kept = this.#rooms.get(roomNid);
    // A reader that stood in an older snapshot came late.
    if (kept !== undefined && kept.stateSeq > state.stateSeq) return;
    this.#forget(roomNid);
    if (state.rows.length > MOST_ROWS) return;
    for (const oldest of this.#rooms.keys()) {
      if (this.#size + state.rows.length <= MOST_ROWS) break;
      this.#forget(oldest);
    }
    this.#rooms.set(roomNid, state);
    this.#size += state.rows.length;
  }

  #forget(roomNid: number): void {
    this.#size -= this.#rooms.get(roomNid)?.rows.length ?? 0;
    this.#rooms.delete(roomNid);
  }
}
