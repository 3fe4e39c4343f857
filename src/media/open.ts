import { pipeline, type Readable } from 'node:stream';
import type { ReadTransaction } from '../storage/database.js';
import type { BlobStore } from './blob-store.js';
import type { Grant } from './grants.js';
import { unwrapKey, type MediaKey } from './media-key.js';
import { unsealing } from './sealing.js';
import { anyMedia } from './store.js';

/** The bytes as they were uploaded. The stream fails where the blob was tampered with or ends too early; destroying it closes the blob. */
export async function openMedia(deps: { blobs: BlobStore; mediaKey: MediaKey }, grant: Grant): Promise<Readable> {
  const key = unwrapKey(deps.mediaKey, grant);
  const sealed = await deps.blobs.open(grant.blobName);
  // Whoever reads the result hears of every error; this callback is only the form pipeline asks for.
  return pipeline(sealed, unsealing(key), () => undefined);
}

/** Stops a server whose media key is not the one its blobs were sealed under: new uploads would hide that the old ones are lost. */
export async function checkMediaKey(tx: ReadTransaction, mediaKey: MediaKey): Promise<void> {
  const media = await anyMedia(tx);
  if (media === undefined) return;
  try {
    unwrapKey(mediaKey, { blobName: media.blob_name, wrappedKey: media.wrapped_key });
  } catch (cause) {
    throw new Error('The media key is not the one this shard sealed its files with; put the right one back from your backup', { cause });
  }
}
