import { findUser } from '../auth/users-store.js';
import { refusingInTime } from '../auth/refusal-time.js';
import type { Session } from '../auth/session.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import type { Membership } from '../matrix/event-auth.js';
import { parseRoomAlias, parseRoomId, parseUserId, serverOf, type EventId, type RoomId, type UserId } from '../matrix/identifiers.js';
import { anyObject, object, optional, string, type JsonObject, type TypeOf } from '../matrix/schema.js';
import { permitState } from '../policy/permit.js';
import type { Transaction } from '../storage/database.js';
import { advance } from '../storage/stream.js';
import { openAlias } from './aliases.js';
import { brakedInvite } from './invite-brakes.js';
import { lockRoom, NOT_IN_ROOM, type LockedRoom } from './lock.js';
import { forget, joinedCount, membershipIn } from './memberships-store.js';
import { authorisingUser } from './restricted.js';
import { appendDraft, withoutUndefined, type Actor, type RoomWriting } from './writing.js';

export const InviteBody = object({
  user_id: optional(string),
  reason: optional(string),
  id_server: optional(string),
  medium: optional(string),
  address: optional(string),
});
export const TargetBody = object({ user_id: string, reason: optional(string) });
export const ReasonBody = object({ reason: optional(string) });
export const JoinBody = anyObject;

/** A change of somebody's membership by somebody, perhaps the same. */
export interface MembershipChange {
  readonly actor: Actor;
  readonly target: UserId;
  readonly membership: Membership;
  readonly extra?: JsonObject;
  readonly attachMedia?: readonly string[] | undefined;
  readonly now: number;
}

/**
 * Writes a member event. Joins, invitations, kicks, bans and all others pass through here, so that the rules do too.
 * https://spec.matrix.org/v1.19/client-server-api/#room-membership
 */
export async function changeMembership(deps: RoomWriting, tx: Transaction, room: LockedRoom, change: MembershipChange): Promise<EventId> {
  const { actor, target, membership, extra = {}, attachMedia, now } = change;
  const own = actor.userId === target;
  if (membership === 'invite') await deps.inviteObserver.onInvite(tx, { inviterNid: actor.userNid, target, now });
  if (own && membership === 'join') await refuseFull(deps, tx, room, actor);
  const profile = own && (membership === 'join' || membership === 'knock') ? await deps.memberProfile(tx, actor.userNid) : {};
  const authorising = own && membership === 'join' ? await authorisingUser(tx, room, actor) : undefined;
  const content = withoutUndefined({
    ...profile,
    ...extra,
    membership,
    join_authorised_via_users_server: authorising,
  });
  const draft = permitState('m.room.member', target, content, { knownRooms: new Set() });
  const event = await appendDraft(deps, tx, room, draft, { actor, now, attachMedia });
  return event.eventId;
}

/** A room has an end to its size (RULES D8); who is inside may still change their name. */
async function refuseFull({ maxRoomMembers }: RoomWriting, tx: Transaction, room: LockedRoom, actor: Actor): Promise<void> {
  // Every member has an event of their own, so a room of few events need not be counted.
  if (room.tip.seq < maxRoomMembers || (await joinedCount(tx, room.nid)) < maxRoomMembers) return;
  if ((await membershipIn(tx, room.nid, actor.userNid))?.membership !== 'join') throw forbidden(`A room has at most ${maxRoomMembers} members`);
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite */
export async function inviteUser(
  deps: RoomWriting,
  call: { session: Session; params: { roomId: RoomId }; body: TypeOf<typeof InviteBody> },
): Promise<object> {
  const { body, session } = call;
  if (body.medium !== undefined || body.id_server !== undefined || body.address !== undefined) {
    throw new MatrixError('M_THREEPID_DENIED', 'This server sends no invitations to e-mail addresses or telephone numbers');
  }
  if (body.user_id === undefined) throw new MatrixError('M_MISSING_PARAM', 'user_id must name the person to invite');
  const target = parseUserId(body.user_id);
  if (serverOf(target) !== deps.signer.serverName) throw forbidden('People of that server cannot be invited');
  const { roomId } = call.params;
  await brakedInvite(deps, { session, roomId, target }, () => changeOne(deps, session, roomId, { target, membership: 'invite', extra: { reason: body.reason } }));
  return {};
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3joinroomidoralias */
export async function joinRoom(
  deps: RoomWriting,
  call: { session: Session; params: { roomIdOrAlias: string }; body: JsonObject },
): Promise<{ room_id: RoomId }> {
  const { third_party_signed: signed, ...extra } = call.body;
  if (signed !== undefined) throw new MatrixError('M_THREEPID_DENIED', 'This server knows no third-party invitations');
  return enter(deps, call.session, call.params.roomIdOrAlias, 'join', extra);
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidjoin */
export async function joinRoomById(
  deps: RoomWriting,
  call: { session: Session; params: { roomId: RoomId }; body: JsonObject },
): Promise<{ room_id: RoomId }> {
  return joinRoom(deps, { ...call, params: { roomIdOrAlias: call.params.roomId } });
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3knockroomidoralias */
export async function knockRoom(
  deps: RoomWriting,
  call: { session: Session; params: { roomIdOrAlias: string }; body: TypeOf<typeof ReasonBody> },
): Promise<{ room_id: RoomId }> {
  return enter(deps, call.session, call.params.roomIdOrAlias, 'knock', { reason: call.body.reason });
}

/** How one gets into a room, and whether it exists, is told only to those who have to do with it. */
const TO_STRANGERS = { join: 'You are not invited to this room', knock: 'You cannot knock on this room' } as const;

async function enter(
  deps: RoomWriting,
  session: Session,
  roomIdOrAlias: string,
  membership: 'join' | 'knock',
  extra: JsonObject,
): Promise<{ room_id: RoomId }> {
  const now = deps.clock();
  // Before the room is looked for: what no room would take tells nobody whether there is one.
  permitState('m.room.member', session.userId, withoutUndefined({ ...extra, membership }), { knownRooms: new Set() });
  return refusingInTime(session, () => deps.db.transaction(async (tx) => {
    const roomId = roomIdOrAlias.startsWith('#') ? await openAlias(tx, parseRoomAlias(roomIdOrAlias), session) : parseRoomId(roomIdOrAlias);
    const room = await lockRoom(tx, roomId, deps.states, TO_STRANGERS[membership]);
    const current = await membershipIn(tx, room.nid, session.userNid);
    if (current?.membership === membership) return { room_id: roomId };
    try {
      await changeMembership(deps, tx, room, { actor: session, target: session.userId, membership, extra, now });
    } catch (error) {
      if (current === undefined && error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') throw forbidden(TO_STRANGERS[membership]);
      throw error;
    }
    return { room_id: roomId };
  }));
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidleave */
export async function leaveRoom(
  deps: RoomWriting,
  call: { session: Session; params: { roomId: RoomId }; body: TypeOf<typeof ReasonBody> },
): Promise<object> {
  const now = deps.clock();
  await deps.db.transaction(async (tx) => {
    const room = await lockRoom(tx, call.params.roomId, deps.states);
    const current = await membershipIn(tx, room.nid, call.session.userNid);
    if (current === undefined || current.membership === 'ban') throw forbidden(NOT_IN_ROOM);
    if (current.membership === 'leave') return;
    await changeMembership(deps, tx, room, {
      actor: call.session,
      target: call.session.userId,
      membership: 'leave',
      extra: { reason: call.body.reason },
      now,
    });
  });
  return {};
}

type TargetCall = { session: Session; params: { roomId: RoomId }; body: TypeOf<typeof TargetBody> };

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidkick */
export async function kickUser(deps: RoomWriting, call: TargetCall): Promise<object> {
  return changeOther(deps, call, 'leave', (membership) => membership === 'join' || membership === 'invite' || membership === 'knock');
}

export async function banUser(deps: RoomWriting, call: TargetCall): Promise<object> {
  return changeOther(deps, call, 'ban', () => true);
}

export async function unbanUser(deps: RoomWriting, call: TargetCall): Promise<object> {
  return changeOther(deps, call, 'leave', (membership) => membership === 'ban');
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget */
export async function forgetRoom(deps: RoomWriting, call: { session: Session; params: { roomId: RoomId } }): Promise<object> {
  const { userNid } = call.session;
  await deps.db.transaction(async (tx) => {
    const room = await lockRoom(tx, call.params.roomId, deps.states);
    const current = await membershipIn(tx, room.nid, userNid);
    if (current === undefined) throw forbidden(NOT_IN_ROOM);
    if (current.membership !== 'leave' && current.membership !== 'ban') throw new MatrixError('M_UNKNOWN', 'Leave the room before forgetting it', { status: 400 });
    await forget(tx, room.nid, userNid);
    await advance(tx, [`membership/${userNid}`]);
  });
  return {};
}

async function changeOther(deps: RoomWriting, call: TargetCall, membership: Membership, applies: (current: Membership | undefined) => boolean): Promise<object> {
  const target = parseUserId(call.body.user_id);
  await changeOne(deps, call.session, call.params.roomId, { target, membership, extra: { reason: call.body.reason }, applies });
  return {};
}

async function changeOne(
  deps: RoomWriting,
  session: Session,
  roomId: RoomId,
  change: { target: UserId; membership: Membership; extra: JsonObject; applies?: (current: Membership | undefined) => boolean },
): Promise<void> {
  const { target, membership, extra, applies } = change;
  const now = deps.clock();
  await deps.db.transaction(async (tx) => {
    const room = await lockRoom(tx, roomId, deps.states);
    // First, so that nobody outside learns who is inside.
    if ((await membershipIn(tx, room.nid, session.userNid))?.membership !== 'join') throw forbidden(NOT_IN_ROOM);
    if (applies !== undefined && !applies(await membershipOf(tx, room, target))) throw forbidden('That person is not in this room in a way that this would change');
    await changeMembership(deps, tx, room, { actor: session, target, membership, extra, now });
  });
}

async function membershipOf(tx: Transaction, room: LockedRoom, userId: UserId): Promise<Membership | undefined> {
  const user = await findUser(tx, userId);
  return user === undefined ? undefined : (await membershipIn(tx, room.nid, user.user_nid))?.membership;
}
