import type { Transaction } from '../storage/database.js';
import { roomsOf } from './contacts-store.js';
import { lockRoom, type LockedRoom } from './lock.js';
import { changeMembership } from './membership.js';
import { roomsByNid } from './rooms-store.js';
import type { Actor, RoomWriting } from './writing.js';

/**
 * Lets every room somebody is in show their new name or picture. What else their member events say stays.
 * https://spec.matrix.org/v1.19/client-server-api/#events-on-change-of-profile-information
 */
export async function showProfile(deps: RoomWriting, tx: Transaction, actor: Actor, changed: { displayname?: string | null; avatar_url?: string | null }): Promise<void> {
  const now = deps.clock();
  const rooms = await roomsByNid(tx, await roomsOf(tx, actor.userNid, ['join']));
  // All locks before the first event, and in one order for everybody: who holds the stream must not wait for a room.
  const locked: LockedRoom[] = [];
  for (const { room_id } of [...rooms].sort((a, b) => a.room_nid - b.room_nid)) locked.push(await lockRoom(tx, room_id, deps.states));
  for (const room of locked) {
    await room.state.load(tx, [['m.room.member', actor.userId]]);
    const { membership, join_authorised_via_users_server: _, ...before } = room.state.get('m.room.member', actor.userId)?.content ?? {};
    // Left while this waited for the room: a new name is no way back in.
    if (membership !== 'join') continue;
    const extra = { ...before, displayname: changed.displayname ?? before['displayname'], avatar_url: changed.avatar_url ?? before['avatar_url'] };
    if (changed.displayname === null) extra.displayname = undefined;
    if (changed.avatar_url === null) extra.avatar_url = undefined;
    await changeMembership(deps, tx, room, { actor, target: actor.userId, membership: 'join', extra, now });
  }
}
