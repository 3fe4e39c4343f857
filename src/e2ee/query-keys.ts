import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { eachMember, endOfValue } from '../matrix/json-text.js';
import { JsonText } from '../matrix/reply.js';
import { array, object, record, string, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { groupBy } from '../storage/group-by.js';
import { signaturesBy, type Usage } from './cross-signing-store.js';
import { knownPeople } from './people.js';
import { signed, type NamedSignature, type PublishedKeys, type PublishedKeysMemory } from './published-keys.js';
import { jsonObjectOf } from './splice.js';

export const KeysQuery = object({ device_keys: record(array(string)) });

export interface KeysQueryDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly publishedKeys: PublishedKeysMemory;
}

/**
 * Answers with the keys of whomever the caller may know of; strangers are missing as people who do not exist are (RULES D4).
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery
 */
export async function queryKeys(deps: KeysQueryDeps, { session, body }: { session: Session; body: TypeOf<typeof KeysQuery> }): Promise<JsonText> {
  const now = deps.clock();
  const { people, signatures } = await deps.db.read(async (tx) => {
    const found = await deps.publishedKeys.of(tx, knownPeople(session, Object.keys(body.device_keys), now));
    // Of others, only their master keys can be signed.
    const others = found.filter(({ nid, crossSigning }) => crossSigning.master !== undefined && nid !== session.userNid);
    return { people: found, signatures: await signaturesBy(tx, session.userNid, others.map(({ nid }) => nid)) };
  });
  const verified = groupBy(signatures.map((signature) => ({ ...signature, signer: session.userId })), ({ target_nid }) => target_nid);
  return new JsonText([
    '{"device_keys":{', people.map((person) => memberOf(person, devicesOf(person, body.device_keys[person.userId]))).join(),
    '},"master_keys":{', keysOf(people, 'master', verified),
    '},"self_signing_keys":{', keysOf(people, 'self_signing'),
    '},"user_signing_keys":{', keysOf(people.filter(({ nid }) => nid === session.userNid), 'user_signing'),
    '},"failures":{}}',
  ]);
}

function memberOf({ userId }: PublishedKeys, json: string): string {
  return `${JSON.stringify(userId)}:${json}`;
}

/** An empty list stands for all. */
function devicesOf({ devices }: PublishedKeys, asked: readonly string[] = []): string {
  if (asked.length === 0) return devices;
  const members: [name: string, json: string][] = [];
  eachMember(devices, 0, (name, at) => {
    const end = endOfValue(devices, at);
    if (asked.includes(name)) members.push([name, devices.slice(at, end)]);
    return end;
  });
  return jsonObjectOf(members);
}

/** The cross-signing keys of that usage, with what else is known of who signed them, by the person's nid. */
function keysOf(people: readonly PublishedKeys[], usage: Usage, signatures: ReadonlyMap<number, readonly NamedSignature[]> = new Map()): string {
  return people.flatMap((person) => {
    const key = person.crossSigning[usage];
    return key === undefined ? [] : [memberOf(person, signed(key.json, key.public_key, signatures.get(person.nid) ?? []))];
  }).join();
}
