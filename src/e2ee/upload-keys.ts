import { isDeepStrictEqual } from 'node:util';
import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import { eachMember, endOfValue } from '../matrix/json-text.js';
import { array, boolean, either, object, optional, record, string, type JsonObject, type TypeOf } from '../matrix/schema.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { advance } from '../storage/stream.js';
import { forgetSignatures, isCrossSigningKey } from './cross-signing-store.js';
import { findDeviceKeys, putDeviceKeys } from './device-keys-store.js';
import { markDevicesChanged } from './device-lists.js';
import {
  countOneTimeKeys,
  insertOneTimeKeys,
  oneTimeKeysLike,
  putFallbackKey,
  unusedFallbackAlgorithms,
  type NamedKey,
} from './one-time-keys-store.js';
import { isSameKey } from './same-key.js';

const Signatures = record(record(string));
export const DeviceKeys = object({ user_id: string, device_id: string, algorithms: array(string), keys: record(string), signatures: Signatures });
export const OneTimeKeys = record(either(string, object({ key: string, signatures: Signatures, fallback: optional(boolean) })));
export const KeysUpload = object({ device_keys: optional(DeviceKeys), one_time_keys: optional(OneTimeKeys), fallback_keys: optional(OneTimeKeys) });

const KEY_NAME = /^([^\0-\x20\x7f:]{1,64}):([^\0-\x20\x7f]{1,190})$/u;
const MOST_KEYS = 1000;
const MOST_FALLBACK_KEYS = 10;

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysupload */
export async function uploadKeys(
  deps: { db: Database },
  { session, ...sent }: { session: Session } & SentKeys,
): Promise<{ one_time_key_counts: Counts }> {
  const upload = readUpload(session, sent);
  return deps.db.transaction(async (tx) => {
    await tx.lock(`keys/${session.userNid}`);
    return { one_time_key_counts: await storeKeys(tx, session, upload) };
  });
}

/** Whose keys they are. */
type KeyedDevice = Pick<Session, 'userNid' | 'userId' | 'deviceNid' | 'deviceId'>;

export interface Upload {
  readonly deviceKeys: TypeOf<typeof DeviceKeys> | undefined;
  readonly oneTimeKeys: readonly NamedKey[];
  readonly fallbackKeys: readonly NamedKey[];
}

/** A body with keys of a device, and how it came. */
interface SentKeys {
  readonly body: TypeOf<typeof KeysUpload>;
  readonly bodyBytes: Buffer;
}

/** Refuses keys that are named otherwise than the device that uploads them, and more of them than anybody needs. */
export function readUpload(device: Pick<KeyedDevice, 'userId' | 'deviceId'>, { body, bodyBytes }: SentKeys): Upload {
  if (body.device_keys !== undefined) refuseForeignKeys(device, body.device_keys);
  const { one_time_keys: oneTimeKeys, fallback_keys: fallbackKeys } = keysIn(bodyBytes.toString());
  return {
    deviceKeys: body.device_keys,
    oneTimeKeys: namedKeys(oneTimeKeys, MOST_KEYS),
    fallbackKeys: namedKeys(fallbackKeys, MOST_FALLBACK_KEYS),
  };
}

type Counts = Readonly<Record<string, number>>;

/** Resolves to how many one-time keys the device then has. The caller holds the lock of this person's keys. */
export async function storeKeys(tx: Transaction, device: KeyedDevice, { deviceKeys, oneTimeKeys, fallbackKeys }: Upload): Promise<Counts> {
  if (deviceKeys !== undefined) await publishDeviceKeys(tx, device, deviceKeys);
  await addOneTimeKeys(tx, device.deviceNid, oneTimeKeys);
  await replaceFallbackKeys(tx, device.deviceNid, fallbackKeys);
  const counts = await oneTimeKeyCounts(tx, device.deviceNid);
  if (oneTimeKeys.length > 0 && Object.values(counts).reduce((sum, n) => sum + n, 0) > MOST_KEYS) {
    throw new MatrixError('M_INVALID_PARAM', `A device may keep at most ${MOST_KEYS} one-time keys here`);
  }
  return counts;
}

/**
 * How many one-time keys are left. `signed_curve25519` is named even when there is none: a client that does not read its zero
 * uploads nothing.
 */
export async function oneTimeKeyCounts(tx: ReadTransaction, deviceNid: number): Promise<Counts> {
  const rows = await countOneTimeKeys(tx, deviceNid);
  return { signed_curve25519: 0, ...Object.fromEntries(rows.map(({ algorithm, n }) => [algorithm, n])) };
}

export async function unusedFallbackTypes(tx: ReadTransaction, deviceNid: number): Promise<readonly string[]> {
  return (await unusedFallbackAlgorithms(tx, deviceNid)).map(({ algorithm }) => algorithm);
}

function refuseForeignKeys(device: Pick<KeyedDevice, 'userId' | 'deviceId'>, keys: TypeOf<typeof DeviceKeys>): void {
  if (keys.user_id === device.userId && keys.device_id === device.deviceId) return;
  throw new MatrixError('M_BAD_JSON', 'device_keys must name the user and the device that upload them');
}

async function publishDeviceKeys(tx: Transaction, device: KeyedDevice, uploaded: TypeOf<typeof DeviceKeys>): Promise<void> {
  const { unsigned: _, ...keys }: JsonObject = uploaded;
  const json = await findDeviceKeys(tx, device.deviceNid);
  const stored = json === undefined ? undefined : (JSON.parse(json) as JsonObject);
  if (stored !== undefined && isDeepStrictEqual(stored, keys)) return;
  if (await isCrossSigningKey(tx, device.userNid, device.deviceId)) {
    throw new MatrixError('M_FORBIDDEN', 'The id of this device is one of your cross-signing keys');
  }
  if (stored !== undefined && !isSameKey(stored, keys)) await forgetSignatures(tx, device.userNid, [device.deviceId]);
  await putDeviceKeys(tx, device.deviceNid, JSON.stringify(keys));
  await markDevicesChanged(tx, device.userNid);
}

async function addOneTimeKeys(tx: Transaction, deviceNid: number, keys: readonly NamedKey[]): Promise<void> {
  if (keys.length === 0) return;
  const position = await advance(tx, []);
  const added = await insertOneTimeKeys(tx, deviceNid, position, keys);
  if (added > 0) tx.announce(position, [`oneTimeKeys/${deviceNid}`]);
  // Nearly always all of them are new: what stands under their names is looked up only when not.
  if (added < keys.length) await refuseOthers(tx, deviceNid, keys);
}

/** Refuses keys that are not the ones the device holds under their names. */
async function refuseOthers(tx: Transaction, deviceNid: number, keys: readonly NamedKey[]): Promise<void> {
  const held = await oneTimeKeysLike(tx, deviceNid, keys);
  for (const key of keys) {
    const same = held.find(({ algorithm, key_id }) => algorithm === key.algorithm && key_id === key.key_id);
    if (same !== undefined && !isDeepStrictEqual(JSON.parse(same.json), JSON.parse(key.json))) throw alreadyExists(same, key);
  }
}

async function replaceFallbackKeys(tx: Transaction, deviceNid: number, keys: readonly NamedKey[]): Promise<void> {
  let replaced = 0;
  for (const key of keys) replaced += await putFallbackKey(tx, deviceNid, key);
  if (replaced > 0) await advance(tx, [`oneTimeKeys/${deviceNid}`]);
}

type WrittenKeys = (readonly [name: string, json: string])[];

/** The keys of the text of a `KeysUpload`, each as it is written. */
function keysIn(bodyText: string): { readonly one_time_keys: WrittenKeys; readonly fallback_keys: WrittenKeys } {
  const found = { one_time_keys: [] as WrittenKeys, fallback_keys: [] as WrittenKeys };
  eachMember(bodyText, 0, (member, start) => {
    if (member !== 'one_time_keys' && member !== 'fallback_keys') return endOfValue(bodyText, start);
    return eachMember(bodyText, start, (name, at) => {
      const end = endOfValue(bodyText, at);
      found[member].push([name, bodyText.slice(at, end)]);
      return end;
    });
  });
  return found;
}

function namedKeys(keys: WrittenKeys, most: number): readonly NamedKey[] {
  if (keys.length > most) throw new MatrixError('M_TOO_LARGE', `At most ${most} such keys may be uploaded at once`);
  return keys.map(([name, json]) => {
    const [, algorithm, keyId] = KEY_NAME.exec(name) ?? [];
    if (algorithm === undefined || keyId === undefined) throw new MatrixError('M_BAD_JSON', 'A key is named <algorithm>:<key id>');
    return { algorithm, key_id: keyId, json };
  });
}

/** The words are Synapse's: the clients of Element read both keys out of them. */
function alreadyExists(held: NamedKey, uploaded: NamedKey): MatrixError {
  const message = `One time key ${held.algorithm}:${held.key_id} already exists. Old key: ${held.json}; new key: ${uploaded.json}`;
  return new MatrixError('M_UNKNOWN', message, { status: 400 });
}
