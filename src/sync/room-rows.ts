import { eventsInRanges, memberEventsAt, stateEventsAt, type EventRow, type MemberPoint, type SeqRange, type StatePoint } from '../rooms/events-store.js';
import { sizeOf } from '../rooms/size-of.js';
import { ReadMemory } from '../storage/read-memory.js';
import type { ReadTransaction } from '../storage/database.js';
import { groupBy, roomNidOf } from '../storage/group-by.js';

/** Characters, of the ends of timelines and of states each: what some hundreds of rooms show first. */
const MOST = 8_000_000;

/** How far a room has come, as the snapshot holds it for certain; undefined where it may hold more. */
export interface Standing {
  readonly newestSeq: number;
  /** Of the last change of state, redactions included. */
  readonly stateSeq: number;
}

/** A stretch, or a point, of a room that stands somewhere. */
type In<Place> = Place & { readonly standing: Standing | undefined };

interface StateRows {
  others: readonly EventRow[] | undefined;
  readonly members: Map<string, EventRow>;
}

/**
 * What whoever comes to a room, or back to it after a gap, is told of it first: the end of its timeline, its state and the members seen
 * there. All who come before the next event read the same rows, so they are read once.
 */
export class RoomRows {
  readonly #ends = new ReadMemory<readonly EventRow[]>(MOST);
  readonly #states = new ReadMemory<StateRows>(MOST);

  /** The events of one stretch of each room, in order. */
  async inRanges(tx: ReadTransaction, ranges: readonly In<SeqRange>[]): Promise<ReadonlyMap<number, readonly EventRow[]>> {
    const found = new Map<number, readonly EventRow[]>();
    const unread: In<SeqRange>[] = [];
    for (const range of ranges) {
      const { room_nid, from, to, standing } = range;
      const end = standing && this.#ends.at(room_nid, standing.newestSeq);
      const first = end?.[0];
      if (end === undefined || first === undefined || first.seq > from) unread.push(range);
      else found.set(room_nid, end.filter(({ seq }) => seq >= from && seq <= to));
    }
    const read = groupBy(await eventsInRanges(tx, unread), roomNidOf);
    for (const { room_nid, to, standing } of unread) {
      const rows = read.get(room_nid) ?? [];
      found.set(room_nid, rows);
      if (standing?.newestSeq === to) this.#ends.keep(room_nid, to, rows, sizeOf(rows));
    }
    return found;
  }

  /** The whole state of each room just after a point, but for its members. */
  async statesWithoutMembers(tx: ReadTransaction, points: readonly In<Omit<StatePoint, 'since'>>[]): Promise<readonly EventRow[]> {
    const known: (readonly EventRow[])[] = [];
    const unread: In<StatePoint>[] = [];
    for (const point of points) {
      const others = this.#stateAt(point)?.others;
      if (others === undefined) unread.push({ ...point, since: 0 });
      else known.push(others);
    }
    const rows = await stateEventsAt(tx, unread, 'without members');
    const read = groupBy(rows, roomNidOf);
    for (const point of unread) this.#keepState(point, (state) => { state.others = read.get(point.room_nid) ?? []; });
    return known.length === 0 ? rows : [...known.flat(), ...rows];
  }

  /** The member events of people just after points of their rooms. */
  async members(tx: ReadTransaction, points: readonly In<MemberPoint>[]): Promise<readonly EventRow[]> {
    const known: EventRow[] = [];
    const unread: In<MemberPoint>[] = [];
    for (const point of points) {
      const member = this.#stateAt(point)?.members.get(point.userId);
      if (member === undefined) unread.push(point);
      else known.push(member);
    }
    const rows = await memberEventsAt(tx, unread);
    const read = groupBy(rows, roomNidOf);
    for (const [nid, [point]] of groupBy(unread, roomNidOf)) {
      if (point !== undefined) this.#keepState(point, ({ members }) => { for (const row of read.get(nid) ?? []) members.set(row.state_key ?? '', row); });
    }
    return [...known, ...rows];
  }

  /** What is known of a state, where it is the one in force. */
  #stateAt({ room_nid, seq, standing }: In<{ room_nid: number; seq: number }>): StateRows | undefined {
    return standing !== undefined && standing.stateSeq <= seq ? this.#states.at(room_nid, standing.stateSeq) : undefined;
  }

  #keepState(point: In<{ room_nid: number; seq: number }>, add: (state: StateRows) => void): void {
    const { room_nid, seq, standing } = point;
    if (standing === undefined || standing.stateSeq > seq) return;
    const state = this.#stateAt(point) ?? { others: undefined, members: new Map<string, EventRow>() };
    add(state);
    this.#states.keep(room_nid, standing.stateSeq, state, sizeOf([...(state.others ?? []), ...state.members.values()]));
  }
}
