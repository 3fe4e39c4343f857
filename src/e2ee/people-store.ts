import type { DeviceId, UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction } from '../storage/database.js';

export interface Person {
  readonly nid: number;
  readonly id: UserId;
}

export async function peopleById(tx: ReadTransaction, userIds: readonly string[]): Promise<readonly Person[]> {
  if (userIds.length === 0) return [];
  return tx.all<Person>(sql`SELECT user_nid AS nid, user_id AS id FROM users WHERE user_id IN ${inList(userIds)}`);
}

export interface DeviceRow {
  readonly user_nid: number;
  readonly device_nid: number;
  readonly device_id: DeviceId;
}

export async function devicesOf(tx: ReadTransaction, userNids: readonly number[]): Promise<readonly DeviceRow[]> {
  if (userNids.length === 0) return [];
  return tx.all<DeviceRow>(sql`
    SELECT user_nid, device_nid, device_id FROM devices WHERE user_nid IN ${inList(userNids)} ORDER BY user_nid, device_nid`);
}

/** Whether one of these is the id of a device of that person. */
export async function hasDeviceNamed(tx: ReadTransaction, userNid: number, deviceIds: readonly string[]): Promise<boolean> {
  const row = await tx.one<{ device_id: string }>(sql`
    SELECT device_id FROM devices WHERE user_nid = ${userNid} AND device_id IN ${inList(deviceIds)} LIMIT 1`);
  return row !== undefined;
}
