import type { ServerName } from '../matrix/identifiers.js';
import { inList, sql, type Transaction } from '../storage/database.js';

/**
 * Lets whoever sees its uploader's profile see a picture; nothing happens to what is no picture of theirs. False when it is attached to an
 * event, which is all it is for.
 */
export async function showOnProfile(tx: Transaction, picture: { mediaId: string; serverName: ServerName; userNid: number; now: number }): Promise<boolean> {
  const attached = await tx.one(sql`
    SELECT media_id FROM media
    WHERE media_id = ${picture.mediaId} AND shard = ${picture.serverName} AND uploader_nid = ${picture.userNid} AND is_attached = 1 AND quarantined_ts IS NULL`);
  if (attached !== undefined) return false;
  await tx.run(sql`
    UPDATE media
    SET on_profile_ts = coalesce(on_profile_ts, ${picture.now}), idle_since_ts = NULL
    WHERE media_id = ${picture.mediaId} AND shard = ${picture.serverName} AND class = 'avatar' AND uploader_nid = ${picture.userNid}`);
  return true;
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

/** Lets whoever is in a room, or invited, see a picture that its uploader has hung there; one that is attached hangs nowhere else. */
export async function showInRoom(tx: Transaction, picture: Hanging): Promise<void> {
  const shown = await tx.run(sql`
    INSERT INTO media_grants (media_id, room_nid, why, seq, last_seq, granted_ts)
    SELECT m.media_id, ${picture.roomNid}, 'avatar', ${picture.seq}, ${picture.seq}, ${picture.now}
    FROM media m
    WHERE m.media_id = ${picture.mediaId} AND m.shard = ${picture.serverName} AND m.class = 'avatar'
      AND (${picture.unlessOnProfile ? 0 : 1} = 1 OR m.on_profile_ts IS NULL)
      AND (${hangsInPredecessor(picture)} OR (m.uploader_nid = ${picture.senderNid} AND (m.is_attached = 0
        OR EXISTS (SELECT 1 FROM media_grants here WHERE here.media_id = m.media_id AND here.room_nid = ${picture.roomNid}))))
    ON CONFLICT (media_id, room_nid) DO UPDATE SET last_seq = excluded.last_seq`);
  if (shown > 0) await tx.run(sql`UPDATE media SET idle_since_ts = NULL WHERE media_id = ${picture.mediaId}`);
}

/** An upgraded room keeps its picture, whoever upgrades it: the old room has it and has been closed for this one, and the sender is there. */
function hangsInPredecessor({ serverName, senderNid, roomNid }: Hanging) {
  return sql`EXISTS (
    SELECT 1
    FROM current_state s
    JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq
    JOIN rooms old ON old.room_id = e.json -> 'content' -> 'predecessor' ->> 'room_id'
    JOIN rooms here ON here.room_nid = s.room_nid
    JOIN memberships mine ON mine.room_nid = old.room_nid AND mine.user_nid = ${senderNid} AND mine.membership = 'join'
    JOIN media_grants g ON g.room_nid = old.room_nid AND g.media_id = m.media_id AND g.why = 'avatar'
    JOIN current_state closed ON closed.room_nid = old.room_nid AND closed.type = 'm.room.tombstone' AND closed.state_key = ''
    JOIN events tombstone ON tombstone.room_nid = closed.room_nid AND tombstone.seq = closed.seq
    JOIN current_state hung ON hung.room_nid = old.room_nid AND hung.type = 'm.room.avatar' AND hung.state_key = ''
    JOIN events avatar ON avatar.room_nid = hung.room_nid AND avatar.seq = hung.seq
    WHERE s.room_nid = ${roomNid} AND s.type = 'm.room.create' AND s.state_key = ''
      AND tombstone.json -> 'content' ->> 'replacement_room' = here.room_id
      AND avatar.json -> 'content' ->> 'url' = ${`mxc://${serverName}/`} || m.media_id)`;
}

/** Takes a picture down with the event that hung it, where no other event of the room still shows it. */
export async function takeDownRedacted(tx: Transaction, { roomNid, seq, root, now }: { roomNid: number; seq: number; root: string; now: number }): Promise<void> {
  const taken = await tx.all<{ media_id: string }>(sql`
    DELETE FROM media_grants
    WHERE room_nid = ${roomNid} AND why = 'avatar' AND seq <= ${seq} AND last_seq >= ${seq}
      AND EXISTS (SELECT 1 FROM events e WHERE e.room_nid = ${roomNid} AND e.seq = ${seq} AND e.type IN ('m.room.avatar', 'm.room.member'))
      AND NOT EXISTS (
        SELECT 1
        FROM events e
        WHERE e.room_nid = media_grants.room_nid AND e.seq BETWEEN media_grants.seq AND media_grants.last_seq
          AND ((e.type = 'm.room.avatar' AND e.json -> 'content' ->> 'url' = ${root} || media_grants.media_id)
            OR (e.type = 'm.room.member' AND e.json -> 'content' ->> 'avatar_url' = ${root} || media_grants.media_id)))
    RETURNING media_id`);
  if (taken.length === 0) return;
  await tx.run(sql`
    UPDATE media SET idle_since_ts = ${now}
    WHERE media_id IN ${inList(taken.map(({ media_id }) => media_id))} AND on_profile_ts IS NULL
      AND NOT EXISTS (SELECT 1 FROM media_grants g WHERE g.media_id = media.media_id)`);
}
