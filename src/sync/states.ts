import { stateEventsAt, type EventRow, type MemberPoint } from '../rooms/events-store.js';
import { letsAllPass, type EventFilter } from '../rooms/filter.js';
import { rowPasses, sendersOf } from '../rooms/reading.js';
import type { ReadTransaction } from '../storage/database.js';
import { groupBy, roomNidOf } from '../storage/group-by.js';
import type { LazyMembers } from './lazy-members.js';
import type { RoomRows, Standing } from './room-rows.js';
import type { Timeline } from './timelines.js';

/** The state one room's part of an answer needs. */
export interface StateWanted {
  readonly nid: number;
  /** The whole state, or only what changed after this seq. */
  readonly sinceSeq: number;
  /** The point whose state it is: where the timeline begins or, for `state_after`, where it ends. */
  readonly atSeq: number;
  readonly timeline: Timeline;
  readonly heroes: readonly string[];
  readonly standing: Standing | undefined;
}

export interface StateContext {
  readonly userId: string;
  readonly deviceNid: number;
  readonly filter: EventFilter | undefined;
  readonly lazyMembers: LazyMembers;
  readonly roomRows: RoomRows;
  readonly after: number;
  readonly upTo: number;
  /** For `state_after` the timeline's own state counts too, so nothing is left out because the timeline holds it. */
  readonly isAfter: boolean;
}

/**
 * The state events of each room, in two queries for all rooms. With lazy-loaded members a whole state holds only the reader, those
 * who sent something shown, and those the room is named after. https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export async function readStates(tx: ReadTransaction, wanted: readonly StateWanted[], context: StateContext): Promise<ReadonlyMap<number, readonly EventRow[]>> {
  const lazily = context.filter?.lazy_load_members === true;
  const point = ({ nid, atSeq, sinceSeq, standing }: StateWanted) => ({ room_nid: nid, seq: atSeq, since: sinceSeq, standing });
  const changing = wanted.filter(({ sinceSeq, atSeq }) => sinceSeq < atSeq);
  const states = new Map<number, EventRow[]>();
  for (const { nid } of wanted) states.set(nid, []);
  if (changing.length > 0) {
    const whole = changing.filter(({ sinceSeq }) => lazily && sinceSeq <= 0);
    for (const row of await context.roomRows.statesWithoutMembers(tx, whole.map(point))) states.get(row.room_nid)?.push(row);
    const others = changing.filter(({ sinceSeq }) => !lazily || sinceSeq > 0);
    for (const row of await stateEventsAt(tx, others.map(point), 'with members')) states.get(row.room_nid)?.push(row);
  }
  if (lazily) {
    const due = membersDue(wanted, states, context);
    if (due.length > 0) await addMembers(tx, due, { wanted, states, context });
  }
  return letsAllPass(context.filter) ? states : filtered(states, context.filter);
}

type Due = MemberPoint & Pick<StateWanted, 'standing'>;
type States = ReadonlyMap<number, EventRow[]>;

/** The members to tell of beside the states read already; notes that the device is told of them. */
function membersDue(wanted: readonly StateWanted[], states: States, context: StateContext): readonly Due[] {
  const { deviceNid, lazyMembers, after, upTo } = context;
  const redundant = context.filter?.include_redundant_members === true;
  lazyMembers.received(deviceNid, after);
  const points: Due[] = [];
  const told: string[] = [];
  for (const { nid, atSeq, sinceSeq, timeline, heroes, standing } of wanted) {
    const isWhole = sinceSeq <= 0;
    if (isWhole) lazyMembers.forgetRoom(deviceNid, nid);
    const people = new Set(sendersOf(timeline.rows));
    for (const userId of heroes) people.add(userId);
    if (isWhole) people.add(context.userId);
    for (const userId of people) {
      const member = `${nid}/${userId}`;
      const isKnown = lazyMembers.has(deviceNid, member);
      if (isKnown && !redundant) continue;
      if (!isKnown) told.push(member);
      const isPresent = states.get(nid)?.some(({ state_type, state_key }) => state_type === 'm.room.member' && state_key === userId) === true;
      if (!isPresent) points.push({ room_nid: nid, seq: atSeq, userId, standing });
    }
  }
  lazyMembers.tell(deviceNid, told, upTo);
  return points;
}

async function addMembers(
  tx: ReadTransaction,
  due: readonly Due[],
  { wanted, states, context: { isAfter, roomRows } }: { readonly wanted: readonly StateWanted[]; readonly states: States; readonly context: StateContext },
): Promise<void> {
  const inTimeline = new Set(wanted.flatMap(({ timeline }) => timeline.rows.filter(({ state_type }) => state_type === 'm.room.member').map(({ room_nid, seq }) => `${room_nid}/${seq}`)));
  const members = (await roomRows.members(tx, due)).filter(({ room_nid, seq }) => isAfter || !inTimeline.has(`${room_nid}/${seq}`));
  for (const [nid, rows] of groupBy(members, roomNidOf)) states.get(nid)?.push(...rows);
}

function filtered(states: ReadonlyMap<number, readonly EventRow[]>, filter: EventFilter | undefined): ReadonlyMap<number, readonly EventRow[]> {
  return new Map([...states].map(([nid, rows]) => [nid, rows.filter((row) => rowPasses(filter, row))]));
}
