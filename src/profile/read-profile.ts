import type { Session } from '../auth/session.js';
import { findUser } from '../auth/users-store.js';
import type { Clock } from '../matrix/clock.js';
import { notFound } from '../matrix/errors.js';
import type { UserId } from '../matrix/identifiers.js';
import { JsonText } from '../matrix/reply.js';
import { visibleAmong } from '../rooms/contacts-store.js';
import type { Database, ReadTransaction } from '../storage/database.js';
import { profileFields, type FieldRow } from './profile-store.js';

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
}

/** One's own profile, or a contact's; for everybody else the person does not exist (RULES D3). https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuserid */
export async function getProfile({ db, clock }: Deps, { session, params }: { session: Session; params: { userId: UserId } }): Promise<JsonText> {
  return asObject(await db.read((tx) => visibleProfile(tx, session, params.userId, clock())));
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuseridkeyname */
export async function getProfileField(
  { db, clock }: Deps,
  { session, params }: { session: Session; params: { userId: UserId; keyName: string } },
): Promise<JsonText> {
  const fields = await db.read((tx) => visibleProfile(tx, session, params.userId, clock()));
  const found = fields.filter(({ field }) => field === params.keyName);
  if (found.length === 0) throw notFound('This profile has no such field');
  return asObject(found);
}

async function visibleProfile(tx: ReadTransaction, viewer: Session, userId: UserId, now: number): Promise<readonly FieldRow[]> {
  const user = await findUser(tx, userId);
  const nid = user?.user_nid ?? 0;
  // Asked about nobody too, so that the answer takes as long.
  const visible = await visibleAmong(tx, viewer.userNid, [nid], now);
  if (!visible.has(nid)) throw notFound('No such profile');
  return profileFields(tx, nid);
}

function asObject(fields: readonly FieldRow[]): JsonText {
  return new JsonText(`{${fields.map(({ field, value }) => `${JSON.stringify(field)}:${value}`).join(',')}}`);
}
