import { notFound, type MatrixError } from '../matrix/errors.js';
import { parseDeviceId, type DeviceId } from '../matrix/identifiers.js';
import { Created } from '../matrix/reply.js';
import { anyObject, array, object, optional, text, type TypeOf } from '../matrix/schema.js';
import type { Transaction } from '../storage/database.js';
import { deleteDevices, devicesOf, ensureDevice, findDevice, renameDevice, type DeviceRow } from './devices-store.js';
import { DeviceName } from './login.js';
import type { Session } from './session.js';
import { requireUia, stillAdmitted, type UiaDeps } from './uia.js';
import type { Proven } from './users-store.js';

/**
 * Told in the transaction that renames or removes devices, so that everybody who may know of them looks again.
 * With a device go, by foreign key: its token, device keys, one-time and fallback keys, to-device messages and their
 * transaction ids. What only names it must go here: `key_signatures` whose target is one of `removed`.
 */
export interface DeviceObserver {
  devicesChanged(tx: Transaction, userNid: number, removed: readonly DeviceId[]): Promise<void>;
}

interface Deps extends UiaDeps {
  readonly deviceObserver: DeviceObserver;
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devices */
export async function listDevices({ db }: Pick<Deps, 'db'>, { session }: { session: Session }): Promise<object> {
  const rows = await db.read((tx) => devicesOf(tx, session.userNid));
  return { devices: rows.map(shown) };
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devicesdeviceid */
export async function getDevice({ db }: Pick<Deps, 'db'>, { session, params }: { session: Session; params: { deviceId: DeviceId } }): Promise<object> {
  const row = await db.read((tx) => findDevice(tx, session.userNid, params.deviceId));
  if (row === undefined) throw noSuchDevice();
  return shown(row);
}

export const DeviceUpdate = object({ display_name: optional(DeviceName) });

interface UpdateCall {
  readonly session: Session;
  readonly params: { readonly deviceId: DeviceId };
  readonly body: TypeOf<typeof DeviceUpdate>;
  readonly ip: string;
}

/** For an application service it makes the device where there is none. https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3devicesdeviceid */
export async function updateDevice({ db, clock, deviceObserver }: Pick<Deps, 'db' | 'clock' | 'deviceObserver'>, { session, params, body, ip }: UpdateCall): Promise<object> {
  const { userNid } = session;
  const { deviceId } = params;
  const now = clock();
  return db.transaction(async (tx) => {
    const device = await findDevice(tx, userNid, deviceId);
    if (device === undefined) {
      if (session.appService === undefined) throw noSuchDevice();
      await ensureDevice(tx, { userNid, deviceId, displayName: body.display_name, ip, now });
      await deviceObserver.devicesChanged(tx, userNid, []);
      return new Created({});
    }
    if (body.display_name === undefined || body.display_name === device.display_name) return {};
    await renameDevice(tx, { userNid, deviceId, displayName: body.display_name });
    await deviceObserver.devicesChanged(tx, userNid, []);
    return {};
  });
}

export const DeviceDeletion = object({ auth: optional(anyObject) });

interface DeletionCall {
  readonly session: Session;
  readonly params: { readonly deviceId: DeviceId };
  readonly body: TypeOf<typeof DeviceDeletion>;
}

/** https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3devicesdeviceid */
export async function deleteDevice(deps: Deps, { session, params, body }: DeletionCall): Promise<object> {
  const proven = session.appService === undefined ? await requireUia(deps, session, `DELETE devices/${params.deviceId}`, body.auth) : undefined;
  await removeDevices(deps, session, [params.deviceId], proven);
  return {};
}

export const DevicesDeletion = object({
  devices: array(text({ minLength: 1, maxLength: 255 }), { maxItems: 1000 }),
  auth: optional(anyObject),
});

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3delete_devices */
export async function deleteManyDevices(deps: Deps, { session, body }: { session: Session; body: TypeOf<typeof DevicesDeletion> }): Promise<object> {
  const deviceIds = [...new Set(body.devices)].sort().map(parseDeviceId);
  const proven = session.appService === undefined ? await requireUia(deps, session, `POST delete_devices ${JSON.stringify(deviceIds)}`, body.auth) : undefined;
  await removeDevices(deps, session, deviceIds, proven);
  return {};
}

/** `proven` is undefined for the user of an application service, who proves nothing. */
async function removeDevices({ db, deviceObserver }: Deps, { userNid }: Session, deviceIds: readonly DeviceId[], proven: Proven | undefined): Promise<void> {
  await db.transaction(async (tx) => {
    if (proven !== undefined) await stillAdmitted(tx, proven);
    const gone = await deleteDevices(tx, userNid, deviceIds);
    if (gone.length > 0) await deviceObserver.devicesChanged(tx, userNid, gone);
  });
}

/** With what the list of sessions in Element takes a device's kind from. https://github.com/matrix-org/matrix-spec-proposals/pull/3852 */
function shown({ device_id, display_name, last_seen_ts, last_seen_ip, last_seen_user_agent: agent }: DeviceRow): object {
  return {
    device_id,
    ...(display_name === null ? {} : { display_name }),
    ...(last_seen_ts === null ? {} : { last_seen_ts }),
    ...(last_seen_ip === null ? {} : { last_seen_ip }),
    ...(agent === null ? {} : { 'org.matrix.msc3852.last_seen_user_agent': agent }),
  };
}

function noSuchDevice(): MatrixError {
  return notFound('You have no such device');
}
