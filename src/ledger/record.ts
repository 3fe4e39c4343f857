import type { LedgerEntry } from '../matrix/reply.js';
import type { Transaction } from '../storage/database.js';
import { insertDelivery, insertReader, type BlobDelivery } from './blobs-store.js';

/** Writes down that a blob is about to leave, to whom and when. Its bytes may be sent once the transaction is committed, and not before. */
export async function recordBlob(tx: Transaction, delivery: BlobDelivery): Promise<LedgerEntry> {
  await insertDelivery(tx, delivery);
  await insertReader(tx, delivery);
  return delivery as unknown as LedgerEntry;
}
