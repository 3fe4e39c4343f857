import type { AccountObserver } from '../auth/account-observer.js';
import { forgetPerson } from './introductions-store.js';
import { deleteEmail } from './people-store.js';

/** Nobody is introduced to a closed account, and its address is free for another. */
export const introductionsOfClosedAccounts: AccountObserver = {
  async accountClosed(tx, { userNid }) {
    await deleteEmail(tx, userNid);
    await forgetPerson(tx, userNid);
  },
};
