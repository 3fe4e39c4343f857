import type { EventId, RoomId, UserId } from '../matrix/identifiers.js';
import { inList, rowsOf, sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';

export interface PusherRow {
  readonly pusher_nid: number;
  readonly app_id: string;
  readonly pushkey: string;
  readonly app_display_name: string;
  readonly device_display_name: string;
  readonly profile_tag: string | null;
  readonly lang: string;
  readonly url: string;
  /** JSON, without the url. */
  readonly data: string;
}

export async function pushersOf(tx: ReadTransaction, userNid: number): Promise<readonly PusherRow[]> {
  return tx.all<PusherRow>(sql`
    SELECT pusher_nid, app_id, pushkey, app_display_name, device_display_name, profile_tag, lang, url, data
    FROM live_pushers WHERE user_nid = ${userNid} ORDER BY pusher_nid`);
}

export interface NewPusher extends Omit<PusherRow, 'profile_tag'> {
  readonly profile_tag: string | undefined;
  readonly userNid: number;
  readonly deviceNid: number;
  readonly sessionNid: number;
  readonly now: number;
}

/** A pusher belongs to the session that sets it, whoever's it was before; what waited for it is not lost. Without effect once the session has ended. */
export async function savePusher(tx: Transaction, p: NewPusher): Promise<void> {
  const device = await tx.one(sql`
    SELECT device_nid FROM devices WHERE device_nid = ${p.deviceNid} AND session_nid = ${p.sessionNid} AND user_nid = ${p.userNid}`);
  if (device === undefined) return;
  await tx.run(sql`
    INSERT INTO pushers (pusher_nid, user_nid, device_nid, session_nid, app_id, pushkey, app_display_name, device_display_name, profile_tag, lang, url, data, set_ts)
    VALUES (${p.pusher_nid}, ${p.userNid}, ${p.deviceNid}, ${p.sessionNid}, ${p.app_id}, ${p.pushkey}, ${p.app_display_name},
      ${p.device_display_name}, ${p.profile_tag ?? null}, ${p.lang}, ${p.url}, ${p.data}, ${p.now})
    ON CONFLICT (user_nid, app_id, pushkey) DO UPDATE SET
      device_nid = excluded.device_nid, session_nid = excluded.session_nid, app_display_name = excluded.app_display_name,
      device_display_name = excluded.device_display_name, profile_tag = excluded.profile_tag, lang = excluded.lang,
      url = excluded.url, data = excluded.data, set_ts = excluded.set_ts`);
}

export async function deletePusher(tx: Transaction, userNid: number, { appId, pushkey }: { appId: string; pushkey: string }): Promise<void> {
  await tx.run(sql`DELETE FROM pushers WHERE user_nid = ${userNid} AND app_id = ${appId} AND pushkey = ${pushkey}`);
}

/** The same app on the same telephone, when somebody else used it before. */
export async function deletePushersOfOthers(tx: Transaction, userNid: number, { appId, pushkey }: { appId: string; pushkey: string }): Promise<void> {
  await tx.run(sql`DELETE FROM pushers WHERE app_id = ${appId} AND pushkey = ${pushkey} AND user_nid <> ${userNid}`);
}

/** A pusher as whoever pushes needs it. */
export interface Target {
  readonly pusher_nid: number;
  readonly user_nid: number;
  readonly user_id: UserId;
  readonly app_id: string;
  readonly pushkey: string;
  readonly url: string;
  readonly data: string;
  readonly set_ts: number;
  readonly told_unread: number | null;
  readonly is_failing: number;
}

/** A target of an event, with what its owner's own rules say if they have any. */
export interface MemberTarget extends Target {
  readonly ruleset: string | null;
  readonly ignored: string | null;
  readonly displayname: string | null;
}

const target: Sql = sql`p.pusher_nid, p.user_nid, u.user_id, p.app_id, p.pushkey, p.url, p.data, p.set_ts, p.told_unread, p.is_failing`;

/** The pushers of a room's members who were in it when an event came, the sender left out. */
export async function targetsInRoom(tx: ReadTransaction, { roomNid, seq, senderNid }: { roomNid: number; seq: number; senderNid: number }): Promise<readonly MemberTarget[]> {
  return tx.all<MemberTarget>(sql`
    SELECT ${target}, r.ruleset, r.ignored, e.json -> 'content' ->> 'displayname' AS displayname
    FROM memberships m
    JOIN live_pushers p ON p.user_nid = m.user_nid
    JOIN users u ON u.user_nid = m.user_nid
    JOIN events e ON e.room_nid = m.room_nid AND e.seq = m.seq
    LEFT JOIN push_rules r ON r.user_nid = m.user_nid
    WHERE m.room_nid = ${roomNid} AND m.has_pushers = 1 AND m.membership = 'join' AND m.changed_seq < ${seq} AND m.user_nid <> ${senderNid}`);
}

/** The pushers of one member, of whatever membership. */
export async function targetsOfMember(tx: ReadTransaction, roomNid: number, userId: string): Promise<readonly MemberTarget[]> {
  return tx.all<MemberTarget>(sql`
    SELECT ${target}, r.ruleset, r.ignored, NULL AS displayname
    FROM users u
    JOIN memberships m ON m.user_nid = u.user_nid AND m.room_nid = ${roomNid} AND m.membership = 'invite'
    JOIN live_pushers p ON p.user_nid = u.user_nid
    LEFT JOIN push_rules r ON r.user_nid = u.user_nid
    WHERE u.user_id = ${userId}`);
}

export async function targetsOfUser(tx: ReadTransaction, userNid: number): Promise<readonly Target[]> {
  return tx.all<Target>(sql`SELECT ${target} FROM live_pushers p JOIN users u ON u.user_nid = p.user_nid WHERE p.user_nid = ${userNid}`);
}

export async function findTarget(tx: ReadTransaction, pusherNid: number): Promise<Target | undefined> {
  return tx.one<Target>(sql`SELECT ${target} FROM live_pushers p JOIN users u ON u.user_nid = p.user_nid WHERE p.pusher_nid = ${pusherNid}`);
}

export async function hasPushers(tx: ReadTransaction, userNid: number): Promise<boolean> {
  return (await tx.one(sql`SELECT 1 AS found FROM pushers WHERE user_nid = ${userNid} LIMIT 1`)) !== undefined;
}

/** A key the gateway says is no good: no push for it is ever sent again, whoever's it is. */
export async function deleteRejected(tx: Transaction, { app_id, pushkey, url }: Target): Promise<void> {
  await tx.run(sql`DELETE FROM pushers WHERE app_id = ${app_id} AND pushkey = ${pushkey} AND url = ${url}`);
}

/** What the targets were told last was not this count alone: NULL, for an event told it too. */
export async function noteTold(tx: Transaction, pusherNids: readonly number[], unread: number | null): Promise<void> {
  await tx.run(sql`
    UPDATE pushers SET told_unread = ${unread}
    WHERE pusher_nid IN ${inList(pusherNids)} AND coalesce(told_unread, -1) <> coalesce(CAST(${unread} AS BIGINT), -1)`);
}

/** Those of them that did not fail before. */
export async function markFailing(tx: Transaction, pusherNids: readonly number[]): Promise<readonly number[]> {
  const marked = await tx.all<{ pusher_nid: number }>(sql`
    UPDATE pushers SET is_failing = 1 WHERE pusher_nid IN ${inList(pusherNids)} AND is_failing = 0 RETURNING pusher_nid`);
  return marked.map(({ pusher_nid }) => pusher_nid);
}

export async function markWorking(tx: Transaction, pusherNid: number): Promise<void> {
  await tx.run(sql`UPDATE pushers SET is_failing = 0 WHERE pusher_nid = ${pusherNid}`);
}

export interface FailedPush {
  readonly pusher_nid: number;
  readonly task_nid: number;
  readonly room_id: RoomId;
  readonly event_id: EventId;
  readonly is_urgent: number;
  readonly since_ts: number;
}

export interface WaitingPush extends Omit<FailedPush, 'pusher_nid'> {
  /** Whether the event says something of the membership of whoever is pushed to. */
  readonly is_invite: number;
}

/** Notes pushes for later, each once for the work it came from; of each pusher so many of the newest are kept. */
export async function putWaiting(tx: Transaction, pushes: readonly FailedPush[], most: number): Promise<void> {
  const rows = pushes.map((push) => [push.pusher_nid, push.task_nid, push.room_id, push.event_id, push.is_urgent, push.since_ts]);
  await tx.run(sql`
    WITH failed (pusher_nid, task_nid, room_id, event_id, is_urgent, since_ts) AS (VALUES ${rowsOf(rows, ['BIGINT', 'BIGINT', 'TEXT', 'TEXT', 'BIGINT', 'BIGINT'])})
    INSERT INTO waiting_pushes (pusher_nid, task_nid, room_id, event_id, is_urgent, since_ts)
    SELECT p.pusher_nid, f.task_nid, f.room_id, f.event_id, f.is_urgent, f.since_ts
    FROM failed f JOIN pushers p ON p.pusher_nid = f.pusher_nid
    WHERE true
    ON CONFLICT (pusher_nid, task_nid) DO NOTHING`);
  await tx.run(sql`
    DELETE FROM waiting_pushes
    WHERE pusher_nid IN ${inList(pushes.map(({ pusher_nid }) => pusher_nid))} AND task_nid <= (
      SELECT w.task_nid FROM waiting_pushes w
      WHERE w.pusher_nid = waiting_pushes.pusher_nid ORDER BY w.task_nid DESC LIMIT 1 OFFSET ${most})`);
}

export async function waitingFor(tx: ReadTransaction, pusherNid: number): Promise<readonly WaitingPush[]> {
  return tx.all<WaitingPush>(sql`
    SELECT w.task_nid, w.room_id, w.event_id, w.is_urgent, w.since_ts, CASE WHEN e.event_id IS NULL THEN 0 ELSE 1 END AS is_invite
    FROM waiting_pushes w
    JOIN pushers p ON p.pusher_nid = w.pusher_nid
    JOIN users u ON u.user_nid = p.user_nid
    LEFT JOIN events e ON e.event_id = w.event_id AND e.type = 'm.room.member' AND e.state_key = u.user_id
    WHERE w.pusher_nid = ${pusherNid} ORDER BY w.task_nid`);
}

export async function dropWaiting(tx: Transaction, pusherNid: number, upToTask: number): Promise<void> {
  await tx.run(sql`DELETE FROM waiting_pushes WHERE pusher_nid = ${pusherNid} AND task_nid <= ${upToTask}`);
}
