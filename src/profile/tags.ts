import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import type { RoomId, UserId } from '../matrix/identifiers.js';
import { numberWithin, object, optional, type JsonObject, type TypeOf } from '../matrix/schema.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { findAccountData, type AccountDataKey } from './account-data-store.js';
import { putAccountData, refuseOneTooMany, roomOf } from './account-data.js';
import { refuseOthers } from './refuse-others.js';

interface Deps {
  readonly db: Database;
}
interface Call<Params> {
  readonly session: Session;
  readonly params: { readonly userId: UserId; readonly roomId: RoomId } & Params;
}

/** https://spec.matrix.org/v1.19/client-server-api/#mtag */
export const TagBody = object({ order: optional(numberWithin(0, 1)) });

type Tags = Readonly<Record<string, JsonObject>>;

/** As of any other account data. */
const MOST_BYTES = 65_536;

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidtags */
export async function listTags({ db }: Deps, { session, params }: Call<unknown>): Promise<object> {
  refuseOthers(session, params.userId);
  return db.read(async (tx) => ({ tags: await tagsOf(tx, await keyOf(tx, params.roomId, session)) }));
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidtagstag */
export async function setTag({ db }: Deps, call: Call<{ tag: string }> & { body: TypeOf<typeof TagBody> }): Promise<object> {
  const { session, params, body } = call;
  refuseOthers(session, params.userId);
  await db.transaction((tx) => changeTags(tx, params.roomId, session, (tags) => ({ ...tags, [params.tag]: { ...body } })));
  return {};
}

/** https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3useruseridroomsroomidtagstag */
export async function removeTag({ db }: Deps, { session, params }: Call<{ tag: string }>): Promise<object> {
  refuseOthers(session, params.userId);
  await db.transaction((tx) => changeTags(tx, params.roomId, session, (tags) => Object.fromEntries(Object.entries(tags).filter(([name]) => name !== params.tag))));
  return {};
}

async function changeTags(tx: Transaction, roomId: RoomId, session: Session, change: (tags: Tags) => Tags): Promise<void> {
  // Two devices that tag at once would each write over the other's tag.
  await tx.lock(`tags/${session.userNid}`);
  const key = await keyOf(tx, roomId, session);
  await refuseOneTooMany(tx, key);
  const content = { tags: change(await tagsOf(tx, key)) };
  if (Buffer.byteLength(JSON.stringify(content)) > MOST_BYTES) throw new MatrixError('M_TOO_LARGE', `The tags of a room have at most ${MOST_BYTES} bytes`);
  await putAccountData(tx, key, content);
}

async function keyOf(tx: ReadTransaction, roomId: RoomId, session: Session): Promise<AccountDataKey> {
  return { userNid: session.userNid, roomNid: await roomOf(tx, roomId, session), type: 'm.tag' };
}

/** The same as clients may write it themselves as account data, where any shape is taken: what is not a map of tags counts as none. */
async function tagsOf(tx: ReadTransaction, key: AccountDataKey): Promise<Tags> {
  const content = await findAccountData(tx, key);
  const { tags } = (content === undefined ? {} : JSON.parse(content)) as { readonly tags?: unknown };
  return isObject(tags) ? Object.fromEntries(Object.entries(tags).filter((tag): tag is [string, JsonObject] => isObject(tag[1]))) : {};
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
