import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

/** In place of a person: everybody together. */
const SHARD = 0;

export interface Usage {
  readonly user: number;
  readonly shard: number;
}

/** Bytes that a person, and everybody, has uploaded and that are still there. */
export async function usageOf(tx: ReadTransaction, userNid: number): Promise<Usage> {
  const rows = await tx.all<{ user_nid: number; bytes: number }>(sql`SELECT user_nid, bytes FROM media_usage WHERE user_nid IN (${userNid}, ${SHARD})`);
  const of = (nid: number): number => rows.find((row) => row.user_nid === nid)?.bytes ?? 0;
  return { user: of(userNid), shard: of(SHARD) };
}

/** Adds bytes to the counts of people, or takes them away; the shard's own last, for all wait for it. */
export async function addUsage(tx: Transaction, bytesByUser: ReadonlyMap<number, number>): Promise<void> {
  const people = [...bytesByUser].sort(([a], [b]) => a - b);
  const all = people.reduce((sum, [, bytes]) => sum + bytes, 0);
  for (const [nid, bytes] of [...people, [SHARD, all] as const]) {
    await tx.run(sql`
      INSERT INTO media_usage (user_nid, bytes) VALUES (${nid}, ${bytes})
      ON CONFLICT (user_nid) DO UPDATE SET bytes = media_usage.bytes + excluded.bytes`);
  }
}
