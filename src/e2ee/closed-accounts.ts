import type { AccountObserver } from '../auth/account-observer.js';
import { forgetIdentity } from './cross-signing-store.js';
import { deleteAllBackups } from './key-backups-store.js';

/** With an account go its cross-signing keys and its key backups; the keys of its devices go with the devices. */
export const keysOfClosedAccounts: AccountObserver = {
  async accountClosed(tx, { userNid }) {
    await forgetIdentity(tx, userNid);
    await deleteAllBackups(tx, userNid);
  },
};
