import { join, sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';
import { batchesOf } from './batches.js';

export interface BackupRow {
  readonly version: number;
  readonly algorithm: string;
  readonly auth_data: string;
  readonly etag: number;
  readonly is_deleted: number;
}

const columns = sql`version, algorithm, auth_data, etag, is_deleted`;

export async function findBackup(tx: ReadTransaction, userNid: number, version: number): Promise<BackupRow | undefined> {
  return tx.one<BackupRow>(sql`SELECT ${columns} FROM key_backups WHERE user_nid = ${userNid} AND version = ${version}`);
}

/** The newest that has not been deleted. */
export async function newestBackup(tx: ReadTransaction, userNid: number): Promise<BackupRow | undefined> {
  return tx.one<BackupRow>(sql`
    SELECT ${columns} FROM key_backups WHERE user_nid = ${userNid} AND is_deleted = 0 ORDER BY version DESC LIMIT 1`);
}

/** Resolves to the version: one more than any before, deleted ones counted, so that none ever means two backups. */
export async function insertBackup(tx: Transaction, userNid: number, backup: { algorithm: string; authData: string }): Promise<number> {
  const row = await tx.one<{ version: number }>(sql`
    INSERT INTO key_backups (user_nid, version, algorithm, auth_data, etag)
    VALUES (${userNid}, (SELECT coalesce(max(version), 0) + 1 FROM key_backups WHERE user_nid = ${userNid}), ${backup.algorithm}, ${backup.authData}, 0)
    RETURNING version`);
  if (row === undefined) throw new Error('the new backup returned no version');
  return row.version;
}

export async function setAuthData(tx: Transaction, userNid: number, version: number, authData: string): Promise<void> {
  await tx.run(sql`UPDATE key_backups SET auth_data = ${authData} WHERE user_nid = ${userNid} AND version = ${version}`);
}

export async function markBackupDeleted(tx: Transaction, userNid: number, version: number): Promise<void> {
  await tx.run(sql`
    UPDATE key_backups SET is_deleted = 1, auth_data = '{}' WHERE user_nid = ${userNid} AND version = ${version}`);
}

export async function countSessions(tx: ReadTransaction, userNid: number, version: number): Promise<number> {
  const row = await tx.one<{ n: number }>(sql`
    SELECT count(*) AS n FROM key_backup_sessions WHERE user_nid = ${userNid} AND version = ${version}`);
  return row?.n ?? 0;
}

export async function nextEtag(tx: Transaction, userNid: number, version: number): Promise<number> {
  const row = await tx.one<{ etag: number }>(sql`
    UPDATE key_backups SET etag = etag + 1 WHERE user_nid = ${userNid} AND version = ${version} RETURNING etag`);
  if (row === undefined) throw new Error('the backup is not there');
  return row.etag;
}

export interface BackedUpSession {
  readonly room_id: string;
  readonly session_id: string;
  readonly first_message_index: number;
  readonly forwarded_count: number;
  readonly is_verified: number;
  readonly session_data: string;
}

/**
 * Stores sessions; of two for the same session the better stays: verified, then from an earlier message, then less often forwarded.
 * Resolves to how many were stored. https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups
 */
export async function putSessions(tx: Transaction, userNid: number, version: number, sessions: readonly BackedUpSession[]): Promise<number> {
  let stored = 0;
  for (const batch of batchesOf(sessions)) {
    const rows = batch.map((s) => sql`(${userNid}, ${version}, ${s.room_id}, ${s.session_id}, ${s.first_message_index},
      ${s.forwarded_count}, ${s.is_verified}, ${s.session_data})`);
    stored += await tx.run(sql`
      INSERT INTO key_backup_sessions AS kept (user_nid, version, room_id, session_id, first_message_index, forwarded_count, is_verified, session_data)
      VALUES ${join(rows, ', ')}
      ON CONFLICT (user_nid, version, room_id, session_id) DO UPDATE SET
        first_message_index = excluded.first_message_index,
        forwarded_count = excluded.forwarded_count,
        is_verified = excluded.is_verified,
        session_data = excluded.session_data
      WHERE excluded.is_verified > kept.is_verified
        OR (excluded.is_verified = kept.is_verified AND excluded.first_message_index < kept.first_message_index)
        OR (excluded.is_verified = kept.is_verified AND excluded.first_message_index = kept.first_message_index
          AND excluded.forwarded_count < kept.forwarded_count)`);
  }
  return stored;
}

/** Some of a backup: all of it, one room, or one session. */
export interface Part {
  readonly roomId?: string;
  readonly sessionId?: string;
}

export async function sessionsIn(tx: ReadTransaction, userNid: number, version: number, part: Part): Promise<readonly BackedUpSession[]> {
  return tx.all<BackedUpSession>(sql`
    SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data
    FROM key_backup_sessions
    WHERE user_nid = ${userNid} AND version = ${version} ${within(part)}
    ORDER BY room_id, session_id`);
}

export async function deleteSessions(tx: Transaction, userNid: number, version: number, part: Part): Promise<number> {
  return tx.run(sql`DELETE FROM key_backup_sessions WHERE user_nid = ${userNid} AND version = ${version} ${within(part)}`);
}

/** Every version there ever was, with all in it. */
export async function deleteAllBackups(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM key_backup_sessions WHERE user_nid = ${userNid}`);
  await tx.run(sql`DELETE FROM key_backups WHERE user_nid = ${userNid}`);
}

function within({ roomId, sessionId }: Part): Sql {
  if (roomId === undefined) return sql``;
  return sessionId === undefined ? sql`AND room_id = ${roomId}` : sql`AND room_id = ${roomId} AND session_id = ${sessionId}`;
}
