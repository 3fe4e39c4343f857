import type { Session } from '../auth/session.js';
import { requireUia, stillAdmitted, type UiaDeps } from '../auth/uia.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { anyObject, array, object, optional, record, string, type JsonObject, type TypeOf } from '../matrix/schema.js';
import { verifyJson } from '../matrix/signing.js';
import type { ReadTransaction } from '../storage/database.js';
import { crossSigningKeysOf, deleteCrossSigningKey, putCrossSigningKey, type CrossSigningRow, type Usage } from './cross-signing-store.js';
import { markDevicesChanged } from './device-lists.js';
import { hasDeviceNamed } from './people-store.js';

const CrossSigningKey = object({
  user_id: string,
  usage: array(string),
  keys: record(string),
  signatures: optional(record(record(string))),
});
type CrossSigningKey = TypeOf<typeof CrossSigningKey>;

export const SigningKeysUpload = object({
  master_key: optional(CrossSigningKey),
  self_signing_key: optional(CrossSigningKey),
  user_signing_key: optional(CrossSigningKey),
  auth: optional(anyObject),
});

const PUBLIC_KEY = /^[A-Za-z0-9+/]{43}$/;

type Rows = readonly CrossSigningRow[];

/**
 * Publishes a person's identity. The first one, and the same again, needs no more proof than the session; any other change needs
 * the password. A request without keys, by which clients find out whether it does, changes nothing.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload
 */
export async function uploadSigningKeys(
  deps: UiaDeps,
  { session, body }: { session: Session; body: TypeOf<typeof SigningKeysUpload> },
): Promise<object> {
  const uploaded = uploadedKeys(session, body);
  const change = await deps.db.read((tx) => changeOf(tx, session, uploaded));
  const proven = change.needsProof && session.appService === undefined ? await requireUia(deps, session, 'POST keys/device_signing/upload', body.auth) : undefined;
  await deps.db.transaction(async (tx) => {
    await tx.lock(`keys/${session.userNid}`);
    if (proven !== undefined) await stillAdmitted(tx, proven);
    const { needsProof, removed, written } = await changeOf(tx, session, uploaded);
    // Another device may have published an identity since, which this request was not proven to replace.
    if (needsProof && !change.needsProof) throw forbidden('Your identity was changed by another device just now');
    for (const key of removed) await deleteCrossSigningKey(tx, key);
    for (const key of written) await putCrossSigningKey(tx, key);
    if (written.length > 0) await markDevicesChanged(tx, session.userNid);
  });
  return {};
}

/** The keys of the request as rows, each well-formed and the caller's own. */
function uploadedKeys({ userId, userNid }: Session, body: TypeOf<typeof SigningKeysUpload>): Rows {
  const named: readonly (readonly [Usage, CrossSigningKey | undefined])[] = [
    ['master', body.master_key],
    ['self_signing', body.self_signing_key],
    ['user_signing', body.user_signing_key],
  ];
  return named.flatMap(([usage, key]) => {
    if (key === undefined) return [];
    const [[name, publicKey] = ['', ''], ...more] = Object.entries(key.keys);
    const isWellFormed = more.length === 0 && PUBLIC_KEY.test(publicKey) && name === `ed25519:${publicKey}`;
    if (key.user_id !== userId || !key.usage.includes(usage) || !isWellFormed) {
      throw new MatrixError('M_INVALID_PARAM', `That is not a ${usage} key of yours`);
    }
    return [{ user_nid: userNid, usage, public_key: publicKey, json: JSON.stringify({ ...key, unsigned: undefined }) }];
  });
}

interface Change {
  readonly needsProof: boolean;
  readonly removed: Rows;
  readonly written: Rows;
}

/** What the upload would change, given what is stored; refuses keys that no master key vouches for. */
async function changeOf(tx: ReadTransaction, session: Session, uploaded: Rows): Promise<Change> {
  const stored = await crossSigningKeysOf(tx, [session.userNid]);
  const added = uploaded.filter((key) => ofUsage(stored, key.usage)?.public_key !== key.public_key);
  if (added.length === 0) return { needsProof: false, removed: [], written: [] };
  const master = ofUsage(uploaded, 'master') ?? ofUsage(stored, 'master');
  if (master === undefined) throw new MatrixError('M_MISSING_PARAM', 'You have no master key yet');
  for (const key of uploaded) if (key.usage !== 'master') refuseUnsigned(session, key, master);
  const isNewIdentity = ofUsage(added, 'master') !== undefined;
  const kept = isNewIdentity ? [] : stored.filter(({ usage }) => ofUsage(uploaded, usage) === undefined);
  await refuseTakenNames(tx, session, [...uploaded, ...kept]);
  // What a former master key vouched for goes with it.
  const removed = stored.filter((key) => (isNewIdentity && ofUsage(uploaded, key.usage) === undefined) || ofUsage(added, key.usage) !== undefined);
  return { needsProof: ofUsage(stored, 'master') !== undefined, removed, written: isNewIdentity ? uploaded : added };
}

function refuseUnsigned({ userId }: Session, key: CrossSigningRow, master: CrossSigningRow): void {
  if (verifyJson(JSON.parse(key.json) as JsonObject, userId, `ed25519:${master.public_key}`, master.public_key)) return;
  throw new MatrixError('M_INVALID_SIGNATURE', `The ${key.usage} key is not signed by the master key`);
}

/**
 * Device ids and cross-signing keys are told apart only by not being the same.
 * https://spec.matrix.org/v1.19/client-server-api/#key-and-signature-security
 */
async function refuseTakenNames(tx: ReadTransaction, session: Session, keys: Rows): Promise<void> {
  const names = keys.map((key) => key.public_key);
  if (new Set(names).size < names.length) throw new MatrixError('M_INVALID_PARAM', 'The keys must differ');
  if (await hasDeviceNamed(tx, session.userNid, names)) throw forbidden('A device of yours has the key for its id');
}

function ofUsage(rows: Rows, usage: Usage): CrossSigningRow | undefined {
  return rows.find((row) => row.usage === usage);
}
