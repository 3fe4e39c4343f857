import type { Session } from '../auth/session.js';
import { forbidden, MatrixError, notFound } from '../matrix/errors.js';
import type { RoomId, UserId } from '../matrix/identifiers.js';
import { JsonText } from '../matrix/reply.js';
import { anyObject, type JsonObject } from '../matrix/schema.js';
import { NOT_IN_ROOM } from '../rooms/lock.js';
import { ownRoom } from '../rooms/memberships-store.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { advance } from '../storage/stream.js';
import { countTypes, DELETED, dropDeleted, findAccountData, GLOBAL, saveAccountData, type AccountDataKey } from './account-data-store.js';
import { refuseOthers } from './refuse-others.js';

/** Told of every change of what a person keeps outside rooms, in its very transaction; may refuse it. Given from above. */
export interface AccountDataObserver {
  onAccountData(tx: Transaction, change: { readonly userNid: number; readonly userId: UserId; readonly type: string; readonly content: string | undefined }): Promise<void>;
}

interface Deps {
  readonly db: Database;
}

interface WritingDeps extends Deps {
  readonly accountDataObserver: AccountDataObserver;
}

interface Call<Params> {
  readonly session: Session;
  readonly params: { readonly userId: UserId; readonly type: string } & Params;
}

export const AccountData = anyObject;

/** Set by read markers and by the push rules' own endpoints only. */
const NOT_SET_HERE: readonly string[] = ['m.fully_read', 'm.push_rules'];

/** Of how many types a person may keep something outside rooms, and in each room. One entry is as large as a body may be: 64 KiB. */
const MOST_TYPES = 1000;
const MOST_TYPES_IN_ROOM = 100;

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridaccount_datatype */
export async function setAccountData({ db, accountDataObserver }: WritingDeps, { session, params, body }: Call<unknown> & { body: JsonObject }): Promise<object> {
  refuseReserved(params.type);
  refuseOthers(session, params.userId);
  await db.transaction(async (tx) => {
    const key = { userNid: session.userNid, roomNid: GLOBAL, type: params.type };
    await refuseOneTooMany(tx, key);
    await putAccountData(tx, key, body);
    await accountDataObserver.onAccountData(tx, { ...session, type: params.type, content: JSON.stringify(body) });
  });
  return {};
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridaccount_datatype */
export async function getAccountData({ db }: Deps, { session, params }: Call<unknown>): Promise<JsonText> {
  refuseOthers(session, params.userId);
  return db.read((tx) => readAccountData(tx, { userNid: session.userNid, roomNid: GLOBAL, type: params.type }));
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidaccount_datatype */
export async function setRoomAccountData({ db }: Deps, { session, params, body }: Call<{ roomId: RoomId }> & { body: JsonObject }): Promise<object> {
  refuseReserved(params.type);
  refuseOthers(session, params.userId);
  await db.transaction(async (tx) => {
    const key = { userNid: session.userNid, roomNid: await roomOf(tx, params.roomId, session), type: params.type };
    await refuseOneTooMany(tx, key);
    await putAccountData(tx, key, body);
  });
  return {};
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidaccount_datatype */
export async function getRoomAccountData({ db }: Deps, { session, params }: Call<{ roomId: RoomId }>): Promise<JsonText> {
  refuseOthers(session, params.userId);
  return db.read(async (tx) => {
    const roomNid = await roomOf(tx, params.roomId, session);
    return readAccountData(tx, { userNid: session.userNid, roomNid, type: params.type });
  });
}

/** https://github.com/matrix-org/matrix-spec-proposals/pull/3391 */
export async function deleteAccountData({ db, accountDataObserver }: WritingDeps, { session, params }: Call<unknown>): Promise<object> {
  refuseReserved(params.type);
  refuseOthers(session, params.userId);
  await db.transaction(async (tx) => {
    await dropAccountData(tx, { userNid: session.userNid, roomNid: GLOBAL, type: params.type });
    await accountDataObserver.onAccountData(tx, { ...session, type: params.type, content: undefined });
  });
  return {};
}

/** https://github.com/matrix-org/matrix-spec-proposals/pull/3391 */
export async function deleteRoomAccountData({ db }: Deps, { session, params }: Call<{ roomId: RoomId }>): Promise<object> {
  refuseReserved(params.type);
  refuseOthers(session, params.userId);
  await db.transaction(async (tx) => {
    await dropAccountData(tx, { userNid: session.userNid, roomNid: await roomOf(tx, params.roomId, session), type: params.type });
  });
  return {};
}

/** Always news to the person's devices, even when nothing differs: clients wait for the echo. */
export async function putAccountData(tx: Transaction, key: AccountDataKey, content: JsonObject): Promise<void> {
  const position = await advance(tx, [`account/${key.userNid}`]);
  await saveAccountData(tx, key, { content: JSON.stringify(content), position });
}

async function dropAccountData(tx: Transaction, key: AccountDataKey): Promise<void> {
  if ((await findAccountData(tx, key)) === undefined) return;
  const position = await advance(tx, [`account/${key.userNid}`]);
  await saveAccountData(tx, key, { content: DELETED, position });
}

/** Refuses a further type where a person keeps as many as one may. */
export async function refuseOneTooMany(tx: Transaction, key: AccountDataKey): Promise<void> {
  const { userNid, roomNid } = key;
  const most = roomNid === GLOBAL ? MOST_TYPES : MOST_TYPES_IN_ROOM;
  if ((await findAccountData(tx, key)) !== undefined || (await countTypes(tx, userNid, roomNid)) < most) return;
  // A device away for so long that it misses a deletion keeps what nobody reads any more.
  await dropDeleted(tx, userNid, roomNid);
  if ((await countTypes(tx, userNid, roomNid)) < most) return;
  throw new MatrixError('M_TOO_LARGE', `You keep account data of ${most} types here, which is the most there can be`);
}

async function readAccountData(tx: ReadTransaction, key: AccountDataKey): Promise<JsonText> {
  const content = await findAccountData(tx, key);
  if (content === undefined) throw notFound('Nothing has been set under this type');
  return new JsonText(content);
}

/** A room the person is in, was in, or is invited to; any other, and none at all, are refused alike. */
export async function roomOf(tx: ReadTransaction, roomId: RoomId, { userNid }: Session): Promise<number> {
  const room = await ownRoom(tx, roomId, userNid);
  if (room === undefined || room.membership === null) throw forbidden(NOT_IN_ROOM);
  return room.room_nid;
}

function refuseReserved(type: string): void {
  if (NOT_SET_HERE.includes(type)) throw new MatrixError('M_BAD_JSON', `${type} is not set as account data`, { status: 405 });
}
