import type { Session } from '../auth/session.js';
import { findUser } from '../auth/users-store.js';
import { MatrixError } from '../matrix/errors.js';
import { parseUserId } from '../matrix/identifiers.js';
import { object, optional, string, type TypeOf } from '../matrix/schema.js';
import { mutualRooms } from '../rooms/contacts-store.js';
import type { Database } from '../storage/database.js';

export const MutualRoomsQuery = object({ user_id: string, from: optional(string), batch_token: optional(string) });

/**
 * The rooms both have joined: none with a stranger, none with nobody (RULES D6). All of them come at once, so no token to go on from
 * was ever given. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms
 */
export async function listMutualRooms(deps: { db: Database }, { session, query }: { session: Session; query: TypeOf<typeof MutualRoomsQuery> }): Promise<object> {
  const userId = parseUserId(query.user_id);
  if (userId === session.userId) throw new MatrixError('M_INVALID_PARAM', 'user_id must name somebody else');
  if (query.from !== undefined || query.batch_token !== undefined) throw new MatrixError('M_INVALID_PARAM', 'That is not a token of this server');
  const joined = await deps.db.read(async (tx) => {
    const other = (await findUser(tx, userId))?.user_nid ?? 0;
    return mutualRooms(tx, session.userNid, other);
  });
  return { joined, count: joined.length };
}
