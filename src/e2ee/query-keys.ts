import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { JsonText } from '../matrix/reply.js';
import { array, object, record, string, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { crossSigningKeysOf, visibleSignatures, type CrossSigningRow, type KeySignature } from './cross-signing-store.js';
import { deviceKeysIn, type PersonWithKeys } from './device-keys-store.js';
import { groupBy } from '../storage/group-by.js';
import { knownPeople } from './people.js';
import { jsonObjectOf, withMember } from './splice.js';

export const KeysQuery = object({ device_keys: record(array(string)) });

/** All that is kept about the keys of the people asked for, from one snapshot. */
interface Keyring {
  readonly devices: ReadonlyMap<string, readonly PersonWithKeys[]>;
  readonly crossSigning: readonly CrossSigningRow[];
  /** By whose key they are of. */
  readonly signatures: ReadonlyMap<number, readonly KeySignature[]>;
  readonly names: ReadonlyMap<number, string>;
}

/**
 * Answers with the keys of whomever the caller may know of; strangers are missing as people who do not exist are (RULES D4).
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery
 */
export async function queryKeys(
  deps: { db: Database; clock: Clock },
  { session, body }: { session: Session; body: TypeOf<typeof KeysQuery> },
): Promise<JsonText> {
  const now = deps.clock();
  const ring = await deps.db.read(async (tx): Promise<Keyring> => {
    const rows = await deviceKeysIn(tx, knownPeople(session, Object.keys(body.device_keys), now));
    const names = new Map<number, string>(rows.map(({ nid, id }) => [nid, id]));
    const nids = [...names.keys()];
    return {
      devices: groupBy(rows, ({ id }) => id),
      crossSigning: await crossSigningKeysOf(tx, nids),
      signatures: groupBy(await visibleSignatures(tx, session.userNid, nids), (row) => row.target_nid),
      names: names.set(session.userNid, session.userId),
    };
  });
  return new JsonText(jsonObjectOf([
    ['device_keys', deviceKeys(ring, body.device_keys)],
    ['master_keys', crossSigningKeys(ring, ({ usage }) => usage === 'master')],
    ['self_signing_keys', crossSigningKeys(ring, ({ usage }) => usage === 'self_signing')],
    ['user_signing_keys', crossSigningKeys(ring, ({ usage, user_nid }) => usage === 'user_signing' && user_nid === session.userNid)],
    ['failures', '{}'],
  ]));
}

function deviceKeys(ring: Keyring, asked: Readonly<Record<string, readonly string[]>>): string {
  const people: [id: string, json: string][] = [];
  // Loops: flatMap, with an array for every device, takes as long as all the rest.
  for (const [id, rows] of ring.devices) {
    const wanted = asked[id] ?? [];
    const devices: [id: string, json: string][] = [];
    for (const { nid, device_id, display_name, json } of rows) {
      if (device_id === null || json === null || (wanted.length > 0 && !wanted.includes(device_id))) continue;
      devices.push([device_id, withName(signed(ring, json, nid, device_id), display_name)]);
    }
    people.push([id, jsonObjectOf(devices)]);
  }
  return jsonObjectOf(people);
}

function withName(json: string, name: string | null): string {
  return name === null ? json : withMember(json, 'unsigned', JSON.stringify({ device_display_name: name }));
}

function crossSigningKeys(ring: Keyring, isWanted: (key: CrossSigningRow) => boolean): string {
  return jsonObjectOf(ring.crossSigning.filter(isWanted).map((key) => {
    return [ring.names.get(key.user_nid) ?? '', signed(ring, key.json, key.user_nid, key.public_key)];
  }));
}

/** The stored key with the signatures uploaded after it. */
function signed(ring: Keyring, json: string, targetNid: number, targetKey: string): string {
  const added = ring.signatures.get(targetNid)?.filter(({ target_key }) => target_key === targetKey) ?? [];
  if (added.length === 0) return json;
  const key = JSON.parse(json) as { signatures?: Readonly<Record<string, Readonly<Record<string, string>>>> };
  const signatures = { ...key.signatures };
  for (const { signer_nid, signing_key, signature } of added) {
    const signer = ring.names.get(signer_nid);
    if (signer !== undefined) signatures[signer] = { ...signatures[signer], [signing_key]: signature };
  }
  return JSON.stringify({ ...key, signatures });
}
