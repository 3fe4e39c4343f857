import { userNidsById } from '../auth/users-store.js';
import type { IgnoredReader } from '../rooms/timeline.js';
import { IGNORED_USERS, ignoredIn } from '../rooms/unwanted.js';
import { findGlobalData } from './account-data-store.js';

/** https://spec.matrix.org/v1.19/client-server-api/#mignored_user_list */
export const ignoredBy: IgnoredReader = async (tx, { userNid, userId }) => {
  const ids = ignoredIn((await findGlobalData(tx, userNid, [IGNORED_USERS])).get(IGNORED_USERS), userId);
  return new Set(ids.length === 0 ? [] : await userNidsById(tx, ids));
};
