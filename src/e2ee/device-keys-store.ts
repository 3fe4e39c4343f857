import type { DeviceId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface DeviceKeysRow {
  readonly user_nid: number;
  readonly device_id: DeviceId;
  readonly display_name: string | null;
  readonly json: string;
}

export async function deviceKeysOf(tx: ReadTransaction, userNids: readonly number[]): Promise<readonly DeviceKeysRow[]> {
  if (userNids.length === 0) return [];
  return tx.all<DeviceKeysRow>(sql`
    SELECT d.user_nid, d.device_id, d.display_name, k.json
    FROM devices d JOIN device_keys k ON k.device_nid = d.device_nid
    WHERE d.user_nid IN ${inList(userNids)}
    ORDER BY d.user_nid, d.device_id`);
}

export async function findDeviceKeys(tx: ReadTransaction, deviceNid: number): Promise<string | undefined> {
  const row = await tx.one<{ json: string }>(sql`SELECT json FROM device_keys WHERE device_nid = ${deviceNid}`);
  return row?.json;
}

export async function putDeviceKeys(tx: Transaction, deviceNid: number, json: string): Promise<void> {
  await tx.run(sql`
    INSERT INTO device_keys (device_nid, json) VALUES (${deviceNid}, ${json})
    ON CONFLICT (device_nid) DO UPDATE SET json = excluded.json`);
}
