import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import type { Relation } from './relations.js';

export async function insertRelation(
  tx: Transaction,
  from: { roomNid: number; seq: number; type: string; senderNid: number },
  relation: Relation,
): Promise<void> {
  await tx.run(sql`
    INSERT INTO relations (room_nid, seq, target_id, rel_type, type, sender_nid, relation_key)
    VALUES (${from.roomNid}, ${from.seq}, ${relation.targetId}, ${relation.relType}, ${from.type}, ${from.senderNid}, ${relation.key ?? null})`);
}

/** Whether this person has put this very annotation on that event already. */
export async function hasAnnotated(tx: ReadTransaction, roomNid: number, senderNid: number, relation: Relation): Promise<boolean> {
  const row = await tx.one(sql`
    SELECT seq FROM relations
    WHERE room_nid = ${roomNid} AND target_id = ${relation.targetId} AND sender_nid = ${senderNid} AND relation_key = ${relation.key ?? null}`);
  return row !== undefined;
}

/** How many events of a thread notify, and highlight, by the default push rules; and which was the newest. */
export interface ThreadTip {
  readonly root_id: string;
  readonly newest_seq: number;
  readonly notify_sum: number;
  readonly highlight_sum: number;
}

export async function threadTip(tx: ReadTransaction, roomNid: number, rootId: string): Promise<ThreadTip | undefined> {
  return tx.one<ThreadTip>(sql`
    SELECT root_id, newest_seq, notify_sum, highlight_sum FROM threads WHERE room_nid = ${roomNid} AND root_id = ${rootId}`);
}

export async function putThreadTip(tx: Transaction, roomNid: number, tip: ThreadTip): Promise<void> {
  await tx.run(sql`
    INSERT INTO threads (room_nid, root_id, newest_seq, notify_sum, highlight_sum)
    VALUES (${roomNid}, ${tip.root_id}, ${tip.newest_seq}, ${tip.notify_sum}, ${tip.highlight_sum})
    ON CONFLICT (room_nid, root_id) DO UPDATE SET
      newest_seq = excluded.newest_seq, notify_sum = excluded.notify_sum, highlight_sum = excluded.highlight_sum`);
}
