import { anyObject, boolean, object, optional, type TypeOf } from '../matrix/schema.js';
import type { AccountObserver } from './account-observer.js';
import type { DeviceObserver } from './devices.js';
import { deleteAllDevices } from './devices-store.js';
import type { Session } from './session.js';
import { requireUia, stillAdmitted, type UiaDeps } from './uia.js';
import { closeAccount } from './users-store.js';

interface Deps extends UiaDeps {
  readonly deviceObserver: DeviceObserver;
  /** Whoever writes to rooms comes first: a room is locked before anything else is written. */
  readonly accountObservers: readonly AccountObserver[];
}

export const Deactivation = object({ auth: optional(anyObject), erase: optional(boolean) });

/**
 * Closes one's account for good: it leaves its rooms, declines its invitations, and loses its sessions and keys; nobody else ever
 * gets its name. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
export async function deactivateAccount(deps: Deps, { session, body }: { session: Session; body: TypeOf<typeof Deactivation> }): Promise<object> {
  const proven = await requireUia(deps, session, 'POST account/deactivate', body.auth);
  const { userNid, userId } = session;
  const isErased = body.erase === true;
  await deps.db.transaction(async (tx) => {
    for (const observer of deps.accountObservers) await observer.accountClosed(tx, { userNid, userId, isErased });
    const gone = await deleteAllDevices(tx, userNid);
    await deps.deviceObserver.devicesChanged(tx, userNid, gone);
    await closeAccount(tx, await stillAdmitted(tx, proven), { isErased });
  });
  // Addresses are bound to no identity server here, so there is none left to unbind.
  return { id_server_unbind_result: 'success' };
}
