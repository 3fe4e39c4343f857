import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

/** One delivery of a blob, or of a thumbnail of it. */
export interface BlobDelivery {
  readonly mediaId: string;
  readonly userNid: number;
  readonly deviceNid: number;
  readonly what: 'download' | 'thumbnail';
  readonly bytes: number;
  readonly now: number;
}

export async function insertDelivery(tx: Transaction, delivery: BlobDelivery): Promise<void> {
  const { mediaId, userNid, deviceNid, what, bytes, now } = delivery;
  await tx.run(sql`
    INSERT INTO ledger_blobs (media_id, device_nid, user_nid, what, served_ts, bytes, times)
    VALUES (${mediaId}, ${deviceNid}, ${userNid}, ${what}, ${now}, ${bytes}, 1)
    ON CONFLICT (media_id, device_nid, what, served_ts) DO UPDATE SET times = ledger_blobs.times + 1`);
}

/** Remembers where the stream stood when this person was served the blob first. */
export async function insertReader(tx: Transaction, { mediaId, userNid }: BlobDelivery): Promise<void> {
  await tx.run(sql`
    INSERT INTO ledger_blob_readers (media_id, user_nid, position)
    SELECT ${mediaId}, CAST(${userNid} AS BIGINT), position FROM stream WHERE only_row = 1
    ON CONFLICT (media_id, user_nid) DO NOTHING`);
}

/** Who was served a blob, session by session, oldest first. */
export async function deliveriesOf(tx: ReadTransaction, mediaId: string): Promise<readonly { user_nid: number; device_nid: number; what: string; served_ts: number; bytes: number }[]> {
  return tx.all(sql`
    SELECT user_nid, device_nid, what, served_ts, bytes FROM ledger_blobs
    WHERE media_id = ${mediaId}
    ORDER BY served_ts, device_nid`);
}
