import type { AccountObserver } from '../auth/account-observer.js';
import { deleteAllAccountData } from './account-data-store.js';
import { deleteFilters } from './filters-store.js';
import { deletePresence } from './presence-store.js';
import { deleteProfile } from './profile-store.js';

/** With an account goes what only its own clients read; the name it was known by goes when the person asks to be erased. */
export const dataOfClosedAccounts: AccountObserver = {
  async accountClosed(tx, { userNid, isErased }) {
    await deleteAllAccountData(tx, userNid);
    await deleteFilters(tx, userNid);
    await deletePresence(tx, userNid);
    if (isErased) await deleteProfile(tx, userNid);
  },
};
