import type { DeviceId, UserId } from '../matrix/identifiers.js';
import { groupBy } from '../storage/group-by.js';
import type { ReadTransaction, Sql } from '../storage/database.js';
import { crossSigningKeysOf, selfSignatures, type CrossSigningRow, type KeySignature, type Usage } from './cross-signing-store.js';
import { deviceKeysOfAll, type PersonWithKeys } from './device-keys-store.js';
import { lastChangesOf } from './device-lists-store.js';
import { jsonObjectOf, withMember } from './splice.js';

/** What a person's keys are to everybody who may know of them: with the names of the devices and the person's own signatures. */
export interface PublishedKeys {
  readonly nid: number;
  readonly userId: UserId;
  /** Of the last change of any of it. */
  readonly position: number;
  /** An object of the keys of each device that has some, by its id. */
  readonly devices: string;
  readonly crossSigning: Readonly<Partial<Record<Usage, CrossSigningRow>>>;
}

/** Of what is committed: a transaction that writes does not fit, for the positions of what is rolled back are drawn again. */
type Snapshot = ReadTransaction & { readonly run?: never };

/** Of what is kept, in all. */
const MOST_CHARACTERS = 16_777_216;

/**
 * Keeps the published keys of those who were asked for, each under the position of their last change: for that one they can never be
 * anything else. Whether the caller may know of somebody is asked anew each time.
 */
export class PublishedKeysMemory {
  readonly #kept = new Map<number, PublishedKeys>();
  readonly #mostCharacters: number;
  #characters = 0;

  constructor(mostCharacters = MOST_CHARACTERS) {
    this.#mostCharacters = mostCharacters;
  }

  /** Of all whom the query of `nid` and `id` finds, as they are in this snapshot. */
  async of(tx: Snapshot, people: Sql): Promise<readonly PublishedKeys[]> {
    const changes = await lastChangesOf(tx, people);
    const kept = changes.map(({ nid, position }) => this.#at(nid, position));
    const missing = changes.filter((_, i) => kept[i] === undefined);
    const read = missing.length === 0 ? [] : await readPublishedKeys(tx, new Map(missing.map(({ nid, position }) => [nid, position])));
    for (const keys of read) this.#keep(keys);
    return [...kept.filter((keys) => keys !== undefined), ...read];
  }

  #at(nid: number, position: number): PublishedKeys | undefined {
    const kept = this.#kept.get(nid);
    return kept?.position === position ? kept : undefined;
  }

  #keep(keys: PublishedKeys): void {
    const former = this.#kept.get(keys.nid);
    // Read in a snapshot that is older than what is kept.
    if (former !== undefined && former.position > keys.position) return;
    if (former !== undefined) this.#forget(former);
    this.#kept.set(keys.nid, keys);
    this.#characters += lengthOf(keys);
    for (const oldest of this.#kept.values()) {
      if (this.#characters <= this.#mostCharacters) return;
      this.#forget(oldest);
    }
  }

  #forget(keys: PublishedKeys): void {
    this.#kept.delete(keys.nid);
    this.#characters -= lengthOf(keys);
  }
}

function lengthOf({ userId, devices, crossSigning }: PublishedKeys): number {
  return Object.values(crossSigning).reduce((sum, { json }) => sum + json.length, userId.length + devices.length);
}

async function readPublishedKeys(tx: ReadTransaction, positions: ReadonlyMap<number, number>): Promise<readonly PublishedKeys[]> {
  const nids = [...positions.keys()];
  const people = groupBy(await deviceKeysOfAll(tx, nids), ({ user_nid }) => user_nid);
  const crossSigning = groupBy(await crossSigningKeysOf(tx, nids), ({ user_nid }) => user_nid);
  const signatures = groupBy(await selfSignatures(tx, nids), ({ target_nid }) => target_nid);
  return [...people].flatMap(([nid, rows]) => rows.slice(0, 1).map(({ user_id: userId }) => {
    const own = (signatures.get(nid) ?? []).map((signature) => ({ ...signature, signer: userId }));
    return {
      nid,
      userId,
      position: positions.get(nid) ?? 0,
      devices: jsonObjectOf(devicesIn(rows, own)),
      crossSigning: Object.fromEntries((crossSigning.get(nid) ?? []).map((key) => [key.usage, { ...key, json: signed(key.json, key.public_key, own) }])),
    };
  }));
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
