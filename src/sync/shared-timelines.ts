import type { EventRow } from '../rooms/events-store.js';
import type { RoomTip } from './store.js';
import type { Timeline } from './timelines.js';

const MOST_PRESENCES = 50;

/** What many pollers are told alike: events of a room with their texts, and who is there. Who began at one position never puts anything into the memory of another. */
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
  readonly #timelines = new Map<string, Promise<ReadonlyMap<number, Timeline>>>();
  readonly #texts = new Map<string, string>();
  readonly #presence = new Map<string, Promise<string>>();
  readonly #tips = new Map<string, Promise<ReadonlyMap<number, RoomTip>>>();

  constructor(readonly position: number) {}

  timelines(stretch: string, read: () => Promise<ReadonlyMap<number, Timeline>>): Promise<ReadonlyMap<number, Timeline>> {
    return once(this.#timelines, stretch, read);
  }

  tips(range: string, read: () => Promise<ReadonlyMap<number, RoomTip>>): Promise<ReadonlyMap<number, RoomTip>> {
    return once(this.#tips, range, read);
  }

  /** A text has a line for each of hundreds of people, so only few are kept. */
  presence(key: string, read: () => Promise<string>): Promise<string> {
    if (this.#presence.size >= MOST_PRESENCES) this.#presence.clear();
    return once(this.#presence, key, read);
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

/** Who wake together ask together, before the first of them has its answer: so what is kept is the asking. A failure is not kept. */
function once<Value>(kept: Map<string, Promise<Value>>, key: string, read: () => Promise<Value>): Promise<Value> {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const asked = read();
  kept.set(key, asked);
  asked.catch(() => kept.delete(key));
  return asked;
}
