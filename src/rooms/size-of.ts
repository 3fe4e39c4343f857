import type { EventRow } from './events-store.js';

/** In characters, with what each row takes besides its texts. */
export function sizeOf(rows: Iterable<EventRow>): number {
  let size = 0;
  for (const { json, asides } of rows) size += ROW_SIZE + json.length + (asides?.length ?? 0);
  return size;
}

const ROW_SIZE = 200;
