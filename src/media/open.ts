import type { Random } from '../matrix/clock.js';
import type { Bytes } from '../matrix/reply.js';
import type { Database } from '../storage/database.js';
import type { BlobStore } from './blob-store.js';
import type { Grant } from './grants.js';
import { ensureMediaKey, readMediaKey, unwrapKey, type MediaKey } from './media-key.js';
import { anyMedia } from './store.js';
import { unsealed } from './unsealing.js';

/** The bytes as they were uploaded; they fail where the blob was tampered with or ends too early. */
export async function openMedia(deps: { blobs: BlobStore; mediaKey: MediaKey }, grant: Grant): Promise<Bytes> {
  const key = unwrapKey(deps.mediaKey, grant);
  return unsealed(await deps.blobs.open(grant.blobName), key);
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
