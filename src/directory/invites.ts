import { findUser } from '../auth/users-store.js';
import { MatrixError } from '../matrix/errors.js';
import { findAccountData, GLOBAL } from '../profile/account-data-store.js';
import { contactsAmong } from '../rooms/contacts-store.js';
import { blocksInvites, INVITE_PERMISSION } from '../rooms/unwanted.js';
import type { InviteObserver } from '../rooms/writing.js';
import { chargeIdentity, type IdentityBudget } from './introductions.js';

/**
 * Whoever wants no invitations gets none, and says so. Inviting anybody else to whom one has no relation yet costs as much as looking for
 * them, whether or not they exist; it tells the inviter nothing (RULES D5). Who shares a room with the inviter, or was introduced in the last 24 hours, costs nothing.
 */
export function chargeInvites(budget: IdentityBudget): InviteObserver {
  return {
    async onInvite(tx, { inviterNid, target, now }) {
      const nid = (await findUser(tx, target))?.user_nid ?? 0;
      const related = await contactsAmong(tx, inviterNid, [nid], now);
      if (!related.has(nid)) await chargeIdentity(tx, budget, { viewerNid: inviterNid, identity: target, now });
      const permission = await findAccountData(tx, { userNid: nid, roomNid: GLOBAL, type: INVITE_PERMISSION });
      if (blocksInvites(permission)) throw new MatrixError('M_INVITE_BLOCKED', 'This person accepts no invitations');
    },
  };
}
