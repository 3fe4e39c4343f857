import type { ServerName, UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';
import { FRESH_MS, NEVER, UNTIL_GRANTED, type Content } from './store.js';

export interface Reader {
  readonly userNid: number;
  readonly userId: UserId;
}

export interface Mxc {
  readonly serverName: ServerName;
  readonly mediaId: string;
}

export interface GrantedRow {
  readonly media_id: string;
  readonly class: 'pending' | Content['class'];
  readonly size: number | null;
  readonly blob_name: string | null;
  readonly wrapped_key: string | null;
  readonly content_type: string | null;
}

/**
 * The blob, when this person may fetch it: they uploaded it; or it is granted to a room they are joined to, whose history they see at
 * the event that granted it; or to them; or it is the picture of a room they are in or invited to, or of a profile they see.
 * https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
export async function findGranted(tx: ReadTransaction, who: Reader, mxc: Mxc, now: number): Promise<GrantedRow | undefined> {
  return tx.one<GrantedRow>(sql`
    SELECT m.media_id, m.class, m.size, m.blob_name, m.wrapped_key, m.content_type
    FROM media m
    WHERE m.media_id = ${mxc.mediaId} AND m.shard = ${mxc.serverName} AND m.quarantined_ts IS NULL
      AND (m.uploader_nid = ${who.userNid}
        OR EXISTS (
          SELECT 1
          FROM media_grants g CROSS JOIN memberships mine -- in this order: a blob has few rooms, a person may have hundreds
          WHERE g.media_id = m.media_id AND mine.room_nid = g.room_nid AND mine.user_nid = ${who.userNid}
            AND CASE g.why
              WHEN 'avatar' THEN mine.membership IN ('join', 'invite')
              ELSE mine.membership = 'join' AND (${seesEvent(who, sql`g.room_nid`, sql`g.last_seq`)} OR (g.why = 'attached' AND ${isInForce})) END)
        OR EXISTS (
          SELECT 1
          FROM media_user_grants g
          WHERE g.media_id = m.media_id AND g.user_nid = ${who.userNid}
            AND (g.room_nid IS NULL OR EXISTS (
              SELECT 1 FROM memberships mine
              WHERE mine.room_nid = g.room_nid AND mine.user_nid = ${who.userNid} AND mine.membership = 'join')))
        OR (m.on_profile_ts IS NOT NULL AND EXISTS (
          SELECT 1 FROM visible_users v
          WHERE v.viewer_nid = ${who.userNid} AND v.user_nid = m.uploader_nid AND v.until_ts > ${now})))`);
}

/** Whether the event of a grant is the room's state now, which its members see whenever they came. */
const isInForce = sql`EXISTS (
  SELECT 1
  FROM events e JOIN current_state s ON s.room_nid = e.room_nid AND s.type = e.type AND s.state_key = e.state_key AND s.seq = e.seq
  WHERE e.room_nid = g.room_nid AND e.seq = g.last_seq)`;

/** Whether a joined reader, whose membership is `mine`, sees an event: by the history visibility and their membership when it was sent. */
export function seesEvent({ userId }: Reader, room: Sql, seq: Sql): Sql {
  return sql`(mine.changed_seq <= ${seq} OR CASE coalesce(${stateAt(room, seq, 'm.room.history_visibility', '')}, 'shared')
    WHEN 'shared' THEN 1 = 1
    WHEN 'invited' THEN ${stateAt(room, seq, 'm.room.member', userId)} IN ('join', 'invite')
    ELSE ${stateAt(room, seq, 'm.room.member', userId)} = 'join' END)`;
}

/** What one entry of the state of a room said just before an event; NULL when it had not been set. */
function stateAt(room: Sql, seq: Sql, type: 'm.room.history_visibility' | 'm.room.member', stateKey: string): Sql {
  const said = type === 'm.room.member' ? sql`e.json -> 'content' ->> 'membership'` : sql`e.json -> 'content' ->> 'history_visibility'`;
  const entry = sql`s.room_nid = ${room} AND s.type = ${type} AND s.state_key = ${stateKey} AND s.since_seq <= ${seq}`;
  return sql`coalesce(
    (SELECT ${said} FROM past_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq WHERE ${entry} AND s.until_seq > ${seq}),
    (SELECT ${said} FROM current_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq WHERE ${entry}))`;
}

/** An event of a device in a room, and when. */
export interface Cause {
  readonly deviceNid: number;
  readonly roomNid: number;
  readonly seq: number;
  readonly now: number;
}

/** Grants a room what the device may still grant by sending, or says that this event too may carry it; resolves to how many blobs. */
export async function grantToRoom(tx: Transaction, cause: Cause): Promise<number> {
  return tx.run(sql`
    INSERT INTO media_grants (media_id, room_nid, why, seq, last_seq, granted_ts)
    SELECT media_id, ${cause.roomNid}, 'sent', ${cause.seq}, ${cause.seq}, ${cause.now}
    FROM media
    WHERE device_nid = ${cause.deviceNid} AND grants_until_ts > ${cause.now}
    ON CONFLICT (media_id, room_nid) DO UPDATE SET last_seq = excluded.last_seq`);
}

/** From its first grant on, a blob is granted further only for a while after its upload. */
export async function closeGranted(tx: Transaction, { deviceNid, now }: Cause): Promise<void> {
  await tx.run(sql`
    UPDATE media
    SET idle_since_ts = NULL, grants_until_ts = CASE grants_until_ts WHEN ${UNTIL_GRANTED} THEN created_ts + ${FRESH_MS} ELSE grants_until_ts END
    WHERE device_nid = ${deviceNid} AND grants_until_ts > ${now} AND (grants_until_ts = ${UNTIL_GRANTED} OR idle_since_ts IS NOT NULL)`);
}

/**
 * What an event has just granted to its room takes the place of grants by to-device message to its members: with leaving it ends. Room keys
 * go to who is invited too, who may never join.
 */
export async function replaceUserGrants(tx: Transaction, { roomNid, seq }: Cause): Promise<void> {
  await tx.run(sql`
    DELETE FROM media_user_grants
    WHERE why = 'to_device'
      AND media_id IN (SELECT media_id FROM media_grants WHERE room_nid = ${roomNid} AND last_seq = ${seq})
      AND user_nid IN (SELECT user_nid FROM memberships WHERE room_nid = ${roomNid} AND membership IN ('join', 'invite'))`);
}

/** Grants people what the device may still grant by sending, unless a room is granted it that they are in or invited to; resolves to how many grants are new. */
export async function grantToPeople(tx: Transaction, sent: { deviceNid: number; senderNid: number; recipients: readonly number[]; now: number }): Promise<number> {
  return tx.run(sql`
    INSERT INTO media_user_grants (media_id, user_nid, why, by_nid, granted_ts)
    SELECT m.media_id, u.user_nid, 'to_device', ${sent.senderNid}, ${sent.now}
    FROM media m CROSS JOIN users u
    WHERE m.device_nid = ${sent.deviceNid} AND m.grants_until_ts > ${sent.now}
      AND u.user_nid IN ${inList(sent.recipients)} AND u.user_nid <> ${sent.senderNid}
      AND NOT EXISTS (
        SELECT 1
        FROM media_grants g JOIN memberships theirs ON theirs.room_nid = g.room_nid AND theirs.user_nid = u.user_nid AND theirs.membership IN ('join', 'invite')
        WHERE g.media_id = m.media_id)
    ON CONFLICT (media_id, user_nid) DO NOTHING`);
}

/** A to-device message may be but the keys of the message to come, so that may still grant what this one has, for a while. */
export async function closeGrantedToPeople(tx: Transaction, sent: { deviceNid: number; now: number }): Promise<void> {
  await tx.run(sql`
    UPDATE media
    SET idle_since_ts = NULL, grants_until_ts = CASE grants_until_ts WHEN ${UNTIL_GRANTED} THEN ${sent.now + FRESH_MS} ELSE grants_until_ts END
    WHERE device_nid = ${sent.deviceNid} AND grants_until_ts > ${sent.now}
      AND EXISTS (SELECT 1 FROM media_user_grants g WHERE g.media_id = media.media_id)`);
}

/**
 * Takes back what a redacted message may have carried, where no other message that may carry it is left: of the same device, sent
 * between the first and the last that might. An attached blob goes with its event. What nobody may fetch any more is idle, for the sweep.
 */
export async function withdrawRedacted(tx: Transaction, { roomNid, seq, now }: { roomNid: number; seq: number; now: number }): Promise<void> {
  const withdrawn = await tx.all<{ media_id: string }>(sql`
    DELETE FROM media_grants
    WHERE room_nid = ${roomNid} AND seq <= ${seq} AND last_seq >= ${seq} AND why IN ('sent', 'attached')
      AND (why = 'attached' OR EXISTS (
        SELECT 1 FROM media m JOIN events e ON e.room_nid = ${roomNid} AND e.seq = ${seq} AND e.device_nid = m.device_nid
        WHERE m.media_id = media_grants.media_id))
      AND NOT EXISTS (
        SELECT 1
        FROM events e JOIN media m ON m.media_id = media_grants.media_id AND m.device_nid = e.device_nid
        WHERE media_grants.why = 'sent' AND e.room_nid = media_grants.room_nid AND e.seq BETWEEN media_grants.seq AND media_grants.last_seq
          AND e.type = 'm.room.encrypted' AND e.redacted_by_seq IS NULL)
    RETURNING media_id`);
  const ids = inList(withdrawn.map(({ media_id }) => media_id));
  await tx.run(sql`
    UPDATE media SET idle_since_ts = ${now}, grants_until_ts = ${NEVER}
    WHERE media_id IN ${ids}
      AND NOT EXISTS (SELECT 1 FROM media_grants g WHERE g.media_id = media.media_id)
      AND NOT EXISTS (SELECT 1 FROM media_user_grants g WHERE g.media_id = media.media_id)`);
}
