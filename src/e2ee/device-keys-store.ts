import type { DeviceId, UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';

/** A person with a device of theirs and its keys, where they have one and it has some. */
export interface PersonWithKeys {
  readonly user_nid: number;
  readonly user_id: UserId;
  readonly device_id: DeviceId | null;
  readonly display_name: string | null;
  readonly json: string | null;
}

export async function deviceKeysOfAll(tx: ReadTransaction, userNids: readonly number[]): Promise<readonly PersonWithKeys[]> {
  return tx.all<PersonWithKeys>(sql`
    SELECT u.user_nid, u.user_id, d.device_id, d.display_name, k.json
    FROM users u
    LEFT JOIN devices d ON d.user_nid = u.user_nid
    LEFT JOIN device_keys k ON k.device_nid = d.device_nid
    WHERE u.user_nid IN ${inList(userNids)}
    ORDER BY u.user_nid, d.device_nid`);
}

export interface DeviceKeysRow {
  readonly device_id: DeviceId;
  readonly json: string;
}

export async function deviceKeysOf(tx: ReadTransaction, userNid: number): Promise<readonly DeviceKeysRow[]> {
  return tx.all<DeviceKeysRow>(sql`
    SELECT d.device_id, k.json FROM devices d JOIN device_keys k ON k.device_nid = d.device_nid WHERE d.user_nid = ${userNid}`);
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
