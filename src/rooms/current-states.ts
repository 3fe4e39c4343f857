import type { EventRow } from './events-store.js';
import { ReadMemory } from '../storage/read-memory.js';
import { sizeOf } from './size-of.js';

/** The states of a hundred rooms of a hundred people. */
const MOST = 16_000_000;

/** The whole states of the rooms last asked for, each kept under the seq of its last change, redactions included. */
export class CurrentStates {
  readonly #kept = new ReadMemory<readonly EventRow[]>(MOST);

  /** In order of the timeline. `stateSeq` comes from the very snapshot that `read` reads. */
  async of(roomNid: number, stateSeq: number, read: () => Promise<readonly EventRow[]>): Promise<readonly EventRow[]> {
    const kept = this.#kept.at(roomNid, stateSeq);
    if (kept !== undefined) return kept;
    const rows = [...(await read())].sort((a, b) => a.seq - b.seq);
    this.#kept.keep(roomNid, stateSeq, rows, sizeOf(rows));
    return rows;
  }
}
