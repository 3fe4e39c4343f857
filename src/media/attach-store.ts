import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import type { Cause } from './grants-store.js';
import { NEVER } from './store.js';

type Attaching = Cause & { readonly uploaderNid: number };

/** Attaches one blob of the sender to one event: its only grant, now and ever. False when it is not theirs, or is attached already. */
export async function attachToEvent(tx: Transaction, cause: Attaching, mediaId: string): Promise<boolean> {
  const claimed = await tx.run(sql`
    UPDATE media
    SET is_attached = 1, grants_until_ts = ${NEVER}, idle_since_ts = NULL
    WHERE media_id = ${mediaId} AND uploader_nid = ${cause.uploaderNid} AND class <> 'avatar' AND is_attached = 0 AND quarantined_ts IS NULL`);
  if (claimed === 0) return false;
  await tx.run(sql`DELETE FROM media_user_grants WHERE media_id = ${mediaId}`);
  await tx.run(sql`DELETE FROM media_grants WHERE media_id = ${mediaId}`);
  await tx.run(sql`
    INSERT INTO media_grants (media_id, room_nid, why, seq, last_seq, granted_ts)
    VALUES (${mediaId}, ${cause.roomNid}, 'attached', ${cause.seq}, ${cause.seq}, ${cause.now})`);
  return true;
}

/** Attaches a picture to the event that has just hung it up. False when it hangs elsewhere, or hung here before: then it is attached already. */
export async function attachPicture(tx: Transaction, { uploaderNid, roomNid, seq }: Attaching, mediaId: string): Promise<boolean> {
  const claimed = await tx.run(sql`
    UPDATE media
    SET is_attached = 1
    WHERE media_id = ${mediaId} AND uploader_nid = ${uploaderNid} AND class = 'avatar' AND is_attached = 0 AND on_profile_ts IS NULL AND quarantined_ts IS NULL
      AND EXISTS (SELECT 1 FROM media_grants g WHERE g.media_id = media.media_id AND g.room_nid = ${roomNid} AND g.seq = ${seq})
      AND NOT EXISTS (SELECT 1 FROM media_grants g WHERE g.media_id = media.media_id AND (g.room_nid <> ${roomNid} OR g.seq <> ${seq}))`);
  return claimed > 0;
}

/** What the sender of an event has attached to it. */
export async function attachedTo(tx: ReadTransaction, event: { readonly roomNid: number; readonly seq: number }): Promise<readonly string[]> {
  const rows = await tx.all<{ media_id: string }>(sql`
    SELECT g.media_id
    FROM media_grants g JOIN media m ON m.media_id = g.media_id AND m.is_attached = 1
    WHERE g.room_nid = ${event.roomNid} AND g.last_seq = ${event.seq}`);
  return rows.map(({ media_id }) => media_id);
}
