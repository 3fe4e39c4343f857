import type { Clock } from '../matrix/clock.js';
import type { Database } from '../storage/database.js';
import type { BlobStore } from './blob-store.js';
import { knownBlobs } from './store.js';

/** The longest an upload may take: a younger blob may be one whose row is about to be written. */
const GRACE_MS = 86_400_000;
const BATCH = 256;

/** Deletes the blobs no row speaks of, which crashes and broken uploads leave; resolves to how many. */
export async function sweepBlobs(deps: { db: Database; blobs: BlobStore; clock: Clock }): Promise<number> {
  const before = deps.clock() - GRACE_MS;
  let swept = 0;
  let batch: string[] = [];
  for await (const { name, writtenTs } of deps.blobs.list()) {
    if (writtenTs < before) batch.push(name);
    if (batch.length < BATCH) continue;
    swept += await deleteUnknown(deps, batch);
    batch = [];
  }
  return swept + (await deleteUnknown(deps, batch));
}

async function deleteUnknown(deps: { db: Database; blobs: BlobStore }, names: readonly string[]): Promise<number> {
  const known = await deps.db.read((tx) => knownBlobs(tx, names));
  const unknown = names.filter((name) => !known.has(name));
  for (const name of unknown) await deps.blobs.delete(name);
  return unknown.length;
}
