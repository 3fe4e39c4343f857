import { MatrixError } from '../matrix/errors.js';
import { findAccountData, GLOBAL } from '../profile/account-data-store.js';
import { contactsAmong } from '../rooms/contacts-store.js';
import { blocksInvites, INVITE_PERMISSION } from '../rooms/unwanted.js';
import type { InviteObserver } from '../rooms/writing.js';
import { chargeIdentity, type IdentityBudget } from './introductions.js';
import { namedById } from './people-store.js';

/**
 * Inviting somebody to whom one has no relation yet costs as much as looking for them, whether or not they exist, and tells the inviter
 * nothing (RULES D5). Who shares a room with the inviter, or was introduced in the last 24 hours, costs nothing; and of them the inviter
 * is told that they want no invitations.
 */
export function chargeInvites(budget: IdentityBudget): InviteObserver {
  return {
    async onInvite(tx, { inviterNid, target, now }) {
      const nid = (await namedById(tx, target))?.user_nid ?? 0;
      const related = await contactsAmong(tx, inviterNid, [nid], now);
      if (!related.has(nid)) await chargeIdentity(tx, budget, { viewerNid: inviterNid, identity: target, now });
      const permission = await findAccountData(tx, { userNid: nid, roomNid: GLOBAL, type: INVITE_PERMISSION });
      // A refusal would tell a stranger that they exist, and take the charge back with it: they are not told of the invitation, and the inviter not of that.
      if (related.has(nid) && blocksInvites(permission)) throw new MatrixError('M_INVITE_BLOCKED', 'This person accepts no invitations');
    },
  };
}
