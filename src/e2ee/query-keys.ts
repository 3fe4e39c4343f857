import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { JsonText } from '../matrix/reply.js';
import { array, object, record, string, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { crossSigningKeysOf, visibleSignatures, type CrossSigningRow, type KeySignature, type Usage } from './cross-signing-store.js';
import { deviceKeysOf, type DeviceKeysRow } from './device-keys-store.js';
import { groupBy } from '../storage/group-by.js';
import type { Person } from './people-store.js';
import { knownPeople } from './people.js';
import { jsonObjectOf, withMember } from './splice.js';

export const KeysQuery = object({ device_keys: record(array(string)) });

/** All that is kept about the keys of the people asked for, from one snapshot. */
interface Keyring {
  readonly people: readonly Person[];
  readonly devices: ReadonlyMap<number, readonly DeviceKeysRow[]>;
  readonly crossSigning: ReadonlyMap<number, readonly CrossSigningRow[]>;
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
    const people = await knownPeople(tx, session, Object.keys(body.device_keys), now);
    const nids = people.map((person) => person.nid);
    const names = new Map<number, string>(people.map((person) => [person.nid, person.id])).set(session.userNid, session.userId);
    return {
      people,
      names,
      devices: groupBy(await deviceKeysOf(tx, nids), (row) => row.user_nid),
      crossSigning: groupBy(await crossSigningKeysOf(tx, nids), (row) => row.user_nid),
      signatures: groupBy(await visibleSignatures(tx, session.userNid, nids), (row) => row.target_nid),
    };
  });
  return new JsonText(jsonObjectOf([
    ['device_keys', deviceKeys(ring, body.device_keys)],
    ['master_keys', crossSigningKeys(ring, 'master')],
    ['self_signing_keys', crossSigningKeys(ring, 'self_signing')],
    ['user_signing_keys', crossSigningKeys({ ...ring, people: ring.people.filter(({ nid }) => nid === session.userNid) }, 'user_signing')],
    ['failures', '{}'],
  ]));
}

function deviceKeys(ring: Keyring, asked: Readonly<Record<string, readonly string[]>>): string {
  return jsonObjectOf(ring.people.map(({ id, nid }) => {
    const wanted = asked[id] ?? [];
    const devices = (ring.devices.get(nid) ?? []).filter(({ device_id }) => wanted.length === 0 || wanted.includes(device_id));
    return [id, jsonObjectOf(devices.map((row) => [row.device_id, withName(signed(ring, row.json, nid, row.device_id), row.display_name)]))] as const;
  }));
}

function withName(json: string, name: string | null): string {
  return name === null ? json : withMember(json, 'unsigned', JSON.stringify({ device_display_name: name }));
}

function crossSigningKeys(ring: Keyring, usage: Usage): string {
  return jsonObjectOf(ring.people.flatMap(({ id, nid }) => {
    const key = ring.crossSigning.get(nid)?.find((row) => row.usage === usage);
    return key === undefined ? [] : [[id, signed(ring, key.json, nid, key.public_key)] as const];
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
