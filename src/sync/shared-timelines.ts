import type { EventRow } from '../rooms/events-store.js';

/**
 * What many pollers of one room are told alike: rows, and their texts. It belongs to one position of the stream and goes with it, so
 * it never outlives a redaction.
 */
export class SharedTimelines {
  #position = -1;
  readonly #rows = new Map<string, readonly EventRow[]>();
  readonly #texts = new Map<string, string>();

  /** Makes this the memory of a position; of an older one it forgets everything. */
  at(position: number): this {
    if (position !== this.#position) {
      this.#position = position;
      this.#rows.clear();
      this.#texts.clear();
    }
    return this;
  }

  rows(range: string): readonly EventRow[] | undefined {
    return this.#rows.get(range);
  }

  keepRows(range: string, rows: readonly EventRow[]): void {
    this.#rows.set(range, rows);
  }

  text(rows: readonly EventRow[], make: () => string): string {
    const key = rows.map(({ room_nid, seq }) => `${room_nid}/${seq}`).join();
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    const text = make();
    this.#texts.set(key, text);
    return text;
  }
}
