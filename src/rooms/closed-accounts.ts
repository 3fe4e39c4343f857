import type { AccountObserver } from '../auth/account-observer.js';
import { roomsOf } from './contacts-store.js';
import { lockRoom, type LockedRoom } from './lock.js';
import { changeMembership } from './membership.js';
import { markErased, membershipIn } from './memberships-store.js';
import { roomsByNid } from './rooms-store.js';
import type { RoomWriting } from './writing.js';

/** A closed account leaves its rooms, declines its invitations and takes its knocks back; whoever comes later is shown nothing of what an erased one said. */
export function leaveRoomsOfClosedAccounts(deps: RoomWriting): AccountObserver {
  return {
    async accountClosed(tx, { userNid, userId, isErased }) {
      const rooms = await roomsByNid(tx, await roomsOf(tx, userNid, ['join', 'invite', 'knock']));
      // All locks before the first event, and in one order for everybody: who holds the stream must not wait for a room.
      const locked: LockedRoom[] = [];
      for (const { room_id } of [...rooms].sort((a, b) => a.room_nid - b.room_nid)) locked.push(await lockRoom(tx, room_id, deps.states));
      for (const room of locked) {
        const membership = (await membershipIn(tx, room.nid, userNid))?.membership;
        // Thrown out while this waited for the room: nothing is left to leave.
        if (membership === 'leave' || membership === 'ban') continue;
        await changeMembership(deps, tx, room, { actor: { userNid, userId }, target: userId, membership: 'leave', now: deps.clock() });
      }
      if (isErased) await markErased(tx, userNid);
    },
  };
}
