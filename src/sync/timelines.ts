import type { Visibility } from '../rooms/visibility.js';
import { visibleWithin } from '../rooms/visibility.js';
import { eventsInRanges, type EventRow, type SeqRange } from '../rooms/events-store.js';
import { letsAllPass, limitOf, passes, type EventFilter } from '../rooms/filter.js';
import { senderOf } from '../rooms/reading.js';
import type { ReadTransaction } from '../storage/database.js';
import type { SharedTimelines } from './shared-timelines.js';

/** The stretch of one room's timeline that an answer is about. */
export interface Wanted {
  readonly nid: number;
  /** Events up to this seq the client has; 0 when it has none. */
  readonly afterSeq: number;
  /** The newest event of the stretch. */
  readonly upToSeq: number;
  /** Absent where all of the stretch is visible, as to who has been joined throughout. */
  readonly visibility?: Visibility;
}

export interface Timeline {
  readonly rows: readonly EventRow[];
  /** Whether events between what the client has and the first of these were left out. */
  readonly limited: boolean;
  /** The seq just before the timeline begins. */
  readonly start: number;
}

const USUAL_LIMIT = 20;
const MOST = 500;
/** How far back to look for events that pass a filter. */
const ROUNDS = 4;

/** The newest events of each stretch: one query for all rooms, and up to three more where a filter leaves pages empty. */
export async function readTimelines(
  tx: ReadTransaction,
  wanted: readonly Wanted[],
  filter: EventFilter | undefined,
  shared: SharedTimelines,
): Promise<ReadonlyMap<number, Timeline>> {
  const limit = limitOf(filter, USUAL_LIMIT, MOST);
  const done = new Map<number, Timeline>();
  let open = wanted.map((room) => ({ room, size: limit, kept: [] as EventRow[], from: room.upToSeq + 1 }));
  for (let round = 0; open.length > 0; round += 1) {
    const ranges = open.flatMap(({ room, from, size }) => windowOf(room, from, size));
    const found = groupByRoom(await readRanges(tx, ranges, shared));
    const next: typeof open = [];
    for (const { room, size, kept, from } of open) {
      const lowest = Math.max(from - size, room.afterSeq + 1);
      const passing = (found.get(room.nid) ?? []).filter((row) => letsAllPass(filter) || passes(filter, { type: row.type, sender: senderOf(row) }));
      const rows = [...passing, ...kept];
      const rest = lowest > firstVisible(room);
      if (rows.length < limit && rest && !letsAllPass(filter) && round < ROUNDS) next.push({ room, size: size * 4, kept: rows, from: lowest });
      else done.set(room.nid, cut(rows, { limit, rest, lowest }));
    }
    open = next;
  }
  return done;
}

/** Where one room moved, whoever waited for it asks for the very same stretch. */
async function readRanges(tx: ReadTransaction, ranges: readonly SeqRange[], shared: SharedTimelines): Promise<readonly EventRow[]> {
  const [only] = ranges;
  if (only === undefined || ranges.length > 1) return eventsInRanges(tx, ranges);
  const key = `${only.room_nid}/${only.from}/${only.to}`;
  const known = shared.rows(key);
  if (known !== undefined) return known;
  const rows = await eventsInRanges(tx, ranges);
  shared.keepRows(key, rows);
  return rows;
}

function cut(rows: readonly EventRow[], { limit, rest, lowest }: { limit: number; rest: boolean; lowest: number }): Timeline {
  const kept = rows.slice(-limit);
  const first = kept[0];
  const dropped = rows.length > kept.length;
  return { rows: kept, limited: rest || dropped, start: dropped && first !== undefined ? first.seq - 1 : lowest - 1 };
}

function windowOf(room: Wanted, from: number, size: number): SeqRange[] {
  const [lowest, highest] = [Math.max(from - size, room.afterSeq + 1), from - 1];
  if (room.visibility === undefined) return lowest > highest ? [] : [{ room_nid: room.nid, from: lowest, to: highest }];
  return visibleWithin(room.visibility, lowest, highest).map((range) => ({ room_nid: room.nid, ...range }));
}

/** The lowest seq after what the client has that it may see at all. */
function firstVisible(room: Wanted): number {
  const visible = room.visibility === undefined ? undefined : visibleWithin(room.visibility, room.afterSeq + 1, room.upToSeq)[0];
  return Math.max(visible?.from ?? room.afterSeq + 1, 1);
}

export function groupByRoom<Row extends { readonly room_nid: number }>(rows: readonly Row[]): ReadonlyMap<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.room_nid);
    if (group === undefined) groups.set(row.room_nid, [row]);
    else group.push(row);
  }
  return groups;
}
