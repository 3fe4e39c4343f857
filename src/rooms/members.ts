import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import type { Membership } from '../matrix/event-auth.js';
import { isMembership } from '../matrix/event-auth-reading.js';
import type { RoomId } from '../matrix/identifiers.js';
import { JsonText } from '../matrix/reply.js';
import { object, optional, string, type TypeOf } from '../matrix/schema.js';
import type { ReadTransaction } from '../storage/database.js';
import { roomsOf } from './contacts-store.js';
import type { CurrentStates } from './current-states.js';
import { currentStateEvents, eventsBySeq, type EventRow } from './events-store.js';
import { joinedMemberProfiles, memberSeqs, memberSeqsAt } from './members-store.js';
import { openJoinedRoom, openRoom, type OpenRoom, type RoomReading } from './reading.js';
import { renderEvents } from './render.js';
import { roomsByNid } from './rooms-store.js';
import { seqBefore } from './tokens.js';

export const MembersQuery = object({ at: optional(string), membership: optional(string), not_membership: optional(string) });

/** The second event of every room; where sync shows a timeline from its first, `prev_batch` is a point at which nobody was in the room. */
const FOUNDER_JOINED = 2;

const ALL: readonly Membership[] = ['invite', 'join', 'knock', 'leave', 'ban'];

/**
 * The member events of a room, now or at a point one could see. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers
 */
export async function listMembers(
  deps: RoomReading & { currentStates: CurrentStates },
  call: { session: Session; params: { roomId: RoomId }; query: TypeOf<typeof MembersQuery> },
): Promise<JsonText> {
  const { session, params, query } = call;
  const wanted = wantedMemberships(asked(query.membership), asked(query.not_membership));
  return deps.db.read(async (tx) => {
    const room = await openRoom(tx, params.roomId, session, deps.clock());
    const at = query.at === undefined ? undefined : visiblePoint(room, await seqBefore(tx, room.nid, query.at));
    const present = room.isJoined && (at === undefined || at >= room.upTo);
    const rows = present ? await presentMembers(deps, tx, room, wanted) : await membersAt(tx, room, at ?? room.upTo, wanted);
    return new JsonText(`{"chunk":${renderEvents(rows, room.viewer, room.id)}}`);
  });
}

async function presentMembers(
  deps: { currentStates: CurrentStates }, tx: ReadTransaction, room: OpenRoom, wanted: readonly Membership[],
): Promise<readonly EventRow[]> {
  const state = await deps.currentStates.of(room.nid, room.stateSeq, () => currentStateEvents(tx, room.nid));
  const members = state.filter(({ state_type }) => state_type === 'm.room.member');
  if (wanted.length === ALL.length) return members;
  const seqs = new Set(await memberSeqs(tx, room.nid, wanted));
  return members.filter(({ seq }) => seqs.has(seq));
}

async function membersAt(tx: ReadTransaction, room: OpenRoom, at: number, wanted: readonly Membership[]): Promise<readonly EventRow[]> {
  const rows = await eventsBySeq(tx, room.nid, await memberSeqsAt(tx, room.nid, at));
  return rows.filter(({ json }) => wanted.includes((JSON.parse(json) as { content: { membership: Membership } }).content.membership));
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidjoined_members */
export async function listJoinedMembers(deps: RoomReading, call: { session: Session; params: { roomId: RoomId } }): Promise<object> {
  return deps.db.read(async (tx) => {
    const room = await openJoinedRoom(tx, call.params.roomId, call.session);
    const members = await joinedMemberProfiles(tx, room.room_nid);
    const joined = members.map(({ user_id, display_name, avatar_url }) => [
      user_id,
      { ...(display_name === null ? {} : { display_name }), ...(avatar_url === null ? {} : { avatar_url }) },
    ]);
    return { joined: Object.fromEntries(joined) as object };
  });
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3joined_rooms */
export async function listJoinedRooms(deps: RoomReading, call: { session: Session }): Promise<object> {
  return deps.db.read(async (tx) => {
    const rooms = await roomsByNid(tx, await roomsOf(tx, call.session.userNid, ['join']));
    return { joined_rooms: rooms.map((room) => room.room_id) };
  });
}

/** "Either the membership is the same as `membership` or is not the same as `not_membership`." */
function wantedMemberships(membership: Membership | undefined, not: Membership | undefined): readonly Membership[] {
  if (membership === undefined) return ALL.filter((each) => each !== not);
  return ALL.filter((each) => each === membership || (not !== undefined && each !== not));
}

/** RULES D8: never outside one's own visibility; a point in between stands for the next one that may be seen, one before the room for its beginning. */
function visiblePoint(room: OpenRoom, seq: number): number {
  const next = room.visibility.ranges.find(({ to }) => seq <= to);
  return next === undefined ? room.upTo : Math.min(Math.max(seq, next.from, FOUNDER_JOINED), room.upTo);
}

function asked(membership: string | undefined): Membership | undefined {
  if (membership === undefined || isMembership(membership)) return membership;
  throw new MatrixError('M_INVALID_PARAM', 'membership must be invite, join, knock, leave or ban');
}
