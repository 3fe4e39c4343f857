import type { Session } from '../auth/session.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import { parseOpaque, parseRoomId, type RoomId } from '../matrix/identifiers.js';
import { JsonText } from '../matrix/reply.js';
import { anyObject, boolean, natural, object, record, string, type TypeOf } from '../matrix/schema.js';
import type { Database, Transaction } from '../storage/database.js';
import { groupBy } from '../storage/group-by.js';
import {
  countSessions,
  deleteSessions,
  newestBackup,
  nextEtag,
  putSessions,
  sessionsIn,
  type BackedUpSession,
  type BackupRow,
  type Part,
} from './key-backups-store.js';
import { liveBackup } from './key-backups.js';
import { jsonObjectOf } from './splice.js';

export const BackupKey = object({ first_message_index: natural, forwarded_count: natural, is_verified: boolean, session_data: anyObject });
export const BackupRoom = object({ sessions: record(BackupKey) });
export const BackupRooms = object({ rooms: record(BackupRoom) });
export const BackupQuery = object({ version: string });

interface Deps {
  readonly db: Database;
}
interface Call {
  readonly session: Session;
  readonly query: TypeOf<typeof BackupQuery>;
}
interface RoomCall extends Call {
  readonly params: { readonly roomId: RoomId };
}
interface SessionCall extends Call {
  readonly params: { readonly roomId: RoomId; readonly sessionId: string };
}
interface Stored {
  readonly etag: string;
  readonly count: number;
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeys */
export async function putBackupKeys({ db }: Deps, call: Call & { body: TypeOf<typeof BackupRooms> }): Promise<Stored> {
  return store(db, call, Object.entries(call.body.rooms).flatMap(([roomId, room]) => rowsOf(parseRoomId(roomId), room)));
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomid */
export async function putBackupRoom({ db }: Deps, call: RoomCall & { body: TypeOf<typeof BackupRoom> }): Promise<Stored> {
  return store(db, call, rowsOf(call.params.roomId, call.body));
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid */
export async function putBackupKey({ db }: Deps, call: SessionCall & { body: TypeOf<typeof BackupKey> }): Promise<Stored> {
  const { roomId, sessionId } = call.params;
  return store(db, call, rowsOf(roomId, { sessions: { [sessionId]: call.body } }));
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeys */
export async function getBackupKeys({ db }: Deps, call: Call): Promise<JsonText> {
  const rooms = groupBy(await load(db, call, {}), ({ room_id }) => room_id);
  return new JsonText(jsonObjectOf([['rooms', jsonObjectOf([...rooms].map(([roomId, sessions]) => [roomId, roomJson(sessions)]))]]));
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomid */
export async function getBackupRoom({ db }: Deps, call: RoomCall): Promise<JsonText> {
  return new JsonText(roomJson(await load(db, call, call.params)));
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid */
export async function getBackupKey({ db }: Deps, call: SessionCall): Promise<JsonText> {
  const [found] = await load(db, call, call.params);
  if (found === undefined) throw notFound('Key not found');
  return new JsonText(sessionJson(found));
}

/** https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeys */
export async function deleteBackupKeys({ db }: Deps, call: Call): Promise<Stored> {
  return remove(db, call, {});
}

/** https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeysroomid */
export async function deleteBackupRoom({ db }: Deps, call: RoomCall): Promise<Stored> {
  return remove(db, call, call.params);
}

/** https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeysroomidsessionid */
export async function deleteBackupKey({ db }: Deps, call: SessionCall): Promise<Stored> {
  return remove(db, call, call.params);
}

function rowsOf(roomId: RoomId, { sessions }: TypeOf<typeof BackupRoom>): readonly BackedUpSession[] {
  return Object.entries(sessions).map(([sessionId, key]) => ({
    room_id: roomId,
    session_id: parseOpaque(sessionId),
    first_message_index: key.first_message_index,
    forwarded_count: key.forwarded_count,
    is_verified: key.is_verified ? 1 : 0,
    session_data: JSON.stringify(key.session_data),
  }));
}

/** Keys go only into the newest backup: a device that still writes into an older one must learn that it was replaced. */
async function store(db: Database, { session, query }: Call, sessions: readonly BackedUpSession[]): Promise<Stored> {
  return db.transaction(async (tx) => {
    await tx.lock(`backups/${session.userNid}`);
    const backup = await liveBackup(tx, session, query.version);
    const newest = await newestBackup(tx, session.userNid);
    if (newest !== undefined && newest.version !== backup.version) {
      throw new MatrixError('M_WRONG_ROOM_KEYS_VERSION', 'Wrong backup version', { body: { current_version: String(newest.version) } });
    }
    return changed(tx, session, backup, await putSessions(tx, session.userNid, backup.version, sessions));
  });
}

async function load(db: Database, { session, query }: Call, part: Part): Promise<readonly BackedUpSession[]> {
  return db.read(async (tx) => {
    const { version } = await liveBackup(tx, session, query.version);
    return sessionsIn(tx, session.userNid, version, part);
  });
}

async function remove(db: Database, { session, query }: Call, part: Part): Promise<Stored> {
  return db.transaction(async (tx) => {
    await tx.lock(`backups/${session.userNid}`);
    const backup = await liveBackup(tx, session, query.version);
    return changed(tx, session, backup, await deleteSessions(tx, session.userNid, backup.version, part));
  });
}

async function changed(tx: Transaction, { userNid }: Session, { version, etag }: BackupRow, rows: number): Promise<Stored> {
  const now = rows > 0 ? await nextEtag(tx, userNid, version) : etag;
  return { etag: String(now), count: await countSessions(tx, userNid, version) };
}

function roomJson(sessions: readonly BackedUpSession[]): string {
  return jsonObjectOf([['sessions', jsonObjectOf(sessions.map((session) => [session.session_id, sessionJson(session)]))]]);
}

function sessionJson(key: BackedUpSession): string {
  return jsonObjectOf([
    ['first_message_index', String(key.first_message_index)],
    ['forwarded_count', String(key.forwarded_count)],
    ['is_verified', String(key.is_verified === 1)],
    ['session_data', key.session_data],
  ]);
}
