import type { DeviceId, UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Sql } from '../storage/database.js';

export interface Person {
  readonly nid: number;
  readonly id: UserId;
}

export async function peopleIn(tx: ReadTransaction, people: Sql): Promise<readonly Person[]> {
  return tx.all<Person>(people);
}

/** A person with one of their devices, or with none. */
export type PersonWithDevice = Person & ({ readonly device_nid: number; readonly device_id: DeviceId } | { readonly device_nid: null; readonly device_id: null });

export async function devicesIn(tx: ReadTransaction, people: Sql): Promise<readonly PersonWithDevice[]> {
  return tx.all<PersonWithDevice>(sql`
    SELECT p.nid, p.id, d.device_nid, d.device_id
    FROM (${people}) p LEFT JOIN devices d ON d.user_nid = p.nid`);
}

/** Whether one of these is the id of a device of that person. */
export async function hasDeviceNamed(tx: ReadTransaction, userNid: number, deviceIds: readonly string[]): Promise<boolean> {
  const row = await tx.one<{ device_id: string }>(sql`
    SELECT device_id FROM devices WHERE user_nid = ${userNid} AND device_id IN ${inList(deviceIds)} LIMIT 1`);
  return row !== undefined;
}
