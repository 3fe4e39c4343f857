import type { Random } from '../matrix/clock.js';
import { parseDeviceId, type DeviceId } from '../matrix/identifiers.js';
import type { Transaction } from '../storage/database.js';
import { ensureDevice } from './devices-store.js';
import { replaceToken } from './sessions-store.js';
import { hashToken, newToken } from './tokens.js';

export interface SessionRequest {
  readonly userNid: number;
  /** A known device of this person is used again, with its keys; without an id a new one is made. */
  readonly deviceId: DeviceId | undefined;
  readonly displayName: string | undefined;
  readonly ip: string;
  readonly now: number;
}

export interface OpenedSession {
  readonly access_token: string;
  readonly device_id: DeviceId;
}

/** A token for a device of a person who has proven who they are. https://spec.matrix.org/v1.19/client-server-api/#relationship-between-access-tokens-and-devices */
export async function openSession(tx: Transaction, random: Random, request: SessionRequest): Promise<OpenedSession> {
  const { deviceId = newDeviceId(random), ...rest } = request;
  const deviceNid = await ensureDevice(tx, { ...rest, deviceId });
  const token = newToken(random);
  await replaceToken(tx, { deviceNid, tokenHash: hashToken(token), now: request.now });
  return { access_token: token, device_id: deviceId };
}

/** Ten capital letters, as people may have to compare them by eye. */
function newDeviceId(random: Random): DeviceId {
  return parseDeviceId(String.fromCharCode(...random(10).map((byte) => 65 + (byte % 26))));
}
