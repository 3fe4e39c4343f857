import { findUser } from '../auth/users-store.js';
import { contactsAmong } from '../rooms/contacts-store.js';
import type { InviteObserver } from '../rooms/writing.js';
import { chargeIdentity, type IdentityBudget } from './introductions.js';

/**
 * Inviting somebody to whom one has no relation yet costs as much as looking for them, whether or not they exist; it tells the inviter
 * nothing (RULES D5). Who shares a room with the inviter, or was introduced in the last 24 hours, costs nothing.
 */
export function chargeInvites(budget: IdentityBudget): InviteObserver {
  return {
    async onInvite(tx, { inviterNid, target, now }) {
      const nid = (await findUser(tx, target))?.user_nid ?? 0;
      const related = await contactsAmong(tx, inviterNid, [nid], now);
      if (!related.has(nid)) await chargeIdentity(tx, budget, { viewerNid: inviterNid, identity: target, now });
    },
  };
}
