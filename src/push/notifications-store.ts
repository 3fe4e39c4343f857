import { rowsOf, sql, type ReadTransaction } from '../storage/database.js';

export interface Candidate {
  readonly room_nid: number;
  readonly seq: number;
  readonly position: number;
  readonly thread_root: string | null;
}

/** Events of others in rooms, each after a point of the room, within a stretch of the stream; newest first, and none that was redacted. */
export async function candidatesWithin(
  tx: ReadTransaction,
  rooms: readonly { readonly room_nid: number; readonly changed_seq: number }[],
  { from, before, userNid, limit }: { readonly from: number; readonly before: number; readonly userNid: number; readonly limit: number },
): Promise<readonly Candidate[]> {
  return tx.all<Candidate>(sql`
    WITH picked (room_nid, seq) AS (VALUES ${rowsOf(rooms.map((room) => [room.room_nid, room.changed_seq]), ['BIGINT', 'BIGINT'])})
    SELECT e.room_nid, e.seq, e.position, e.thread_root
    FROM picked JOIN events e ON e.room_nid = picked.room_nid AND e.position >= ${from} AND e.position < ${before}
    WHERE e.seq > picked.seq AND e.sender_nid <> ${userNid} AND e.redacted_by_seq IS NULL
    ORDER BY e.position DESC
    LIMIT ${limit}`);
}
