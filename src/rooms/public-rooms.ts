import type { Session } from '../auth/session.js';
import { forbidden, notFound } from '../matrix/errors.js';
import type { RoomId } from '../matrix/identifiers.js';
import { anyJson, array, boolean, natural, object, oneOf, optional, string, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { ownRoom } from './memberships-store.js';

export const PublicRoomsQuery = object({ limit: optional(natural), since: optional(string), server: optional(string) });
export const PublicRoomsBody = object({
  limit: optional(natural),
  since: optional(string),
  filter: optional(object({ generic_search_term: optional(string), room_types: optional(array(anyJson)) })),
  include_all_networks: optional(boolean),
  third_party_instance_id: optional(string),
});
export const DirectoryVisibilityBody = object({ visibility: optional(oneOf('public', 'private')) });

/**
 * No room is published: the answer is the same for everybody, and no database is asked for it (RULES A7).
 * https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms
 */
export async function listPublicRooms(): Promise<object> {
  return { chunk: [], total_room_count_estimate: 0 };
}

/** To members; for everybody else there is no such room. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directorylistroomroomid */
export async function getDirectoryVisibility(deps: { db: Database }, call: { session: Session; params: { roomId: RoomId } }): Promise<object> {
  await refuseStrangers(deps.db, call);
  return { visibility: 'private' };
}

/**
 * A room stays as private as it is; a request without a word of it means `public`, says the specification.
 * https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directorylistroomroomid
 */
export async function setDirectoryVisibility(
  deps: { db: Database },
  call: { session: Session; params: { roomId: RoomId }; body: TypeOf<typeof DirectoryVisibilityBody> },
): Promise<object> {
  if (call.body.visibility !== 'private') throw forbidden('This server has no public rooms');
  await refuseStrangers(deps.db, call);
  return {};
}

async function refuseStrangers(db: Database, { session, params }: { session: Session; params: { roomId: RoomId } }): Promise<void> {
  const room = await db.read((tx) => ownRoom(tx, params.roomId, session.userNid));
  if (room?.membership !== 'join') throw notFound('Room not found');
}
