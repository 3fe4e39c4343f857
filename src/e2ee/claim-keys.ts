import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';
import { JsonText } from '../matrix/reply.js';
import { object, record, string, type TypeOf } from '../matrix/schema.js';
import type { Database, Transaction } from '../storage/database.js';
import { advance, holdStream } from '../storage/stream.js';
import { groupBy } from '../storage/group-by.js';
import { fallbackKeysFor, markFallbackKeysUsed, takeOneTimeKeys, type DeviceKey, type WantedKey } from './one-time-keys-store.js';
import { devicesIn, type PersonWithDevice } from './people-store.js';
import { knownPeople } from './people.js';
import { jsonObjectOf } from './splice.js';

export const KeysClaim = object({ one_time_keys: record(record(string)) });
type Asked = TypeOf<typeof KeysClaim>['one_time_keys'];

const MOST_KEYS = 5000;

interface WantedOf extends WantedKey {
  readonly userId: string;
  readonly deviceId: string;
}

/**
 * Gives each one-time key out once, the oldest first, and the fallback key when there is none left. Strangers are missing from the
 * answer as devices without keys are, and lose none (RULES D4). https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim
 */
export async function claimKeys(
  deps: { db: Database; clock: Clock },
  { session, body }: { session: Session; body: TypeOf<typeof KeysClaim> },
): Promise<JsonText> {
  const asked = body.one_time_keys;
  if (Object.values(asked).reduce((sum, devices) => sum + Object.keys(devices).length, 0) > MOST_KEYS) {
    throw new MatrixError('M_TOO_LARGE', `At most ${MOST_KEYS} keys may be claimed at once`);
  }
  const now = deps.clock();
  return deps.db.transaction(async (tx) => {
    // Two claims at once would choose the same oldest key, and the slower be told that there is none.
    await tx.lock('one-time keys');
    await holdStream(tx);
    const wanted = wantedKeys(await devicesIn(tx, knownPeople(session, Object.keys(asked), now)), asked);
    const claimed = await claim(tx, wanted);
    return new JsonText(jsonObjectOf([['one_time_keys', claimedKeys(wanted, claimed)], ['failures', '{}']]));
  });
}

function wantedKeys(devices: readonly PersonWithDevice[], asked: Asked): readonly WantedOf[] {
  return devices.flatMap(({ id, device_nid, device_id }) => {
    const ofUser = asked[id] ?? {};
    const algorithm = device_id !== null && Object.hasOwn(ofUser, device_id) ? ofUser[device_id] : undefined;
    return algorithm === undefined || device_id === null ? [] : [{ userId: id, deviceId: device_id, device_nid, algorithm }];
  });
}

async function claim(tx: Transaction, wanted: readonly WantedOf[]): Promise<ReadonlyMap<number, DeviceKey>> {
  const taken = await takeOneTimeKeys(tx, wanted);
  const claimed = new Map(taken.map((key) => [key.device_nid, key]));
  const fallbacks = await fallbackKeysFor(tx, wanted.filter(({ device_nid }) => !claimed.has(device_nid)));
  const firstUsed = fallbacks.filter((key) => key.is_used === 0);
  await markFallbackKeysUsed(tx, firstUsed);
  const topics = [...taken, ...firstUsed].map(({ device_nid }) => `oneTimeKeys/${device_nid}` as const);
  if (topics.length > 0) await advance(tx, topics);
  for (const key of fallbacks) claimed.set(key.device_nid, key);
  return claimed;
}

function claimedKeys(wanted: readonly WantedOf[], claimed: ReadonlyMap<number, DeviceKey>): string {
  const people = groupBy(wanted.filter(({ device_nid }) => claimed.has(device_nid)), ({ userId }) => userId);
  return jsonObjectOf([...people].map(([userId, devices]) => [userId, jsonObjectOf(devices.flatMap(({ deviceId, device_nid }) => {
    const key = claimed.get(device_nid);
    return key === undefined ? [] : [[deviceId, jsonObjectOf([[`${key.algorithm}:${key.key_id}`, key.json]])] as const];
  }))]));
}
