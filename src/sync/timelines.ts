import { senderOf } from '../rooms/event-text.js';
import type { EventRow, SeqRange } from '../rooms/events-store.js';
import { letsAllPass, limitOf, type EventFilter } from '../rooms/filter.js';
import { rowPasses } from '../rooms/reading.js';
import { visibleWithin, type Visibility } from '../rooms/visibility.js';
import type { ReadTransaction } from '../storage/database.js';
import type { RoomRows, Standing } from './room-rows.js';
import type { TimelinesAt } from './shared-timelines.js';

/** The stretch of one room's timeline that an answer is about, all of it visible to the reader. */
export interface Wanted {
  readonly nid: number;
  /** Events up to this seq the client has, or may not see; 0 when there are none. */
  readonly afterSeq: number;
  /** The newest event of the stretch. */
  readonly upToSeq: number;
  /** Whether before what may not be seen there is more that may. */
  readonly hasEarlier: boolean;
  readonly standing: Standing | undefined;
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

/**
 * The last unbroken part of a stretch that may be seen. A timeline does not reach over what is hidden: the state that changed there
 * would be neither in it nor before it.
 */
export function visibleStretch(visibility: Visibility, { nid, afterSeq, upToSeq, standing }: Omit<Wanted, 'hasEarlier'>): Wanted {
  const ranges = visibleWithin(visibility, afterSeq + 1, upToSeq);
  return { nid, afterSeq: (ranges.at(-1)?.from ?? upToSeq + 1) - 1, upToSeq, hasEarlier: ranges.length > 1, standing };
}

/** What is shown of timelines: what passes the filter, and no messages of people who are ignored. State is shown whoever set it. */
export interface Shown {
  readonly filter: EventFilter | undefined;
  readonly ignored: ReadonlySet<string>;
  readonly shared: TimelinesAt;
  readonly roomRows: RoomRows;
}

/** The newest events of each stretch: one query for all rooms, and up to three more where a filter leaves pages empty. */
export function readTimelines(
  tx: ReadTransaction,
  wanted: readonly Wanted[],
  { filter, ignored, shared, roomRows }: Shown,
): Promise<ReadonlyMap<number, Timeline>> {
  // Who asks for no event at all wants the state alone.
  const limit = filter?.limit === 0 ? 0 : limitOf(filter, USUAL_LIMIT, MOST);
  const isShown = (row: EventRow): boolean => rowPasses(filter, row) && (ignored.size === 0 || row.state_key !== null || !ignored.has(senderOf(row.json)));
  const showsAll = letsAllPass(filter) && ignored.size === 0;
  const read = (): Promise<ReadonlyMap<number, Timeline>> => readRounds(tx, wanted, { limit, isShown, showsAll, roomRows });
  const [only] = wanted;
  if (only === undefined || wanted.length > 1 || !showsAll) return read();
  // Where one room moved, whoever waited for it is told of the very same stretch.
  return shared.timelines(`${only.nid}/${only.afterSeq}/${only.upToSeq}/${only.hasEarlier}/${limit}`, read);
}

interface Page {
  readonly limit: number;
  readonly isShown: (row: EventRow) => boolean;
  readonly showsAll: boolean;
  readonly roomRows: RoomRows;
}

async function readRounds(tx: ReadTransaction, wanted: readonly Wanted[], { limit, isShown, showsAll, roomRows }: Page): Promise<ReadonlyMap<number, Timeline>> {
  const done = new Map<number, Timeline>();
  let open = wanted.map((room) => ({ room, size: limit, kept: [] as EventRow[], from: room.upToSeq + 1 }));
  for (let round = 0; open.length > 0; round += 1) {
    const ranges = open.flatMap(({ room, from, size }) => windowOf(room, from, size));
    const found = await roomRows.inRanges(tx, ranges);
    const next: typeof open = [];
    for (const { room, size, kept, from } of open) {
      const lowest = Math.max(from - size, room.afterSeq + 1);
      const passing = (found.get(room.nid) ?? []).filter(isShown);
      const rows = [...passing, ...kept];
      const hasMore = lowest > room.afterSeq + 1;
      if (rows.length < limit && hasMore && !showsAll && round < ROUNDS) next.push({ room, size: size * 4, kept: rows, from: lowest });
      else done.set(room.nid, cut(room, rows, { limit, hasMore }));
    }
    open = next;
  }
  return done;
}

/** It begins right before the first event shown: what a filter left out before that is not in it, so the state there must hold it. */
function cut({ upToSeq, hasEarlier }: Wanted, rows: readonly EventRow[], { limit, hasMore }: { limit: number; hasMore: boolean }): Timeline {
  const kept = limit === 0 ? [] : rows.slice(-limit);
  const first = kept[0];
  return { rows: kept, limited: hasMore || hasEarlier || rows.length > kept.length, start: first === undefined ? upToSeq : first.seq - 1 };
}

function windowOf(room: Wanted, from: number, size: number): (SeqRange & Pick<Wanted, 'standing'>)[] {
  const [lowest, highest] = [Math.max(from - size, room.afterSeq + 1), from - 1];
  return lowest > highest ? [] : [{ room_nid: room.nid, from: lowest, to: highest, standing: room.standing }];
}
