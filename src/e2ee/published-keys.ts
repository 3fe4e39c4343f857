import type { DeviceId, UserId } from '../matrix/identifiers.js';
import { groupBy } from '../storage/group-by.js';
import type { ReadTransaction, Sql } from '../storage/database.js';
import { ReadMemory } from '../storage/read-memory.js';
import { crossSigningKeysOf, selfSignatures, type CrossSigningRow, type KeySignature, type Usage } from './cross-signing-store.js';
import { deviceKeysOfAll, type PersonWithKeys } from './device-keys-store.js';
import { lastChangesOf } from './device-lists-store.js';
import { jsonObjectOf, withMember } from './splice.js';

/** What a person's keys are to everybody who may know of them: with the names of the devices and the person's own signatures. */
export interface PublishedKeys {
  readonly nid: number;
  readonly userId: UserId;
  /** An object of the keys of each device that has some, by its id. */
  readonly devices: string;
  readonly crossSigning: Readonly<Partial<Record<Usage, CrossSigningRow>>>;
}

/** Of what is committed: a transaction that writes does not fit, for the positions of what is rolled back are drawn again. */
type Snapshot = ReadTransaction & { readonly run?: never };

/** Characters, of all that is kept. */
const MOST = 16_777_216;
/** Far more than anybody's clients publish: nobody can fill all of it alone. */
const MOST_OF_ONE = 262_144;
const BESIDES_TEXTS = 200;

/**
 * Keeps the published keys of those who were asked for, each under the position of their last change. Whether the caller may know of
 * somebody is asked anew each time.
 */
export class PublishedKeysMemory {
  readonly #memory = new ReadMemory<PublishedKeys>(MOST);

  /** Of all whom the query of `nid` and `id` finds, as they are in this snapshot. */
  async of(tx: Snapshot, people: Sql): Promise<readonly PublishedKeys[]> {
    const changes = await lastChangesOf(tx, people);
    const kept = changes.map(({ nid, position }) => this.#memory.at(nid, position));
    const missing = new Map(changes.filter((_, i) => kept[i] === undefined).map(({ nid, position }) => [nid, position]));
    const read = missing.size === 0 ? [] : await readPublishedKeys(tx, [...missing.keys()]);
    for (const keys of read) {
      const size = sizeOf(keys);
      if (size <= MOST_OF_ONE) this.#memory.keep(keys.nid, missing.get(keys.nid) ?? 0, keys, size);
    }
    return [...kept.filter((keys) => keys !== undefined), ...read];
  }
}

function sizeOf({ userId, devices, crossSigning }: PublishedKeys): number {
  return Object.values(crossSigning).reduce((sum, { json }) => sum + json.length, BESIDES_TEXTS + userId.length + devices.length);
}

async function readPublishedKeys(tx: ReadTransaction, nids: readonly number[]): Promise<readonly PublishedKeys[]> {
  const people = groupBy(await deviceKeysOfAll(tx, nids), ({ user_nid }) => user_nid);
  const crossSigning = groupBy(await crossSigningKeysOf(tx, nids), ({ user_nid }) => user_nid);
  const signatures = groupBy(await selfSignatures(tx, nids), ({ target_nid }) => target_nid);
  return [...people].flatMap(([nid, rows]) => {
    const userId = rows[0]?.user_id;
    if (userId === undefined) return [];
    const own = (signatures.get(nid) ?? []).map((signature) => ({ ...signature, signer: userId }));
    const keys = (crossSigning.get(nid) ?? []).map((key) => [key.usage, { ...key, json: signed(key.json, key.public_key, own) }] as const);
    return [{ nid, userId, devices: jsonObjectOf(devicesIn(rows, own)), crossSigning: Object.fromEntries(keys) }];
  });
}

function devicesIn(rows: readonly PersonWithKeys[], signatures: readonly NamedSignature[]): readonly [DeviceId, string][] {
  return rows.flatMap(({ device_id, display_name, json }) => {
    if (device_id === null || json === null) return [];
    return [[device_id, withName(signed(json, device_id, signatures), display_name)]];
  });
}

function withName(json: string, name: string | null): string {
  return name === null ? json : withMember(json, 'unsigned', JSON.stringify({ device_display_name: name }));
}

/** A signature with the user id of who made it. */
export type NamedSignature = Pick<KeySignature, 'target_key' | 'signing_key' | 'signature'> & { readonly signer: UserId };

/** The stored key of that name, a device id or a public key, with the signatures uploaded after it. */
export function signed(json: string, name: string, signatures: readonly NamedSignature[]): string {
  const added = signatures.filter(({ target_key }) => target_key === name);
  if (added.length === 0) return json;
  const key = JSON.parse(json) as { readonly signatures?: Readonly<Record<string, Readonly<Record<string, string>>>> };
  const all = { ...key.signatures };
  for (const { signer, signing_key, signature } of added) all[signer] = { ...all[signer], [signing_key]: signature };
  return JSON.stringify({ ...key, signatures: all });
}
