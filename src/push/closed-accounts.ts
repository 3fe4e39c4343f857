import type { AccountObserver } from '../auth/account-observer.js';
import { deletePushRules } from './push-rules-store.js';

/** With an account goes what it wanted to hear of; its pushers go with its devices. */
export const pushRulesOfClosedAccounts: AccountObserver = {
  async accountClosed(tx, { userNid }) {
    await deletePushRules(tx, userNid);
  },
};
