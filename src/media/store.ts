import type { ServerName, UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';

export interface MediaRow {
  readonly media_id: string;
  readonly size: number;
  readonly wrapped_key: string;
}

export interface NewMedia extends MediaRow {
  readonly shard: ServerName;
  readonly uploader_nid: number;
  readonly device_nid: number;
  readonly sha256: string;
  readonly created_ts: number;
}

/** A blob without any grant waits for its first one however long that takes. */
const UNTIL_GRANTED = Number.MAX_SAFE_INTEGER;

export async function insertMedia(tx: Transaction, media: NewMedia): Promise<void> {
  await tx.run(sql`
    INSERT INTO media (media_id, shard, uploader_nid, device_nid, size, sha256, wrapped_key, created_ts, grants_until_ts)
    VALUES (${media.media_id}, ${media.shard}, ${media.uploader_nid}, ${media.device_nid}, ${media.size}, ${media.sha256},
      ${media.wrapped_key}, ${media.created_ts}, ${UNTIL_GRANTED})`);
}

/**
 * The blob, when this person may fetch it: they uploaded it, or are joined to a room it is granted to and may see that room's history
 * at the event that granted it. https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
export async function findMediaFor(
  tx: ReadTransaction,
  who: { userNid: number; userId: UserId },
  mxc: { serverName: ServerName; mediaId: string },
): Promise<MediaRow | undefined> {
  return tx.one<MediaRow>(sql`
    SELECT m.media_id, m.size, m.wrapped_key
    FROM media m
    WHERE m.media_id = ${mxc.mediaId} AND m.shard = ${mxc.serverName}
      AND (m.uploader_nid = ${who.userNid} OR EXISTS (
        SELECT 1
        FROM media_grants g CROSS JOIN memberships mine -- in this order: a blob has few rooms, a person may have hundreds
        WHERE g.media_id = m.media_id
          AND mine.room_nid = g.room_nid AND mine.user_nid = ${who.userNid} AND mine.membership = 'join'
          AND (mine.changed_seq <= g.seq OR CASE ${visibilityAtGrant}
            WHEN 'shared' THEN 1 = 1
            WHEN 'invited' THEN ${membershipAtGrant(who.userId)} IN ('join', 'invite')
            ELSE ${membershipAtGrant(who.userId)} = 'join' END)))`);
}

/** What one entry of the state of room `g.room_nid` said just before the event `g.seq`; NULL when it had not been set. */
function stateAtGrant(type: string, stateKey: string, member: 'history_visibility' | 'membership'): Sql {
  const said = member === 'membership' ? sql`e.json -> 'content' ->> 'membership'` : sql`e.json -> 'content' ->> 'history_visibility'`;
  const entry = sql`s.room_nid = g.room_nid AND s.type = ${type} AND s.state_key = ${stateKey} AND s.since_seq <= g.seq`;
  return sql`coalesce(
    (SELECT ${said} FROM past_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq WHERE ${entry} AND s.until_seq > g.seq),
    (SELECT ${said} FROM current_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq WHERE ${entry}))`;
}

const visibilityAtGrant = sql`coalesce(${stateAtGrant('m.room.history_visibility', '', 'history_visibility')}, 'shared')`;

function membershipAtGrant(userId: UserId): Sql {
  return stateAtGrant('m.room.member', userId, 'membership');
}

/** Grants a room what `deviceNid` may still grant by sending; resolves to how many grants are new. */
export async function grantToRoom(
  tx: Transaction,
  grant: { deviceNid: number; roomNid: number; seq: number; now: number },
): Promise<number> {
  return tx.run(sql`
    INSERT INTO media_grants (media_id, room_nid, seq, granted_ts)
    SELECT media_id, ${grant.roomNid}, ${grant.seq}, ${grant.now}
    FROM media
    WHERE device_nid = ${grant.deviceNid} AND grants_until_ts > ${grant.now}
    ON CONFLICT (media_id, room_nid) DO NOTHING`);
}

/** From its first grant on, a blob is granted further only for `freshMs` after its upload. */
export async function closeGranted(tx: Transaction, deviceNid: number, freshMs: number): Promise<void> {
  await tx.run(sql`
    UPDATE media
    SET grants_until_ts = created_ts + ${freshMs}
    WHERE device_nid = ${deviceNid} AND grants_until_ts = ${UNTIL_GRANTED}`);
}

/** Those of the media ids that have a row. */
export async function knownMedia(tx: ReadTransaction, mediaIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx.all<{ media_id: string }>(sql`SELECT media_id FROM media WHERE media_id IN ${inList(mediaIds)}`);
  return new Set(rows.map((row) => row.media_id));
}

/** Any one blob's wrapped key, to try a media key on. */
export async function anyMedia(tx: ReadTransaction): Promise<MediaRow | undefined> {
  return tx.one<MediaRow>(sql`SELECT media_id, size, wrapped_key FROM media LIMIT 1`);
}
