import type { Database } from '../storage/database.js';
import type { DeviceObserver } from './devices.js';
import { deleteAllDevices, deleteDevices } from './devices-store.js';
import type { Session } from './session.js';

interface Deps {
  readonly db: Database;
  readonly deviceObserver: DeviceObserver;
}

/** Ends this session: its device goes, with everything waiting for it. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout */
export async function logOut({ db, deviceObserver }: Deps, { session }: { session: Session }): Promise<object> {
  await db.transaction(async (tx) => {
    const gone = await deleteDevices(tx, session.userNid, [session.deviceId]);
    await deviceObserver.devicesChanged(tx, session.userNid, gone);
  });
  return {};
}

/** Ends every session of this person. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logoutall */
export async function logOutEverywhere({ db, deviceObserver }: Deps, { session }: { session: Session }): Promise<object> {
  await db.transaction(async (tx) => {
    const gone = await deleteAllDevices(tx, session.userNid);
    await deviceObserver.devicesChanged(tx, session.userNid, gone);
  });
  return {};
}
