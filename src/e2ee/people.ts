import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import { contactsAmong } from '../rooms/contacts-store.js';
import type { ReadTransaction } from '../storage/database.js';
import { peopleById, type Person } from './people-store.js';

/** More than any room has members; a list is one query, however long. */
const MOST_PEOPLE = 10_000;
/** No user's nid. */
const NOBODY = 0;

/**
 * Of the user ids a request names, the people the caller may know of, in the order named. Strangers are left out exactly as ids
 * that do not exist are (RULES B13, D4).
 */
export async function knownPeople(tx: ReadTransaction, session: Session, userIds: readonly string[], now: number): Promise<readonly Person[]> {
  if (userIds.length > MOST_PEOPLE) throw new MatrixError('M_TOO_LARGE', `A request may name at most ${MOST_PEOPLE} people`);
  const found = new Map((await peopleById(tx, userIds)).map((person) => [person.id as string, person]));
  const people = userIds.flatMap((id) => found.get(id) ?? []);
  // An id that nobody has is looked for as a stranger's is, which takes the same time.
  const known = await contactsAmong(tx, session.userNid, userIds.map((id) => found.get(id)?.nid ?? NOBODY), now);
  return people.filter((person) => known.has(person.nid));
}
