import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

/** The JSON of a filter, undefined when this person has none of that id. */
export async function findFilter(tx: ReadTransaction, userNid: number, filterId: string): Promise<string | undefined> {
  const row = await tx.one<{ filter: string }>(sql`
    SELECT filter FROM filters WHERE user_nid = ${userNid} AND filter_id = ${filterId}`);
  return row?.filter;
}

export async function saveFilter(tx: Transaction, userNid: number, { filterId, filter }: { filterId: string; filter: string }): Promise<void> {
  await tx.run(sql`
    INSERT INTO filters (user_nid, filter_id, filter) VALUES (${userNid}, ${filterId}, ${filter})
    ON CONFLICT (user_nid, filter_id) DO NOTHING`);
}

export async function deleteFilters(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM filters WHERE user_nid = ${userNid}`);
}
