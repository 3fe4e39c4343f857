import type { DeviceId } from '../matrix/identifiers.js';
import { sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';
import type { Person } from './people-store.js';

/** A person with a device of theirs and its keys, where they have one and it has some. */
export interface PersonWithKeys extends Person {
  readonly device_id: DeviceId | null;
  readonly display_name: string | null;
  readonly json: string | null;
}

export async function deviceKeysIn(tx: ReadTransaction, people: Sql): Promise<readonly PersonWithKeys[]> {
  return tx.all<PersonWithKeys>(sql`
    SELECT p.nid, p.id, d.device_id, d.display_name, k.json
    FROM (${people}) p
    LEFT JOIN devices d ON d.user_nid = p.nid
    LEFT JOIN device_keys k ON k.device_nid = d.device_nid`);
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
