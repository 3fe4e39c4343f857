import type { DeviceId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import { advance, holdStream } from '../storage/stream.js';

export interface DeviceRow {
  readonly device_nid: number;
  readonly device_id: DeviceId;
  readonly display_name: string | null;
  readonly last_seen_ts: number | null;
  readonly last_seen_ip: string | null;
  readonly last_seen_user_agent: string | null;
}

/** A device and the session that it has now. */
export interface SessionOfDevice {
  readonly device_nid: number;
  readonly session_nid: number;
}

export async function devicesOf(tx: ReadTransaction, userNid: number): Promise<readonly DeviceRow[]> {
  return tx.all<DeviceRow>(sql`
    SELECT device_nid, device_id, display_name, last_seen_ts, last_seen_ip, last_seen_user_agent
    FROM devices WHERE user_nid = ${userNid} ORDER BY device_nid`);
}

export async function findDevice(tx: ReadTransaction, userNid: number, deviceId: DeviceId): Promise<(DeviceRow & SessionOfDevice) | undefined> {
  return tx.one<DeviceRow & SessionOfDevice>(sql`
    SELECT device_nid, session_nid, device_id, display_name, last_seen_ts, last_seen_ip, last_seen_user_agent
    FROM devices WHERE user_nid = ${userNid} AND device_id = ${deviceId}`);
}

/** From where a device was last used, and what it calls itself. */
export interface Origin {
  readonly ip: string;
  readonly userAgent?: string | undefined;
  readonly now: number;
}

export interface SeenDevice extends Origin {
  readonly userNid: number;
  readonly deviceId: DeviceId;
  readonly displayName: string | undefined;
}

/** A client may say as much of itself as it likes. */
const MOST_USER_AGENT = 255;

/** A device on which a new session begins, which ends what waits of the one before; one that is known keeps its name. */
export async function ensureDevice(tx: Transaction, device: SeenDevice): Promise<SessionOfDevice> {
  const nid = await advance(tx, [`ownDevices/${device.userNid}`]);
  const row = await tx.one<SessionOfDevice>(sql`
    INSERT INTO devices (device_nid, session_nid, user_nid, device_id, display_name, last_seen_ts, last_seen_ip, last_seen_user_agent, created_ts)
    VALUES (${nid}, ${nid}, ${device.userNid}, ${device.deviceId}, ${device.displayName ?? null}, ${device.now}, ${device.ip}, ${agentOf(device)}, ${device.now})
    ON CONFLICT (user_nid, device_id) DO UPDATE SET
      session_nid = excluded.session_nid, last_seen_ts = excluded.last_seen_ts, last_seen_ip = excluded.last_seen_ip,
      last_seen_user_agent = excluded.last_seen_user_agent
    RETURNING device_nid, session_nid`);
  if (row === undefined) throw new Error('the upsert of a device returned nothing');
  return row;
}

export async function noteSeen(tx: Transaction, deviceNid: number, origin: Origin): Promise<void> {
  await tx.run(sql`
    UPDATE devices SET last_seen_ts = ${origin.now}, last_seen_ip = ${origin.ip}, last_seen_user_agent = ${agentOf(origin)}
    WHERE device_nid = ${deviceNid}`);
}

function agentOf({ userAgent }: Origin): string | null {
  return userAgent?.slice(0, MOST_USER_AGENT) ?? null;
}

/** False when there is no such device. */
export async function renameDevice(tx: Transaction, device: { userNid: number; deviceId: DeviceId; displayName: string }): Promise<boolean> {
  const changed = await tx.run(sql`
    UPDATE devices SET display_name = ${device.displayName}
    WHERE user_nid = ${device.userNid} AND device_id = ${device.deviceId}`);
  return changed > 0;
}

/**
 * The ids of those that were there. Tokens, device keys, one-time and fallback keys and undelivered to-device messages
 * go with their device by foreign key.
 */
export async function deleteDevices(tx: Transaction, userNid: number, deviceIds: readonly DeviceId[]): Promise<readonly DeviceId[]> {
  await holdStream(tx);
  const gone = await tx.all<{ device_id: DeviceId }>(sql`
    DELETE FROM devices WHERE user_nid = ${userNid} AND device_id IN ${inList(deviceIds)} RETURNING device_id`);
  return gone.map((row) => row.device_id);
}

export async function deleteAllDevices(tx: Transaction, userNid: number): Promise<readonly DeviceId[]> {
  await holdStream(tx);
  const gone = await tx.all<{ device_id: DeviceId }>(sql`DELETE FROM devices WHERE user_nid = ${userNid} RETURNING device_id`);
  return gone.map((row) => row.device_id);
}

export async function deleteOtherDevices(tx: Transaction, userNid: number, keptNid: number): Promise<readonly DeviceId[]> {
  await holdStream(tx);
  const gone = await tx.all<{ device_id: DeviceId }>(sql`
    DELETE FROM devices WHERE user_nid = ${userNid} AND device_nid <> ${keptNid} RETURNING device_id`);
  return gone.map((row) => row.device_id);
}
