import type { EventId, UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';

/** `sent` is nobody's receipt: it marks one's own newest event, before which one has nothing left to read. */
export type ReceiptType = 'm.read' | 'm.read.private' | 'sent';
export const UNTHREADED = '';
export const MAIN = 'main';

export interface Receipt {
  readonly roomNid: number;
  readonly userNid: number;
  readonly type: ReceiptType;
  readonly threadId: string;
  readonly eventId: EventId;
  readonly seq: number;
  readonly ts: number;
  readonly position: number;
  readonly sums: MainSums;
}

/** The running totals of a room's main timeline. */
export interface MainSums {
  readonly notify_sum: number;
  readonly highlight_sum: number;
}

/** A receipt never goes back. */
export async function putReceipt(tx: Transaction, r: Receipt): Promise<void> {
  await tx.run(sql`
    INSERT INTO receipts (room_nid, user_nid, receipt_type, thread_id, event_id, seq, ts, position, notify_sum, highlight_sum)
    VALUES (${r.roomNid}, ${r.userNid}, ${r.type}, ${r.threadId}, ${r.eventId}, ${r.seq}, ${r.ts}, ${r.position},
      ${r.sums.notify_sum}, ${r.sums.highlight_sum})
    ON CONFLICT (room_nid, user_nid, receipt_type, thread_id) DO UPDATE SET
      event_id = excluded.event_id, seq = excluded.seq, ts = excluded.ts, position = excluded.position,
      notify_sum = excluded.notify_sum, highlight_sum = excluded.highlight_sum
    WHERE receipts.seq < excluded.seq`);
}

export interface ReceiptRow {
  readonly room_nid: number;
  readonly user_id: UserId;
  readonly receipt_type: 'm.read' | 'm.read.private';
  readonly thread_id: string;
  readonly event_id: EventId;
  readonly ts: number;
}

/** The receipts that moved in a range, others' private ones left out. */
export async function receiptsMoved(tx: ReadTransaction, roomNids: readonly number[], viewerNid: number, range: Range): Promise<readonly ReceiptRow[]> {
  if (roomNids.length === 0) return [];
  return tx.all<ReceiptRow>(sql`
    SELECT r.room_nid, u.user_id, r.receipt_type, r.thread_id, r.event_id, r.ts
    FROM receipts r JOIN users u ON u.user_nid = r.user_nid
    WHERE r.room_nid IN ${inList(roomNids)} AND r.position > ${range.after} AND r.position <= ${range.upTo}
      AND (r.receipt_type = 'm.read' OR (r.receipt_type = 'm.read.private' AND r.user_nid = ${viewerNid}))
    ORDER BY r.room_nid, r.position`);
}

/** How far somebody has read each thread of their rooms: `''` unthreaded, `main`, or a root's event id. */
export interface ReadPoint extends MainSums {
  readonly room_nid: number;
  readonly thread_id: string;
  readonly seq: number;
}

export function readPoints(tx: ReadTransaction, roomNids: readonly number[], userNid: number): Promise<readonly ReadPoint[]> {
  return tx.all<ReadPoint>(sql`
    SELECT room_nid, thread_id, seq, notify_sum, highlight_sum
    FROM receipts
    WHERE room_nid IN ${inList(roomNids)} AND user_nid = ${userNid}`);
}

/** The totals of the main timeline up to an event of any timeline. */
export async function mainSumsAt(tx: ReadTransaction, roomNid: number, seq: number): Promise<MainSums> {
  const row = await tx.one<MainSums>(sql`
    SELECT notify_sum, highlight_sum FROM events
    WHERE room_nid = ${roomNid} AND seq <= ${seq} AND thread_root IS NULL
    ORDER BY seq DESC
    LIMIT 1`);
  return row ?? { notify_sum: 0, highlight_sum: 0 };
}
