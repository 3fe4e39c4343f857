import { isDeepStrictEqual } from 'node:util';
import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError, notFound, type Errcode } from '../matrix/errors.js';
import { anyObject, record, type JsonObject, type TypeOf } from '../matrix/schema.js';
import { verifyJson } from '../matrix/signing.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { advance } from '../storage/stream.js';
import { crossSigningKeysOf, putSignatures, signaturesBy, type CrossSigningRow, type KeySignature, type Usage } from './cross-signing-store.js';
import { deviceKeysOf } from './device-keys-store.js';
import { markDevicesChanged } from './device-lists.js';
import { peopleIn } from './people-store.js';
import { knownPeople } from './people.js';
import { isSameKey } from './same-key.js';

export const SignaturesUpload = record(record(anyObject));

type Failures = Record<string, Record<string, { errcode: Errcode; error: string }>>;

/**
 * Adds signatures to keys already published: of own devices by the self-signing key, of the own master key by own devices, of
 * other people's master keys by the user-signing key. Others are reported key by key.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload
 */
export async function uploadSignatures(
  deps: { db: Database; clock: Clock },
  { session, body }: { session: Session; body: TypeOf<typeof SignaturesUpload> },
): Promise<{ failures: Failures }> {
  const now = deps.clock();
  return deps.db.transaction(async (tx) => {
    await tx.lock(`keys/${session.userNid}`);
    const ring = await readKeyring(tx, session, Object.keys(body), now);
    const accepted: KeySignature[] = [];
    const failures: [string, Failures[string]][] = [];
    for (const [userId, objects] of Object.entries(body)) {
      const refused: [string, Failures[string][string]][] = [];
      for (const [name, object] of Object.entries(objects)) {
        const outcome = judge(ring, { userId, name, object });
        if (outcome instanceof MatrixError) refused.push([name, { errcode: outcome.errcode, error: outcome.message }]);
        else accepted.push(...outcome);
      }
      if (refused.length > 0) failures.push([userId, Object.fromEntries(refused)]);
    }
    await publish(tx, session, accepted);
    return { failures: Object.fromEntries(failures) };
  });
}

async function publish(tx: Transaction, { userNid }: Session, accepted: readonly KeySignature[]): Promise<void> {
  const known = await signaturesBy(tx, userNid, [...new Set(accepted.map(({ target_nid }) => target_nid))]);
  const fresh = accepted.filter((signature) => !known.some((other) => isDeepStrictEqual({ ...other }, signature)));
  if (fresh.length === 0) return;
  await putSignatures(tx, await advance(tx, [`ownDevices/${userNid}`]), fresh);
  if (fresh.some(({ target_nid }) => target_nid === userNid)) await markDevicesChanged(tx, userNid);
}

interface Keyring {
  readonly session: Session;
  readonly devices: ReadonlyMap<string, JsonObject>;
  readonly own: ReadonlyMap<Usage, CrossSigningRow>;
  readonly masters: ReadonlyMap<string, CrossSigningRow>;
}

async function readKeyring(tx: ReadTransaction, session: Session, userIds: readonly string[], now: number): Promise<Keyring> {
  const people = await peopleIn(tx, knownPeople(session, userIds, now));
  const rows = await crossSigningKeysOf(tx, [...new Set([session.userNid, ...people.map(({ nid }) => nid)])]);
  const devices = await deviceKeysOf(tx, session.userNid);
  const masters = new Map(rows.filter(({ usage }) => usage === 'master').map((row) => [row.user_nid, row]));
  return {
    session,
    devices: new Map(devices.map((row) => [row.device_id, JSON.parse(row.json) as JsonObject])),
    own: new Map(rows.filter(({ user_nid }) => user_nid === session.userNid).map((row) => [row.usage, row])),
    masters: new Map(people.flatMap(({ id, nid }) => {
      const master = masters.get(nid);
      return master === undefined ? [] : [[id, master]];
    })),
  };
}

interface Signed {
  readonly userId: string;
  /** What is signed: a device id or a cross-signing public key. */
  readonly name: string;
  readonly object: JsonObject;
}

/** The signatures to keep, or why there is none. */
function judge(ring: Keyring, signed: Signed): readonly KeySignature[] | MatrixError {
  try {
    if (signed.userId !== ring.session.userId) return signaturesOnPerson(ring, signed);
    if (ring.devices.has(signed.name)) return signaturesOnDevice(ring, signed);
    return signaturesOnSelf(ring, signed);
  } catch (error) {
    if (error instanceof MatrixError) return error;
    throw error;
  }
}

function signaturesOnDevice(ring: Keyring, signed: Signed): readonly KeySignature[] {
  refuseOther(ring.devices.get(signed.name), signed);
  return [signatureBy(ring, ring.own.get('self_signing'), signed, ring.session.userNid)];
}

function signaturesOnPerson(ring: Keyring, signed: Signed): readonly KeySignature[] {
  const master = ring.masters.get(signed.userId);
  if (master?.public_key !== signed.name) throw notFound('No such key');
  refuseOther(JSON.parse(master.json) as JsonObject, signed);
  return [signatureBy(ring, ring.own.get('user_signing'), signed, master.user_nid)];
}

function signatureBy(ring: Keyring, key: CrossSigningRow | undefined, signed: Signed, targetNid: number): KeySignature {
  if (key === undefined) throw notFound('You have published no key that could sign this');
  return verified(ring, signed, { targetNid, signingKey: `ed25519:${key.public_key}`, publicKey: key.public_key });
}

/** The own master key, which any of the own devices may sign. */
function signaturesOnSelf(ring: Keyring, signed: Signed): readonly KeySignature[] {
  const { userId, userNid } = ring.session;
  const master = ring.own.get('master');
  if (master?.public_key !== signed.name) throw notFound('No such key');
  const stored = JSON.parse(master.json) as JsonObject;
  refuseOther(stored, signed);
  const before = signaturesOf(stored, userId);
  const fresh = Object.entries(signaturesOf(signed.object, userId)).filter(([key, signature]) => before[key] !== signature);
  return fresh.map(([signingKey]) => {
    const keys = ring.devices.get(signingKey.slice('ed25519:'.length))?.['keys'] as Readonly<Record<string, string>> | undefined;
    const publicKey = keys?.[signingKey];
    if (publicKey === undefined) throw notFound('You have no device with the signing key');
    return verified(ring, signed, { targetNid: userNid, signingKey, publicKey });
  });
}

function verified(ring: Keyring, signed: Signed, by: { targetNid: number; signingKey: string; publicKey: string }): KeySignature {
  const { userId, userNid } = ring.session;
  const signature = signaturesOf(signed.object, userId)[by.signingKey];
  if (typeof signature !== 'string' || !verifyJson(signed.object, userId, by.signingKey, by.publicKey)) {
    throw new MatrixError('M_INVALID_SIGNATURE', 'The signature is missing or not valid');
  }
  return { target_nid: by.targetNid, target_key: signed.name, signer_nid: userNid, signing_key: by.signingKey, signature };
}

function refuseOther(stored: JsonObject | undefined, { object }: Signed): void {
  if (stored !== undefined && isSameKey(stored, object)) return;
  throw new MatrixError('M_INVALID_PARAM', 'What is signed is not the key that was published');
}

function signaturesOf(object: JsonObject, userId: string): Readonly<Record<string, unknown>> {
  const all = object['signatures'];
  if (typeof all !== 'object' || all === null || !(userId in all)) return {};
  const own = (all as JsonObject)[userId];
  return typeof own === 'object' && own !== null ? (own as JsonObject) : {};
}
