import type { RoomAlias, RoomId } from '../matrix/identifiers.js';
import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export async function resolveAlias(tx: ReadTransaction, alias: RoomAlias): Promise<{ room_nid: number; room_id: RoomId; creator_nid: number } | undefined> {
  return tx.one(sql`
    SELECT a.room_nid, r.room_id, a.creator_nid FROM room_aliases a JOIN rooms r ON r.room_nid = a.room_nid WHERE a.alias = ${alias}`);
}

/** False when the alias is taken. */
export async function insertAlias(tx: Transaction, alias: RoomAlias, roomNid: number, creatorNid: number): Promise<boolean> {
  const changed = await tx.run(sql`
    INSERT INTO room_aliases (alias, room_nid, creator_nid) VALUES (${alias}, ${roomNid}, ${creatorNid}) ON CONFLICT (alias) DO NOTHING`);
  return changed === 1;
}

/** Lets every alias of one room lead to another. */
export async function moveAliases(tx: Transaction, fromRoomNid: number, toRoomNid: number): Promise<void> {
  await tx.run(sql`UPDATE room_aliases SET room_nid = ${toRoomNid} WHERE room_nid = ${fromRoomNid}`);
}

export async function deleteAlias(tx: Transaction, alias: RoomAlias): Promise<void> {
  await tx.run(sql`DELETE FROM room_aliases WHERE alias = ${alias}`);
}

export async function aliasesOf(tx: ReadTransaction, roomNid: number): Promise<readonly RoomAlias[]> {
  const rows = await tx.all<{ alias: RoomAlias }>(sql`SELECT alias FROM room_aliases WHERE room_nid = ${roomNid} ORDER BY alias`);
  return rows.map((row) => row.alias);
}
