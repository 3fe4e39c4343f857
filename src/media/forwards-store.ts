import { sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';
import { seesEvent, type Mxc, type Reader } from './grants-store.js';

export interface Forward {
  readonly media_id: string;
  readonly size: number;
  readonly blob_name: string;
  readonly wrapped_key: string;
  readonly forwarder_nid: number;
  readonly room_nid: number;
}

/**
 * How far one looks for who may have forwarded something: first through so many who were served it and so many of their messages; then
 * through so many messages in the rooms of the reader, among which they are shared out alike, the newest of each person who wrote there last,
 * in so many rooms, those that were written to last. Of so many it is found out whether the reader sees them, which is the dearest to ask.
 * What both looks miss went to many and is opened late. To write the grants with the messages instead would take a row for every file the
 * sender was ever served, in every room they ever write to.
 */
export const FORWARDS_WITHIN = { served: { people: 100, messages: 300 }, spoken: { messages: 3000, rooms: 300 }, judged: 300 } as const;

/**
 * Somebody who was served the blob and has since sent a message that the reader, who is in its room, sees. Of each person only the
 * newest message in a room is looked at: whoever is joined and sees an earlier one sees that one too. What a redaction has taken back is idle.
 */
export async function findForward(tx: ReadTransaction, who: Reader, mxc: Mxc): Promise<Forward | undefined> {
  const by = (await tx.one<By>(forwarderAmongServed(who, mxc))) ?? (await tx.one<By>(forwarderAmongSpeakers(who, mxc)));
  if (by === undefined) return undefined;
  const blob = await tx.one<Omit<Forward, keyof By>>(sql`SELECT media_id, size, blob_name, wrapped_key FROM media WHERE media_id = ${mxc.mediaId}`);
  return blob && { ...blob, ...by };
}

type By = Pick<Forward, 'forwarder_nid' | 'room_nid'>;

/** The look from the blob's side: whoever few were served is found however late, and however many have written in the reader's rooms since. */
export function forwarderAmongServed(who: Reader, mxc: Mxc, within: { readonly people: number; readonly messages: number } = FORWARDS_WITHIN.served): Sql {
  return sql`
    SELECT said.user_nid AS forwarder_nid, said.room_nid
    FROM (
      SELECT sent.user_nid, sent.room_nid, sent.seq
      FROM (
        SELECT user_nid, position
        FROM ledger_blob_readers
        WHERE media_id = ${mxc.mediaId} AND user_nid <> ${who.userNid} AND EXISTS (${forwardable(mxc)})
        LIMIT CAST(${within.people} AS BIGINT)) served
      CROSS JOIN newest_messages sent
      WHERE sent.user_nid = served.user_nid AND sent.position > served.position
      LIMIT CAST(${within.messages} AS BIGINT)) said
    CROSS JOIN memberships mine
    WHERE mine.room_nid = said.room_nid AND mine.user_nid = ${who.userNid} AND mine.membership = 'join'
      AND ${seesEvent(who, sql`said.room_nid`, sql`said.seq`)}
    LIMIT 1`;
}

/**
 * The look from the reader's side begins with their rooms and ends with the blob, so how long it takes depends on who looks: hardly on the
 * blob, which may have thousands of readers or may not exist (RULES C2). The limit and the subqueries keep both engines to that order: without
 * the limit PostgreSQL asks about the blob before it leaves out those who wrote long ago. What is the same for all speakers is asked at most once.
 */
export function forwarderAmongSpeakers(who: Reader, mxc: Mxc, within: { readonly messages: number; readonly rooms: number } = FORWARDS_WITHIN.spoken): Sql {
  const rooms = sql`CAST(${within.rooms} AS BIGINT)`;
  const share = sql`CAST(${within.messages} AS BIGINT) / CASE WHEN count(*) > ${rooms} THEN ${rooms} WHEN count(*) = 0 THEN 1 ELSE count(*) END`;
  return sql`
    SELECT mine.user_nid AS forwarder_nid, mine.room_nid
    FROM (
      SELECT spoken.user_nid, spoken.room_nid, spoken.seq, spoken.changed_seq
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
        LIMIT CAST(${within.messages} AS BIGINT)) spoken
      WHERE spoken.user_nid <> ${who.userNid}
        AND (
          SELECT CASE WHEN served.position < spoken.position THEN (${forwardable(mxc)}) END
          FROM ledger_blob_readers served
          WHERE served.media_id = ${mxc.mediaId} AND served.user_nid = spoken.user_nid) = 1
      ORDER BY CASE WHEN spoken.changed_seq <= spoken.seq THEN 0 ELSE 1 END -- whoever was there then sees it
      LIMIT CAST(${FORWARDS_WITHIN.judged} AS BIGINT)) mine
    WHERE ${seesEvent(who, sql`mine.room_nid`, sql`mine.seq`)}
    LIMIT 1`;
}

function forwardable({ mediaId, serverName }: Mxc): Sql {
  return sql`
    SELECT 1 FROM media m
    WHERE m.media_id = ${mediaId} AND m.shard = ${serverName}
      AND m.class = 'attachment' AND m.is_attached = 0 AND m.idle_since_ts IS NULL AND m.quarantined_ts IS NULL`;
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

