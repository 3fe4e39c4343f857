import type { Session } from '../auth/session.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import { JsonText } from '../matrix/reply.js';
import { anyObject, object, optional, string, text, type TypeOf } from '../matrix/schema.js';
import type { Database, ReadTransaction } from '../storage/database.js';
import {
  countSessions,
  deleteSessions,
  findBackup,
  insertBackup,
  markBackupDeleted,
  newestBackup,
  setAuthData,
  type BackupRow,
} from './key-backups-store.js';
import { jsonObjectOf } from './splice.js';

const Algorithm = text({ minLength: 1, maxLength: 255 });
export const NewBackup = object({ algorithm: Algorithm, auth_data: anyObject });
export const BackupUpdate = object({ algorithm: Algorithm, auth_data: anyObject, version: optional(string) });

interface Deps {
  readonly db: Database;
}
interface VersionCall {
  readonly session: Session;
  readonly params: { readonly version: string };
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3room_keysversion */
export async function createBackup(
  { db }: Deps,
  { session, body }: { session: Session; body: TypeOf<typeof NewBackup> },
): Promise<{ version: string }> {
  return db.transaction(async (tx) => {
    await tx.lock(`backups/${session.userNid}`);
    const version = await insertBackup(tx, session.userNid, { algorithm: body.algorithm, authData: JSON.stringify(body.auth_data) });
    return { version: String(version) };
  });
}

/**
 * The newest backup still there; that there is none is 404 and nothing else, as clients take it for an answer.
 * https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keysversion
 */
export async function getNewestBackup({ db }: Deps, { session }: { session: Session }): Promise<JsonText> {
  return db.read(async (tx) => {
    const backup = await newestBackup(tx, session.userNid);
    if (backup === undefined) throw notFound('No current backup version');
    return describe(tx, session, backup);
  });
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keysversionversion */
export async function getBackup({ db }: Deps, { session, params }: VersionCall): Promise<JsonText> {
  return db.read(async (tx) => describe(tx, session, await liveBackup(tx, session, params.version)));
}

/**
 * Replaces what the backup says of itself, never how it is encrypted.
 * https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keysversionversion
 */
export async function updateBackup(
  { db }: Deps,
  { session, params, body }: VersionCall & { body: TypeOf<typeof BackupUpdate> },
): Promise<object> {
  if (body.version !== undefined && body.version !== params.version) throw new MatrixError('M_INVALID_PARAM', 'Two versions are named');
  await db.transaction(async (tx) => {
    const { algorithm, version } = await liveBackup(tx, session, params.version);
    if (body.algorithm !== algorithm) throw new MatrixError('M_INVALID_PARAM', 'Algorithm does not match');
    await setAuthData(tx, session.userNid, version, JSON.stringify(body.auth_data));
  });
  return {};
}

/**
 * Deletes the backup with all its keys; once more is well too.
 * https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keysversionversion
 */
export async function deleteBackup({ db }: Deps, { session, params }: VersionCall): Promise<object> {
  await db.transaction(async (tx) => {
    await tx.lock(`backups/${session.userNid}`);
    const backup = await findBackup(tx, session.userNid, versionOf(params.version));
    if (backup === undefined) throw unknownBackup();
    await deleteSessions(tx, session.userNid, backup.version, {});
    await markBackupDeleted(tx, session.userNid, backup.version);
  });
  return {};
}

export async function liveBackup(tx: ReadTransaction, session: Session, version: string): Promise<BackupRow> {
  const backup = await findBackup(tx, session.userNid, versionOf(version));
  if (backup === undefined || backup.is_deleted === 1) throw unknownBackup();
  return backup;
}

async function describe(tx: ReadTransaction, session: Session, backup: BackupRow): Promise<JsonText> {
  return new JsonText(jsonObjectOf([
    ['version', `"${backup.version}"`],
    ['algorithm', JSON.stringify(backup.algorithm)],
    ['auth_data', backup.auth_data],
    ['etag', `"${backup.etag}"`],
    ['count', String(await countSessions(tx, session.userNid, backup.version))],
  ]));
}

function versionOf(raw: string): number {
  if (!/^[1-9][0-9]{0,14}$/.test(raw)) throw unknownBackup();
  return Number(raw);
}

function unknownBackup(): MatrixError {
  return notFound('Unknown backup version');
}
