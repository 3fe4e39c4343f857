import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';

/** `room_nid` of what belongs to no room. */
export const GLOBAL = 0;

/** The content of what was deleted: its row stays, so that every device hears of it. */
export const DELETED = 'null';

export interface AccountDataRow {
  readonly room_nid: number;
  readonly type: string;
  /** JSON. */
  readonly content: string;
}

export interface AccountDataKey {
  readonly userNid: number;
  readonly roomNid: number;
  readonly type: string;
}

/** Undefined where nothing was set, or what was set has been deleted. */
export async function findAccountData(tx: ReadTransaction, { userNid, roomNid, type }: AccountDataKey): Promise<string | undefined> {
  const row = await tx.one<{ content: string }>(sql`
    SELECT content FROM account_data WHERE user_nid = ${userNid} AND room_nid = ${roomNid} AND type = ${type}`);
  return row?.content === DELETED ? undefined : row?.content;
}

/** What somebody has set under these types outside rooms. */
export async function findGlobalData(tx: ReadTransaction, userNid: number, types: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.all<{ type: string; content: string }>(sql`
    SELECT type, content FROM account_data WHERE user_nid = ${userNid} AND room_nid = ${GLOBAL} AND type IN ${inList(types)}`);
  return new Map(rows.filter(({ content }) => content !== DELETED).map(({ type, content }) => [type, content]));
}

/** Who is in a room and has tagged another or keeps a list of direct chats. */
export async function membersToFollow(tx: ReadTransaction, { from, to }: { readonly from: number; readonly to: number }): Promise<readonly number[]> {
  const rows = await tx.all<{ user_nid: number }>(sql`
    SELECT DISTINCT a.user_nid
    FROM memberships m
    JOIN account_data a ON a.user_nid = m.user_nid
    WHERE m.room_nid = ${to} AND m.membership = 'join'
      AND ((a.room_nid = ${from} AND a.type = 'm.tag') OR (a.room_nid = ${GLOBAL} AND a.type = 'm.direct'))
    ORDER BY a.user_nid`);
  return rows.map(({ user_nid }) => user_nid);
}

/** Of how many types something is kept in one room, or in none; the deleted count too. */
export async function countTypes(tx: ReadTransaction, userNid: number, roomNid: number): Promise<number> {
  const row = await tx.one<{ n: number }>(sql`SELECT count(*) AS n FROM account_data WHERE user_nid = ${userNid} AND room_nid = ${roomNid}`);
  return row?.n ?? 0;
}

/** Forgets that anything was deleted. */
export async function dropDeleted(tx: Transaction, userNid: number, roomNid: number): Promise<void> {
  await tx.run(sql`
    DELETE FROM account_data WHERE user_nid = ${userNid} AND room_nid = ${roomNid} AND CAST(content AS TEXT) = ${DELETED}`);
}

export async function saveAccountData(tx: Transaction, { userNid, roomNid, type }: AccountDataKey, data: { content: string; position: number }): Promise<void> {
  await tx.run(sql`
    INSERT INTO account_data (user_nid, room_nid, type, content, position)
    VALUES (${userNid}, ${roomNid}, ${type}, ${data.content}, ${data.position})
    ON CONFLICT (user_nid, room_nid, type) DO UPDATE SET content = excluded.content, position = excluded.position`);
}

/** What a person set within the range, rooms and no room alike, oldest first; from the beginning nothing that is deleted. */
export async function accountDataSince(tx: ReadTransaction, userNid: number, { after, upTo }: Range): Promise<readonly AccountDataRow[]> {
  return tx.all<AccountDataRow>(sql`
    SELECT room_nid, type, content FROM account_data
    WHERE user_nid = ${userNid} AND position > ${after} AND position <= ${upTo} AND (${after} > 0 OR CAST(content AS TEXT) <> ${DELETED})
    ORDER BY position`);
}

/** All that a person has set in rooms, oldest first. */
export async function accountDataOfRooms(tx: ReadTransaction, userNid: number, roomNids: readonly number[], upTo: number): Promise<readonly AccountDataRow[]> {
  if (roomNids.length === 0) return [];
  return tx.all<AccountDataRow>(sql`
    SELECT room_nid, type, content FROM account_data
    WHERE user_nid = ${userNid} AND room_nid IN ${inList(roomNids)} AND position <= ${upTo} AND CAST(content AS TEXT) <> ${DELETED}
    ORDER BY position`);
}

export async function deleteAllAccountData(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM account_data WHERE user_nid = ${userNid}`);
}
