import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface ThumbnailRow {
  readonly blob_name: string;
  readonly size: number;
  readonly content_type: string;
  readonly wrapped_key: string;
}

export async function findThumbnail(tx: ReadTransaction, mediaId: string, variant: string): Promise<ThumbnailRow | undefined> {
  return tx.one<ThumbnailRow>(sql`
    SELECT blob_name, size, content_type, wrapped_key FROM media_thumbnails
    WHERE media_id = ${mediaId} AND variant = ${variant}`);
}

/** False when the picture is gone, or another request has drawn the same thumbnail meanwhile. */
export async function insertThumbnail(tx: Transaction, mediaId: string, variant: string, row: ThumbnailRow): Promise<boolean> {
  const added = await tx.run(sql`
    INSERT INTO media_thumbnails (media_id, variant, blob_name, size, content_type, wrapped_key)
    SELECT media_id, ${variant}, ${row.blob_name}, ${row.size}, ${row.content_type}, ${row.wrapped_key}
    FROM media WHERE media_id = ${mediaId}
    ON CONFLICT (media_id, variant) DO NOTHING`);
  return added > 0;
}
