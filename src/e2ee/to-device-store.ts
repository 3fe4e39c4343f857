import { sql, tuplesOf, type ReadTransaction, type Transaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';
import { batchesOf } from './batches.js';

export interface ToDeviceMessage {
  readonly device_nid: number;
  readonly position: number;
  readonly json: string;
}

/** False when this device has made the same request before. */
export async function putTransaction(
  tx: Transaction,
  request: { deviceNid: number; type: string; txnId: string; now: number },
): Promise<boolean> {
  const added = await tx.run(sql`
    INSERT INTO to_device_transactions (device_nid, type, txn_id, sent_ts)
    VALUES (${request.deviceNid}, ${request.type}, ${request.txnId}, ${request.now})
    ON CONFLICT (device_nid, type, txn_id) DO NOTHING`);
  return added > 0;
}

/** Forgets the oldest requests of those made before then, at most `limit`; resolves to how many. */
export async function forgetTransactions(tx: Transaction, before: number, limit: number): Promise<number> {
  return tx.run(sql`
    DELETE FROM to_device_transactions
    WHERE (device_nid, type, txn_id) IN (
      SELECT device_nid, type, txn_id FROM to_device_transactions WHERE sent_ts < ${before} ORDER BY sent_ts LIMIT ${limit})`);
}

export async function insertToDevice(tx: Transaction, messages: readonly ToDeviceMessage[]): Promise<void> {
  for (const batch of batchesOf(messages)) {
    const rows = batch.map(({ device_nid, position, json }) => [device_nid, position, json]);
    await tx.run(sql`INSERT INTO to_device_messages (device_nid, position, json) VALUES ${tuplesOf(rows)}`);
  }
}

export async function toDeviceIn(
  tx: ReadTransaction,
  deviceNid: number,
  range: Range,
  limit: number,
): Promise<readonly { position: number; json: string }[]> {
  return tx.all(sql`
    SELECT position, json FROM to_device_messages
    WHERE device_nid = ${deviceNid} AND position > ${range.after} AND position <= ${range.upTo}
    ORDER BY position
    LIMIT ${limit}`);
}

export async function deleteToDevice(tx: Transaction, deviceNid: number, upTo: number): Promise<number> {
  return tx.run(sql`DELETE FROM to_device_messages WHERE device_nid = ${deviceNid} AND position <= ${upTo}`);
}
