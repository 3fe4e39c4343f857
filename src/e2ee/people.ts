import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import { contactsNamed } from '../rooms/contacts-store.js';
import type { Sql } from '../storage/database.js';

/** More than any room has members; a list is one query, however long. */
const MOST_PEOPLE = 10_000;

/**
 * Of the user ids a request names, the people the caller may know of: a query of their `nid` and `id`, which a store joins with their
 * devices or keys. Strangers are left out exactly as ids that do not exist are (RULES B13, D4).
 */
export function knownPeople(session: Session, userIds: readonly string[], now: number): Sql {
  if (userIds.length > MOST_PEOPLE) throw new MatrixError('M_TOO_LARGE', `A request may name at most ${MOST_PEOPLE} people`);
  return contactsNamed(session.userNid, userIds, now);
}
