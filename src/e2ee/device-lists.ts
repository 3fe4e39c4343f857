import type { DeviceObserver } from '../auth/devices.js';
import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import type { UserId } from '../matrix/identifiers.js';
import { object, string, type TypeOf } from '../matrix/schema.js';
import { roomsOf } from '../rooms/contacts-store.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { advance, type Range } from '../storage/stream.js';
import { forgetSignatures } from './cross-signing-store.js';
import { changedDeviceLists, leftDeviceLists, putDeviceListChange } from './device-lists-store.js';

/** Tells the person, and everybody in their rooms, that their devices, keys or signatures are no longer what they were. */
export async function markDevicesChanged(tx: Transaction, userNid: number): Promise<void> {
  const rooms = await roomsOf(tx, userNid, ['join']);
  const position = await advance(tx, [`ownDevices/${userNid}`, ...rooms.map((nid) => `devices/${nid}` as const)]);
  await putDeviceListChange(tx, userNid, position);
}

export const deviceListsObserver: DeviceObserver = {
  async devicesChanged(tx, userNid, removed) {
    await forgetSignatures(tx, userNid, removed);
    await markDevicesChanged(tx, userNid);
  },
};

export interface DeviceListChanges {
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
}

/** The `device_lists` of /sync. https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync */
export async function deviceListChanges(tx: ReadTransaction, userNid: number, range: Range): Promise<DeviceListChanges> {
  const changed = await changedDeviceLists(tx, userNid, range);
  const left = await leftDeviceLists(tx, userNid, range);
  return { changed: changed.map((row) => row.user_id), left: left.map((row) => row.user_id) };
}

export const KeyChangesQuery = object({ from: string, to: string });

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3keyschanges */
export async function listKeyChanges(
  deps: { db: Database },
  { session, query }: { session: Session; query: TypeOf<typeof KeyChangesQuery> },
): Promise<DeviceListChanges> {
  const after = positionOf(query.from);
  positionOf(query.to);
  // Only the last change of a person is kept, so one who changed before `to` and again after it must be told as well.
  return deps.db.read((tx) => deviceListChanges(tx, session.userNid, { after, upTo: Number.MAX_SAFE_INTEGER }));
}

function positionOf(token: string): number {
  const digits = /^s([0-9]{1,15})$/.exec(token)?.[1];
  if (digits === undefined) throw new MatrixError('M_INVALID_PARAM', 'That is not a token of this server');
  return Number(digits);
}
