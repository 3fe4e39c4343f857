import type { ServerName } from '../matrix/identifiers.js';
import { sql, type Transaction } from '../storage/database.js';

/** Lets whoever sees its uploader's profile see a picture; nothing happens to what is no picture of theirs. */
export async function showOnProfile(tx: Transaction, picture: { mediaId: string; serverName: ServerName; userNid: number; now: number }): Promise<void> {
  await tx.run(sql`
    UPDATE media
    SET on_profile_ts = coalesce(on_profile_ts, ${picture.now}), idle_since_ts = NULL
    WHERE media_id = ${picture.mediaId} AND shard = ${picture.serverName} AND class = 'avatar' AND uploader_nid = ${picture.userNid}`);
}

export interface Hanging {
  readonly mediaId: string;
  readonly serverName: ServerName;
  readonly senderNid: number;
  readonly roomNid: number;
  readonly seq: number;
  readonly now: number;
  /** Where a profile shows it too, nothing is added. */
  readonly unlessOnProfile: boolean;
}

/** Lets whoever is in a room, or invited, see a picture that its uploader has hung there. */
export async function showInRoom(tx: Transaction, picture: Hanging): Promise<void> {
  const shown = await tx.run(sql`
    INSERT INTO media_grants (media_id, room_nid, why, seq, last_seq, granted_ts)
    SELECT m.media_id, ${picture.roomNid}, 'avatar', ${picture.seq}, ${picture.seq}, ${picture.now}
    FROM media m
    WHERE m.media_id = ${picture.mediaId} AND m.shard = ${picture.serverName} AND m.class = 'avatar'
      AND (${picture.unlessOnProfile ? 0 : 1} = 1 OR m.on_profile_ts IS NULL)
      AND (m.uploader_nid = ${picture.senderNid} OR ${hangsInPredecessor(picture)})
    ON CONFLICT (media_id, room_nid) DO UPDATE SET last_seq = excluded.last_seq`);
  if (shown > 0) await tx.run(sql`UPDATE media SET idle_since_ts = NULL WHERE media_id = ${picture.mediaId}`);
}

/** An upgraded room keeps its picture, whoever upgrades it: the old room has it, and the sender is there. */
function hangsInPredecessor({ senderNid, roomNid }: Hanging) {
  return sql`EXISTS (
    SELECT 1
    FROM current_state s
    JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq
    JOIN rooms old ON old.room_id = e.json -> 'content' -> 'predecessor' ->> 'room_id'
    JOIN memberships mine ON mine.room_nid = old.room_nid AND mine.user_nid = ${senderNid} AND mine.membership = 'join'
    JOIN media_grants g ON g.room_nid = old.room_nid AND g.media_id = m.media_id AND g.why = 'avatar'
    WHERE s.room_nid = ${roomNid} AND s.type = 'm.room.create' AND s.state_key = '')`;
}
