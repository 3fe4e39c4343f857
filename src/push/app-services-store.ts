import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';

/** An event by its place. */
export interface EventPlace {
  readonly position: number;
  readonly room_nid: number;
  readonly seq: number;
}

/**
 * Of the services named, those one of whose users is in the room of an event that has just been appended, or is whom it is about: an
 * invitation, or a leaving. Asked anew for every event, so that nothing can be left over from a user who is gone.
 */
export async function servicesConcerned(tx: ReadTransaction, ids: readonly string[], { roomNid, seq }: { roomNid: number; seq: number }): Promise<readonly string[]> {
  // CROSS JOIN keeps SQLite to this order: a room has fewer members than a service may have users.
  const rows = await tx.all<{ app_service_id: string }>(sql`
    SELECT DISTINCT u.app_service_id
    FROM memberships m CROSS JOIN users u
    WHERE m.room_nid = ${roomNid} AND (m.membership = 'join' OR m.seq = ${seq})
      AND u.user_nid = m.user_nid AND u.app_service_id IN ${inList(ids)} AND u.is_locked = 0`);
  return rows.map(({ app_service_id }) => app_service_id);
}

/** Whether anything waits for a service. */
export async function hasWaiting(tx: ReadTransaction, id: string): Promise<boolean> {
  return (await tx.one(sql`SELECT 1 AS found FROM app_service_events WHERE app_service_id = ${id} LIMIT 1`)) !== undefined;
}

export async function putWaiting(tx: Transaction, id: string, { position, roomNid, seq }: { position: number; roomNid: number; seq: number }): Promise<void> {
  await tx.run(sql`
    INSERT INTO app_service_events (app_service_id, position, room_nid, seq) VALUES (${id}, ${position}, ${roomNid}, ${seq})`);
}

/** The transaction a service has been sent and has not taken. */
export async function openTransaction(tx: ReadTransaction, id: string): Promise<number | undefined> {
  const row = await tx.one<{ txn_nid: number }>(sql`
    SELECT txn_nid FROM app_service_events WHERE app_service_id = ${id} AND txn_nid IS NOT NULL ORDER BY position LIMIT 1`);
  return row?.txn_nid;
}

/** Puts the oldest of what waits into a transaction, to which nothing is added later. */
export async function fillTransaction(tx: Transaction, id: string, { txnNid, most }: { txnNid: number; most: number }): Promise<void> {
  await tx.run(sql`
    UPDATE app_service_events SET txn_nid = ${txnNid}
    WHERE app_service_id = ${id} AND position IN (
      SELECT position FROM app_service_events WHERE app_service_id = ${id} AND txn_nid IS NULL ORDER BY position LIMIT ${most})`);
}

/** The events of a transaction, in order. */
export async function placesIn(tx: ReadTransaction, id: string, txnNid: number): Promise<readonly EventPlace[]> {
  return tx.all<EventPlace>(sql`
    SELECT position, room_nid, seq FROM app_service_events WHERE app_service_id = ${id} AND txn_nid = ${txnNid} ORDER BY position`);
}

export async function dropTransaction(tx: Transaction, id: string, txnNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM app_service_events WHERE app_service_id = ${id} AND txn_nid = ${txnNid}`);
}

/** Services that are told of nothing any more are owed nothing. */
export async function dropOthers(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx.run(ids.length === 0 ? sql`DELETE FROM app_service_events` : sql`DELETE FROM app_service_events WHERE app_service_id NOT IN ${inList(ids)}`);
}
