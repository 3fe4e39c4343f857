import type { DeviceId } from '../matrix/identifiers.js';
import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface DehydratedRow {
  readonly device_nid: number;
  readonly device_id: DeviceId;
  /** JSON. */
  readonly device_data: string;
}

export async function findDehydrated(tx: ReadTransaction, userNid: number): Promise<DehydratedRow | undefined> {
  return tx.one<DehydratedRow>(sql`
    SELECT d.device_nid, d.device_id, h.device_data
    FROM dehydrated_devices h JOIN devices d ON d.device_nid = h.device_nid
    WHERE h.user_nid = ${userNid}`);
}

export async function insertDehydrated(tx: Transaction, row: { userNid: number; deviceNid: number; deviceData: string }): Promise<void> {
  await tx.run(sql`
    INSERT INTO dehydrated_devices (user_nid, device_nid, device_data) VALUES (${row.userNid}, ${row.deviceNid}, ${row.deviceData})`);
}
