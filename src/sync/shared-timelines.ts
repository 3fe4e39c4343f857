import type { EventRow } from '../rooms/events-store.js';
import type { RoomTip } from './store.js';

/** What many pollers of one room are told alike: rows, and their texts. Who began at one position never puts anything into the memory of another. */
export class SharedTimelines {
  #newest = new TimelinesAt(-1);

  /** The memory of a position. Only the newest is kept, so it never outlives a redaction. */
  at(position: number): TimelinesAt {
    if (position === this.#newest.position) return this.#newest;
    const at = new TimelinesAt(position);
    if (position > this.#newest.position) this.#newest = at;
    return at;
  }
}

export class TimelinesAt {
  readonly #rows = new Map<string, readonly EventRow[]>();
  readonly #texts = new Map<string, string>();
  readonly #tips = new Map<string, ReadonlyMap<number, RoomTip>>();

  constructor(readonly position: number) {}

  rows(range: string): readonly EventRow[] | undefined {
    return this.#rows.get(range);
  }

  keepRows(range: string, rows: readonly EventRow[]): void {
    this.#rows.set(range, rows);
  }

  tips(range: string): ReadonlyMap<number, RoomTip> | undefined {
    return this.#tips.get(range);
  }

  keepTips(range: string, tips: ReadonlyMap<number, RoomTip>): void {
    this.#tips.set(range, tips);
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
