import type { ServerName } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';

/** What is known of bytes once they lie sealed. */
export interface Content {
  readonly class: 'attachment' | 'avatar';
  readonly size: number;
  readonly sha256: string;
  readonly blob_name: string;
  readonly wrapped_key: string;
  /** Of an avatar. */
  readonly content_type: string | null;
}

export interface NewMedia {
  readonly media_id: string;
  readonly shard: ServerName;
  readonly uploader_nid: number;
  readonly device_nid: number;
  readonly created_ts: number;
}

/** A blob without any grant waits for its first one however long that takes. */
export const UNTIL_GRANTED = Number.MAX_SAFE_INTEGER;
/** No message grants it: a picture, or what its sender has attached to one event. */
export const NEVER = 0;

/** How long after an upload every message of the uploading device grants the blob to its room. */
export const FRESH_MS = 600_000;

/** Since when bytes may not be served: whoever uploads once more what is in quarantine has a file that is in quarantine too. */
const quarantineOf = (sha256: string): Sql => sql`(SELECT max(same.quarantined_ts) FROM media same WHERE same.sha256 = ${sha256})`;

export async function insertMedia(tx: Transaction, media: NewMedia, content: Content): Promise<void> {
  await tx.run(sql`
    INSERT INTO media (media_id, shard, class, uploader_nid, device_nid, created_ts, size, sha256, blob_name, wrapped_key, content_type, grants_until_ts, idle_since_ts, quarantined_ts)
    VALUES (${media.media_id}, ${media.shard}, ${content.class}, ${media.uploader_nid}, ${media.device_nid}, ${media.created_ts},
      ${content.size}, ${content.sha256}, ${content.blob_name}, ${content.wrapped_key}, ${content.content_type},
      ${content.class === 'avatar' ? NEVER : UNTIL_GRANTED}, ${media.created_ts}, ${quarantineOf(content.sha256)})`);
}

/** An address that has nothing behind it yet. */
export async function insertPending(tx: Transaction, media: NewMedia): Promise<void> {
  await tx.run(sql`
    INSERT INTO media (media_id, shard, class, uploader_nid, device_nid, created_ts, grants_until_ts, idle_since_ts)
    VALUES (${media.media_id}, ${media.shard}, 'pending', ${media.uploader_nid}, ${media.device_nid}, ${media.created_ts}, ${UNTIL_GRANTED}, ${media.created_ts})`);
}

export interface Announced {
  readonly class: 'pending' | Content['class'];
  readonly uploader_nid: number;
  readonly created_ts: number;
}

export async function findAnnounced(tx: ReadTransaction, mxc: { serverName: ServerName; mediaId: string }): Promise<Announced | undefined> {
  return tx.one<Announced>(sql`
    SELECT class, uploader_nid, created_ts FROM media
    WHERE media_id = ${mxc.mediaId} AND shard = ${mxc.serverName} AND quarantined_ts IS NULL`);
}

/**
 * Gives a pending address its content; false when it is none any more. What was granted ahead goes on granting as if just uploaded,
 * unless it turns out to be a picture, which no message grants.
 */
export async function completePending(tx: Transaction, mediaId: string, content: Content, now: number): Promise<boolean> {
  const isPicture = content.class === 'avatar' ? 1 : 0;
  const changed = await tx.run(sql`
    UPDATE media SET
      class = ${content.class}, size = ${content.size}, sha256 = ${content.sha256}, blob_name = ${content.blob_name}, wrapped_key = ${content.wrapped_key},
      content_type = ${content.content_type}, created_ts = ${now}, quarantined_ts = ${quarantineOf(content.sha256)},
      grants_until_ts = CASE WHEN ${isPicture} = 1 THEN ${NEVER} WHEN grants_until_ts IN (${UNTIL_GRANTED}, ${NEVER}) THEN grants_until_ts ELSE ${now + FRESH_MS} END,
      idle_since_ts = CASE WHEN ${isPicture} = 0 AND idle_since_ts IS NULL THEN NULL ELSE CAST(${now} AS BIGINT) END
    WHERE media_id = ${mediaId} AND class = 'pending'`);
  if (isPicture === 1) {
    await tx.run(sql`DELETE FROM media_grants WHERE media_id = ${mediaId}`);
    await tx.run(sql`DELETE FROM media_user_grants WHERE media_id = ${mediaId}`);
  }
  return changed > 0;
}

/** How many addresses a person has announced since then that are still without content. */
export async function pendingOf(tx: ReadTransaction, uploaderNid: number, since: number): Promise<{ n: number; oldest: number }> {
  const row = await tx.one<{ n: number; oldest: number | null }>(sql`
    SELECT count(*) AS n, min(created_ts) AS oldest FROM media
    WHERE uploader_nid = ${uploaderNid} AND class = 'pending' AND created_ts > ${since}`);
  return { n: row?.n ?? 0, oldest: row?.oldest ?? 0 };
}

/** Of the names of blobs, those that a row speaks of. */
export async function knownBlobs(tx: ReadTransaction, names: readonly string[]): Promise<ReadonlySet<string>> {
  const list = inList(names);
  const rows = await tx.all<{ name: string }>(sql`
    SELECT blob_name AS name FROM media WHERE blob_name IN ${list}
    UNION ALL
    SELECT blob_name FROM media_thumbnails WHERE blob_name IN ${list}`);
  return new Set(rows.map((row) => row.name));
}

/** Any one blob's wrapped key, to try a media key on. */
export async function anyMedia(tx: ReadTransaction): Promise<{ blob_name: string; wrapped_key: string } | undefined> {
  return tx.one(sql`SELECT blob_name, wrapped_key FROM media WHERE wrapped_key IS NOT NULL LIMIT 1`);
}
