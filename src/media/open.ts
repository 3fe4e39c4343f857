import { pipeline, type Readable } from 'node:stream';
import type { Random } from '../matrix/clock.js';
import type { Database } from '../storage/database.js';
import type { BlobStore } from './blob-store.js';
import type { Grant } from './grants.js';
import { ensureMediaKey, readMediaKey, unwrapKey, type MediaKey } from './media-key.js';
import { unsealing } from './sealing.js';
import { anyMedia } from './store.js';

/** The bytes as they were uploaded. The stream fails where the blob was tampered with or ends too early; destroying it closes the blob. */
export async function openMedia(deps: { blobs: BlobStore; mediaKey: MediaKey }, grant: Grant): Promise<Readable> {
  const key = unwrapKey(deps.mediaKey, grant);
  const sealed = await deps.blobs.open(grant.blobName);
  // Whoever reads the result hears of every error; this callback is only the form pipeline asks for.
  return pipeline(sealed, unsealing(key), () => undefined);
}

/**
 * The shard's media key; made when there is none, but never beside files that were sealed under another: new uploads would hide that
 * those are lost.
 */
export async function shardMediaKey(db: Pick<Database, 'read'>, path: string, random: Random): Promise<MediaKey> {
  const sealed = await db.read(anyMedia);
  if (sealed === undefined) return ensureMediaKey(path, random);
  const mediaKey = await readMediaKey(path);
  try {
    unwrapKey(mediaKey, { blobName: sealed.blob_name, wrappedKey: sealed.wrapped_key });
  } catch (cause) {
    throw new Error(`The media key ${path} is not the one this shard sealed its files with; put the right one back from your backup`, { cause });
  }
  return mediaKey;
}
