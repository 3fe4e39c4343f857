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

export interface Forward {
  readonly media_id: string;
  readonly size: number;
  readonly blob_name: string;
  readonly wrapped_key: string;
  readonly forwarder_nid: number;
  readonly room_nid: number;
}

/**
 * How far one looks for who may have forwarded something: through so many messages at most, the newest of each person who wrote last in the
 * rooms of the reader, among which they are shared out alike; and in so many rooms, those that were written to last. To write the grants with
 * the messages instead would take a row for every file the sender was ever served, in every room they ever write to.
 */
export const FORWARDS_WITHIN = { messages: 3000, rooms: 300 } as const;

/**
 * Somebody who was served the blob and has since sent a message that the reader, who is in its room, sees. Of each person only the
 * newest message in a room is looked at: whoever is joined and sees an earlier one sees that one too. What a redaction has taken back is idle.
 */
export async function findForward(tx: ReadTransaction, who: Reader, mxc: Mxc): Promise<Forward | undefined> {
  const by = await tx.one<Pick<Forward, 'forwarder_nid' | 'room_nid'>>(forwarderOf(who, mxc));
  if (by === undefined) return undefined;
  const blob = await tx.one<Omit<Forward, keyof typeof by>>(sql`SELECT media_id, size, blob_name, wrapped_key FROM media WHERE media_id = ${mxc.mediaId}`);
  return blob && { ...blob, ...by };
}

/**
 * The look begins with the reader's rooms and ends with the blob, so how long it takes depends on who looks: hardly on the blob, which may
 * have thousands of readers or may not exist (RULES C2). The limit and the subqueries keep both engines to that order: without the limit
 * PostgreSQL asks about the blob before it leaves out those who wrote long ago. What is the same for all speakers is asked at most once.
 */
export function forwarderOf(who: Reader, mxc: Mxc, within: { readonly messages: number; readonly rooms: number } = FORWARDS_WITHIN): Sql {
  const rooms = sql`CAST(${within.rooms} AS BIGINT)`;
  const share = sql`CAST(${within.messages} AS BIGINT) / CASE WHEN count(*) > ${rooms} THEN ${rooms} WHEN count(*) = 0 THEN 1 ELSE count(*) END`;
  return sql`
    SELECT mine.user_nid AS forwarder_nid, mine.room_nid
    FROM (
      SELECT sent.user_nid, sent.room_nid, sent.seq, sent.position, near.changed_seq
      FROM (
        SELECT theirs.room_nid, theirs.changed_seq, coalesce((
          SELECT n.position FROM newest_messages n
          WHERE n.room_nid = theirs.room_nid
          ORDER BY n.position DESC
          LIMIT 1 OFFSET (SELECT ${share} - 1 FROM memberships own WHERE own.user_nid = ${who.userNid} AND own.membership = 'join')), 0) AS since
        FROM memberships theirs JOIN rooms r ON r.room_nid = theirs.room_nid
        WHERE theirs.user_nid = ${who.userNid} AND theirs.membership = 'join'
        ORDER BY r.position DESC
        LIMIT ${rooms}) near
      CROSS JOIN newest_messages sent
      WHERE sent.room_nid = near.room_nid AND sent.position >= near.since
      LIMIT CAST(${within.messages} AS BIGINT)) mine
    WHERE mine.user_nid <> ${who.userNid}
      AND (
        SELECT CASE WHEN served.position < mine.position THEN (
          SELECT 1 FROM media m
          WHERE m.media_id = ${mxc.mediaId} AND m.shard = ${mxc.serverName}
            AND m.class = 'attachment' AND m.is_attached = 0 AND m.idle_since_ts IS NULL AND m.quarantined_ts IS NULL) END
        FROM ledger_blob_readers served
        WHERE served.media_id = ${mxc.mediaId} AND served.user_nid = mine.user_nid) = 1
      AND ${seesEvent(who, sql`mine.room_nid`, sql`mine.seq`)}
    LIMIT 1`;
}

/** Whether the event of a grant is the room's state now, which its members see whenever they came. */
const isInForce = sql`EXISTS (
  SELECT 1
  FROM events e JOIN current_state s ON s.room_nid = e.room_nid AND s.type = e.type AND s.state_key = e.state_key AND s.seq = e.seq
  WHERE e.room_nid = g.room_nid AND e.seq = g.last_seq)`;

/** Whether a joined reader, whose membership is `mine`, sees an event: by the history visibility and their membership when it was sent. */
function seesEvent({ userId }: Reader, room: Sql, seq: Sql): Sql {
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

/** Remembers somebody's newest message in a room. */
export async function putNewestMessage(tx: Transaction, at: { userNid: number; roomNid: number; seq: number; position: number }): Promise<void> {
  await tx.run(sql`
    INSERT INTO newest_messages (user_nid, room_nid, seq, position) VALUES (${at.userNid}, ${at.roomNid}, ${at.seq}, ${at.position})
    ON CONFLICT (user_nid, room_nid) DO UPDATE SET seq = excluded.seq, position = excluded.position`);
}

/** A message that is gone forwards nothing: in its place comes the newest of that person in the room that is still there. */
export async function forgetRedactedMessage(tx: Transaction, { roomNid, seq }: { roomNid: number; seq: number }): Promise<void> {
  const [forgotten] = await tx.all<{ user_nid: number }>(sql`
    DELETE FROM newest_messages
    WHERE room_nid = ${roomNid} AND seq = ${seq} AND user_nid = (SELECT sender_nid FROM events WHERE room_nid = ${roomNid} AND seq = ${seq})
    RETURNING user_nid`);
  if (forgotten === undefined) return;
  await tx.run(sql`
    INSERT INTO newest_messages (user_nid, room_nid, seq, position)
    SELECT sender_nid, room_nid, seq, position
    FROM events
    WHERE room_nid = ${roomNid} AND seq < ${seq} AND sender_nid = ${forgotten.user_nid} AND type = 'm.room.encrypted' AND redacted_by_seq IS NULL
    ORDER BY seq DESC
    LIMIT 1`);
}

/** How many inferred grants a person was given since then. */
export async function inferredSince(tx: ReadTransaction, userNid: number, since: number): Promise<number> {
  const row = await tx.one<{ n: number }>(sql`
    SELECT count(*) AS n FROM media_user_grants WHERE user_nid = ${userNid} AND why = 'forwarded' AND granted_ts > ${since}`);
  return row?.n ?? 0;
}

/** Writes down whom a reader has a blob from, and through which room. */
export async function putForward(tx: Transaction, userNid: number, forward: Forward, now: number): Promise<void> {
  await tx.run(sql`
    INSERT INTO media_user_grants (media_id, user_nid, why, by_nid, room_nid, granted_ts)
    VALUES (${forward.media_id}, ${userNid}, 'forwarded', ${forward.forwarder_nid}, ${forward.room_nid}, ${now})
    ON CONFLICT (media_id, user_nid) DO UPDATE SET
      why = excluded.why, by_nid = excluded.by_nid, room_nid = excluded.room_nid, granted_ts = excluded.granted_ts`);
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
