import { anyObject, boolean, object, optional, type TypeOf } from '../matrix/schema.js';
import type { DeviceObserver } from './devices.js';
import { deleteOtherDevices } from './devices-store.js';
import { NewPassword } from './login.js';
import type { Session } from './session.js';
import { requireUia, stillAdmitted, type UiaDeps } from './uia.js';
import { setPasswordHash } from './users-store.js';

interface Deps extends UiaDeps {
  readonly deviceObserver: DeviceObserver;
}

export const PasswordChange = object({ new_password: NewPassword, logout_devices: optional(boolean), auth: optional(anyObject) });

/**
 * Takes a new password from who knows the old one. The session that asks lives on; all others end, unless `logout_devices` is false.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword
 */
export async function changePassword(deps: Deps, { session, body }: { session: Session; body: TypeOf<typeof PasswordChange> }): Promise<object> {
  const proven = await requireUia(deps, session, 'POST account/password', body.auth);
  const { userNid, deviceNid } = session;
  const passwordHash = await deps.passwords.hashPassword(body.new_password);
  await deps.db.transaction(async (tx) => {
    await setPasswordHash(tx, await stillAdmitted(tx, proven), passwordHash);
    if (body.logout_devices === false) return;
    const gone = await deleteOtherDevices(tx, userNid, deviceNid);
    if (gone.length > 0) await deps.deviceObserver.devicesChanged(tx, userNid, gone);
  });
  return {};
}
