import type { Clock } from '../matrix/clock.js';
import type { Database, Transaction } from '../storage/database.js';
import type { BlobStore } from './blob-store.js';
import { deleteMedia, idleMedia } from './retention-store.js';
import type { Announced } from './store.js';
import { addUsage } from './usage-store.js';

/** How long media stay that nobody but their uploader may fetch (RULES C, 10). */
const IDLE_MS: Readonly<Record<Announced['class'], number>> = { pending: 86_400_000, attachment: 86_400_000, avatar: 3_600_000 };
const AT_ONCE = 200;

/**
 * Deletes what was uploaded and never shown or sent, what a redaction has taken back, and announced addresses nothing came for;
 * resolves to how many. The rows go first: a crash then leaves blobs without a row, which the sweep finds.
 */
export async function deleteIdle(deps: { db: Database; blobs: BlobStore; clock: Clock }): Promise<number> {
  let deleted = 0;
  for (const [kind, age] of Object.entries(IDLE_MS) as [Announced['class'], number][]) {
    for (;;) {
      const gone = await deps.db.transaction(async (tx) =>
        removeMedia(tx, await idleMedia(tx, { class: kind, before: deps.clock() - age, limit: AT_ONCE })));
      for (const name of gone.blobNames) await deps.blobs.delete(name);
      deleted += gone.count;
      if (gone.count < AT_ONCE) break;
    }
  }
  return deleted;
}

/** Deletes media and gives back the room they took; the caller deletes the blobs once that is committed. */
export async function removeMedia(tx: Transaction, mediaIds: readonly string[]): Promise<{ count: number; blobNames: readonly string[] }> {
  if (mediaIds.length === 0) return { count: 0, blobNames: [] };
  const { media, blobNames } = await deleteMedia(tx, mediaIds);
  const freed = new Map<number, number>();
  for (const { uploader_nid, size } of media) freed.set(uploader_nid, (freed.get(uploader_nid) ?? 0) - (size ?? 0));
  await addUsage(tx, freed);
  return { count: media.length, blobNames };
}
