import { deleteDevices, ensureDevice, findDevice } from '../auth/devices-store.js';
import { DeviceName } from '../auth/login.js';
import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import { parseDeviceId, type DeviceId } from '../matrix/identifiers.js';
import { JsonText } from '../matrix/reply.js';
import { anyObject, object, optional, string, text, type TypeOf } from '../matrix/schema.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { findDehydrated, insertDehydrated, type DehydratedRow } from './dehydrated-devices-store.js';
import { deviceListsObserver } from './device-lists.js';
import { toDeviceIn } from './to-device-store.js';
import { DeviceKeys, OneTimeKeys, readUpload, storeKeys } from './upload-keys.js';

// https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/3814-dehydrated-devices-with-ssss.md
const EVENTS_AT_ONCE = 100;

export const DehydratedDevice = object({
  device_id: text({ minLength: 1, maxLength: 255 }),
  device_data: anyObject,
  initial_device_display_name: optional(DeviceName),
  device_keys: DeviceKeys,
  one_time_keys: optional(OneTimeKeys),
  fallback_keys: optional(OneTimeKeys),
});

interface PutCall {
  readonly session: Session;
  readonly body: TypeOf<typeof DehydratedDevice>;
  readonly bodyBytes: Buffer;
  readonly ip: string;
}

/** Puts a device by in the place of the one before it: keys and private parts in one transaction, so that neither is there without the other. */
export async function putDehydratedDevice(deps: { db: Database; clock: Clock }, { session, body, bodyBytes, ip }: PutCall): Promise<object> {
  const { userNid, userId } = session;
  const deviceId = parseDeviceId(body.device_id);
  const upload = readUpload({ userId, deviceId }, { body, bodyBytes });
  await deps.db.transaction(async (tx) => {
    await tx.lock(`keys/${userNid}`);
    await removeDehydrated(tx, userNid, await findDehydrated(tx, userNid));
    if ((await findDevice(tx, userNid, deviceId)) !== undefined) throw new MatrixError('M_INVALID_PARAM', 'One of your sessions has this device id');
    const { device_nid: deviceNid } = await ensureDevice(tx, { userNid, deviceId, displayName: body.initial_device_display_name, ip, now: deps.clock() });
    await insertDehydrated(tx, { userNid, deviceNid, deviceData: JSON.stringify(body.device_data) });
    await storeKeys(tx, { userNid, userId, deviceNid, deviceId }, upload);
  });
  return { device_id: deviceId };
}

export async function getDehydratedDevice({ db }: { db: Database }, { session }: { session: Session }): Promise<JsonText> {
  const { device_id, device_data } = await db.read((tx) => dehydratedOf(tx, session.userNid));
  return new JsonText(`{"device_id":${JSON.stringify(device_id)},"device_data":${device_data}}`);
}

export async function deleteDehydratedDevice({ db }: { db: Database }, { session: { userNid } }: { session: Session }): Promise<object> {
  return db.transaction(async (tx) => {
    await tx.lock(`keys/${userNid}`);
    const device = await dehydratedOf(tx, userNid);
    await removeDehydrated(tx, userNid, device);
    return { device_id: device.device_id };
  });
}

export const EventsQuery = object({ from: optional(string) });
export const EventsBody = object({ next_batch: optional(string) });

interface EventsCall {
  readonly session: Session;
  readonly params: { readonly deviceId: DeviceId };
}

/** What was sent to the device while nobody held it. It stays until the device goes: who breaks off begins again. */
export async function listDehydratedEvents({ db }: { db: Database }, call: EventsCall & { readonly query: TypeOf<typeof EventsQuery> }): Promise<JsonText> {
  return eventsAfter(db, call, call.query.from);
}

/** The same, asked as clients of today do. */
export async function takeDehydratedEvents({ db }: { db: Database }, call: EventsCall & { readonly body: TypeOf<typeof EventsBody> }): Promise<JsonText> {
  return eventsAfter(db, call, call.body.next_batch);
}

async function eventsAfter(db: Database, { session, params }: EventsCall, token: string | undefined): Promise<JsonText> {
  const after = positionOf(token);
  const rows = await db.read(async (tx) => {
    const device = await dehydratedOf(tx, session.userNid);
    if (device.device_id !== params.deviceId) throw noneThere();
    return toDeviceIn(tx, device.device_nid, { after, upTo: Number.MAX_SAFE_INTEGER }, EVENTS_AT_ONCE);
  });
  return new JsonText(`{"events":[${rows.map(({ json }) => json).join(',')}],"next_batch":"d${rows.at(-1)?.position ?? after}"}`);
}

function positionOf(token: string | undefined): number {
  const digits = token === undefined ? '0' : /^d([0-9]{1,15})$/.exec(token)?.[1];
  if (digits === undefined) throw new MatrixError('M_INVALID_PARAM', 'That is not a token of this server');
  return Number(digits);
}

async function dehydratedOf(tx: ReadTransaction, userNid: number): Promise<DehydratedRow> {
  const device = await findDehydrated(tx, userNid);
  if (device === undefined) throw noneThere();
  return device;
}

async function removeDehydrated(tx: Transaction, userNid: number, device: DehydratedRow | undefined): Promise<void> {
  if (device === undefined) return;
  await deleteDevices(tx, userNid, [device.device_id]);
  await deviceListsObserver.devicesChanged(tx, userNid, [device.device_id]);
}

/** Clients take M_NOT_FOUND for "none yet" and M_UNRECOGNIZED for "not served". */
function noneThere(): MatrixError {
  return notFound('You have put no such device by');
}
