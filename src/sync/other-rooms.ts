import { sightOf, type Sight } from '../rooms/erased.js';
import { wantsRoom } from '../rooms/filter.js';
import { erasedMembers } from '../rooms/memberships-store.js';
import { jsonArray, renderEvent } from '../rooms/render.js';
import { visibilityStretches } from '../rooms/state-store.js';
import { timelineToken } from '../rooms/tokens.js';
import type { ReadTransaction } from '../storage/database.js';
import { groupBy, roomNidOf } from '../storage/group-by.js';
import type { MyRoom } from './my-rooms.js';
import type { Making, SyncRequest } from './request.js';
import { readStates } from './states.js';
import { knockState, seqsAt, strippedState } from './store.js';
import { readTimelines, visibleStretch, type Wanted } from './timelines.js';

/** The members of `rooms` but for `join`, when there is nothing to tell of. */
export const NO_OTHER_ROOMS = '"invite":{},"knock":{},"leave":{}';

/** Of the rooms the person is not in, those of which there is something to tell. */
export function otherRoomsMoved({ request, range }: Making, rooms: readonly MyRoom[]): readonly MyRoom[] {
  return rooms.filter(
    ({ membership, changedPosition, id, isForgotten }) =>
      membership !== 'join' && changedPosition > range.after && changedPosition <= range.upTo && wantsRoom(request.filter.room, id) && !(isForgotten && request.isInitial),
  );
}

/** Invitations, knocks, and what was left, of rooms that moved. Left rooms are told of when it happens, or to who asks for them. */
export async function otherRooms(making: Making, moved: readonly MyRoom[]): Promise<string> {
  const { tx, request, unwanted } = making;
  const of = (...memberships: readonly string[]): readonly MyRoom[] => moved.filter(({ membership }) => memberships.includes(membership));
  const invite = await strippedRooms(tx, request, unwanted.blocksInvites ? [] : of('invite'), { member: 'invite_state', ignored: unwanted.ignored });
  const knock = await strippedRooms(tx, request, of('knock'), { member: 'knock_state', ignored: NOBODY });
  const tellsLeft = !request.isInitial || request.filter.room?.include_leave === true;
  const leave = tellsLeft ? await leftRooms(making, of('leave', 'ban')) : [];
  return `"invite":{${invite.join(',')}},"knock":{${knock.join(',')}},"leave":{${leave.join(',')}}`;
}

const NOBODY: ReadonlySet<string> = new Set();

/** Rooms the person is invited to, but by whom they ignore: their stripped state; and those they have knocked at. https://spec.matrix.org/v1.19/client-server-api/#stripped-state */
async function strippedRooms(
  tx: ReadTransaction,
  { session }: SyncRequest,
  rooms: readonly MyRoom[],
  { member, ignored }: { readonly member: 'invite_state' | 'knock_state'; readonly ignored: ReadonlySet<string> },
): Promise<readonly string[]> {
  const read = member === 'invite_state' ? strippedState : knockState;
  const states = groupBy(await read(tx, rooms.map(({ nid }) => nid), session.userId), roomNidOf);
  return rooms.flatMap(({ nid, id }) => {
    const isUnwanted = ignored.size > 0 && (states.get(nid) ?? []).some(({ json }) => isMemberEventOf(json, ignored));
    if (isUnwanted) return [];
    const events = (states.get(nid) ?? []).map(({ json }) => {
      const { type, state_key, content, sender, origin_server_ts } = JSON.parse(json) as Record<string, unknown>;
      // The newest thing an invited person is told is the invitation itself; of the rest the time is nobody's business.
      return JSON.stringify(type === 'm.room.member' ? { type, state_key, content, sender, origin_server_ts } : { type, state_key, content, sender });
    });
    return [`${JSON.stringify(id)}:{"${member}":{"events":${jsonArray(events)}}}`];
  });
}

/** Of member events the stripped state holds the person's own only, sent by whoever invited them. */
function isMemberEventOf(json: string, senders: ReadonlySet<string>): boolean {
  const { type, sender } = JSON.parse(json) as { type: string; sender: string };
  return type === 'm.room.member' && senders.has(sender);
}

/** Rooms the person left or was put out of: the timeline up to that, for those who had been in. */
async function leftRooms({ deps, tx, request, range, newest, unwanted }: Making, rooms: readonly MyRoom[]): Promise<readonly string[]> {
  if (rooms.length === 0) return [];
  const { session, filter, stateMember } = request;
  const nids = rooms.map(({ nid }) => nid);
  const stretches = groupBy(await visibilityStretches(tx, nids, session.userId), roomNidOf);
  const erased = groupBy(await erasedMembers(tx, nids), roomNidOf);
  const known = request.isInitial ? new Map<number, number>() : await seqsAt(tx, nids, range.after);
  const left = rooms.map((room) => leaving(room, sightOf(stretches.get(room.nid) ?? [], erased.get(room.nid) ?? []), known.get(room.nid) ?? 0));
  const timelines = await readTimelines(tx, left.map(({ wanted }) => wanted), {
    filter: filter.room?.timeline,
    ignored: unwanted.ignored,
    shared: deps.sharedTimelines.at(newest),
    roomRows: deps.roomRows,
  });
  const isAfter = stateMember !== 'state';
  const states = await readStates(
    tx,
    left
      .filter(({ wasIn }) => wasIn)
      .flatMap(({ wanted: { nid, upToSeq }, sinceSeq }) => {
        const timeline = timelines.get(nid);
        return timeline === undefined ? [] : [{ nid, sinceSeq, atSeq: isAfter ? upToSeq : timeline.start, timeline, heroes: [], standing: undefined }];
      }),
    { ...session, filter: filter.room?.state, lazyMembers: deps.lazyMembers, roomRows: deps.roomRows, ...range, isAfter },
  );
  const now = deps.clock();
  return left.map(({ wanted: { nid }, visibility, sinceSeq, wasIn }, i) => {
    const timeline = timelines.get(nid) ?? { rows: [], limited: false, start: 0 };
    const viewer = { deviceNid: session.deviceNid, now, ...visibility };
    const render = (row: Parameters<typeof renderEvent>[0]): string => renderEvent(row, viewer);
    const limited = timeline.limited || (wasIn && sinceSeq === 0 && !request.isInitial);
    return (
      `${JSON.stringify(rooms[i]?.id)}:{"timeline":{"events":${jsonArray(timeline.rows.map(render))},"limited":${limited},` +
      `"prev_batch":"${timelineToken(timeline.start)}"},"${stateMember}":{"events":${jsonArray((states.get(nid) ?? []).map(render))}},` +
      `"account_data":{"events":[]}}`
    );
  });
}

interface Leaving {
  readonly wanted: Wanted;
  readonly visibility: Sight;
  /** The client knows the state up to this seq; 0 when it knows none. */
  readonly sinceSeq: number;
  readonly wasIn: boolean;
}

/** Who was only invited, or banned without having been in, or has forgotten the room, sees nothing but the event that ended it. */
function leaving({ nid, changedSeq, isForgotten }: MyRoom, visibility: Sight, knownSeq: number): Leaving {
  const last = visibility.ranges.at(-1)?.to;
  const wasIn = !isForgotten && last !== undefined && last >= changedSeq;
  // Who came and went since the last answer knows nothing of the room.
  const sinceSeq = knownSeq > 0 && visibility.membershipAt(knownSeq) === 'join' ? knownSeq : 0;
  const wanted = wasIn
    ? visibleStretch(visibility, { nid, afterSeq: sinceSeq, upToSeq: changedSeq, standing: undefined })
    : { nid, afterSeq: changedSeq - 1, upToSeq: changedSeq, hasEarlier: false, standing: undefined };
  return { wanted, visibility, sinceSeq, wasIn };
}
