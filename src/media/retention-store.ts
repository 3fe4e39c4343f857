import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import type { Announced } from './store.js';

/** Media nobody but their uploader may fetch, for longer than since `before`. What is in quarantine stays, and bars its bytes from being uploaded anew. */
export async function idleMedia(tx: ReadTransaction, media: { class: Announced['class']; before: number; limit: number }): Promise<readonly string[]> {
  const rows = await tx.all<{ media_id: string }>(sql`
    SELECT media_id FROM media
    WHERE class = ${media.class} AND idle_since_ts < ${media.before} AND quarantined_ts IS NULL
    ORDER BY idle_since_ts
    LIMIT ${media.limit}`);
  return rows.map(({ media_id }) => media_id);
}

/** The media with these bytes, as they were uploaded. */
export async function mediaByContent(tx: ReadTransaction, sha256: string): Promise<readonly string[]> {
  return (await tx.all<{ media_id: string }>(sql`SELECT media_id FROM media WHERE sha256 = ${sha256}`)).map(({ media_id }) => media_id);
}

export interface Deleted {
  readonly uploader_nid: number;
  readonly size: number | null;
}

/** Deletes media with their grants and thumbnails; resolves to what they took up, and to the names of the blobs that nothing speaks of any more. */
export async function deleteMedia(tx: Transaction, mediaIds: readonly string[]): Promise<{ media: readonly Deleted[]; blobNames: readonly string[] }> {
  const ids = inList(mediaIds);
  const thumbnails = await tx.all<{ blob_name: string }>(sql`DELETE FROM media_thumbnails WHERE media_id IN ${ids} RETURNING blob_name`);
  const media = await tx.all<Deleted & { blob_name: string | null }>(sql`DELETE FROM media WHERE media_id IN ${ids} RETURNING uploader_nid, size, blob_name`);
  return { media, blobNames: [...media, ...thumbnails].flatMap(({ blob_name }) => blob_name ?? []) };
}

/** Lets nobody fetch these, and whatever has the same bytes, or lets them again; resolves to how many there are. */
export async function setQuarantine(tx: Transaction, mediaIds: readonly string[], since: number | null): Promise<number> {
  const ids = inList(mediaIds);
  return tx.run(sql`
    UPDATE media SET quarantined_ts = ${since}
    WHERE media_id IN ${ids} OR sha256 IN (SELECT named.sha256 FROM media named WHERE named.media_id IN ${ids})`);
}
