import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { parseUserId, serverOf, type ServerName, type UserId } from '../matrix/identifiers.js';
import { integer, object, optional, string, type TypeOf } from '../matrix/schema.js';
import { visibleAmong } from '../rooms/contacts-store.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { domainOf, emailIn } from './email.js';
import { introduce, type IdentityBudget } from './introductions.js';
import { isDomainHeld, namedByEmail, namedById } from './people-store.js';
import { scopeOf } from './scope.js';
import { searchUsers, type FoundRow } from './search-store.js';

export const UserSearchBody = object({ search_term: string, limit: optional(integer) });

export interface DirectoryDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly serverName: ServerName;
  readonly introductions: IdentityBudget;
}

const MOST_RESULTS = 10;
/** No name is longer. */
const LONGEST_TERM = 512;

/**
 * Finds people one shares a room with by what is typed of their name, and somebody new by nothing but their whole user id or e-mail
 * address (RULES D1, D2). Whether there are more than are shown is not said.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch
 */
export async function searchDirectory(deps: DirectoryDeps, { session, body }: { session: Session; body: TypeOf<typeof UserSearchBody> }): Promise<object> {
  const text = body.search_term.trim();
  if (text === '' || text.length > LONGEST_TERM) return { results: [], limited: false };
  const limit = Math.min(Math.max(body.limit ?? MOST_RESULTS, 1), MOST_RESULTS);
  const within = scopeOf(session, deps.clock());
  const identity = identityIn(text, deps.serverName);
  const search = async (tx: ReadTransaction, named?: UserId): Promise<readonly FoundRow[]> =>
    searchUsers(tx, within, { text, limit, ...(named === undefined ? {} : { named }) });
  const rows = identity === undefined
    ? await deps.db.read(search)
    : await deps.db.transaction(async (tx) => search(tx, await meet(tx, deps, session, identity, within.now)));
  return { results: rows.map(asResult), limited: false };
}

/** A whole user id of this shard or a whole e-mail address: it is asked for exactly, and may be somebody new. */
type Identity = { readonly userId: UserId } | { readonly email: string };

function identityIn(text: string, serverName: ServerName): Identity | undefined {
  if (!text.startsWith('@')) {
    const email = emailIn(text);
    return email === undefined ? undefined : { email };
  }
  if (!text.endsWith(`:${serverName}`)) return undefined;
  try {
    const userId = parseUserId(text);
    return serverOf(userId) === serverName ? { userId } : undefined;
  } catch {
    // What is no user id is a term like any other.
    return undefined;
  }
}

/**
 * Introduces whom the identity names, if anybody, and says their id; costs nothing where the two know each other. For a hidden person
 * the very same is done and written as for nobody.
 */
async function meet(tx: Transaction, deps: DirectoryDeps, session: Session, identity: Identity, now: number): Promise<UserId | undefined> {
  // On the way to `…@service.example` lie addresses that look whole; nobody of the shard has one like that, and nobody pays for them.
  if ('email' in identity && !(await isDomainHeld(tx, domainOf(identity.email)))) return undefined;
  const person = 'email' in identity ? await namedByEmail(tx, identity.email) : await namedById(tx, identity.userId);
  const nid = person?.user_nid ?? 0;
  const known = await visibleAmong(tx, session.userNid, [nid], now);
  const findable = person?.is_findable === 1 ? person : undefined;
  if (known.has(nid) && ('userId' in identity || findable !== undefined)) return person?.user_id;
  const asked = 'email' in identity ? identity.email : identity.userId;
  await introduce(tx, deps.introductions, { viewerNid: session.userNid, identity: findable?.user_id ?? asked, userNid: findable?.user_nid, now });
  return findable?.user_id;
}

function asResult({ user_id, displayname, avatar_url }: FoundRow): object {
  return {
    user_id,
    ...(displayname === null ? {} : { display_name: JSON.parse(displayname) as string }),
    ...(avatar_url === null ? {} : { avatar_url: JSON.parse(avatar_url) as string }),
  };
}
