import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import type { UserId } from '../matrix/identifiers.js';
import { anyObject, type JsonObject, type JsonValue } from '../matrix/schema.js';
import type { Database, Transaction } from '../storage/database.js';
import { deleteField, profileFields, setField } from './profile-store.js';
import { refuseOthers } from './refuse-others.js';

/** What of a profile the member events of rooms repeat; null: no longer set. */
export interface ChangedProfile {
  readonly displayname?: string | null;
  readonly avatar_url?: string | null;
}

/** Told in the transaction that changes a name or a picture, so that the rooms show it. */
export interface ProfileObserver {
  profileChanged(tx: Transaction, userNid: number, changed: ChangedProfile): Promise<void>;
}

interface Deps {
  readonly db: Database;
  readonly profileObserver: ProfileObserver;
}

interface FieldCall {
  readonly session: Session;
  readonly params: { readonly userId: UserId; readonly keyName: string };
}

const FIELD = /^(?:avatar_url|displayname|m\.tz|[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)+)$/;
const MXC = /^mxc:\/\/[^/\s]+\/[A-Za-z0-9_-]+$/;
const MAX_PROFILE_BYTES = 65_536;
const MAX_NAME_BYTES = 255;
const MAX_URL_BYTES = 1_000;

export const FieldBody = anyObject;

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname */
export async function setProfileField(deps: Deps, { session, params, body }: FieldCall & { body: JsonObject }): Promise<object> {
  const field = parseField(params.keyName);
  const value = Object.hasOwn(body, field) ? body[field] : undefined;
  if (value === undefined) throw new MatrixError('M_MISSING_PARAM', `The body has no ${field}`);
  const fault = faultOf(field, value);
  if (fault !== undefined) throw new MatrixError('M_INVALID_PARAM', fault);
  refuseOthers(session, params.userId);
  await changeField(deps, session, field, value);
  return {};
}

/** https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3profileuseridkeyname */
export async function deleteProfileField(deps: Deps, { session, params }: FieldCall): Promise<object> {
  const field = parseField(params.keyName);
  refuseOthers(session, params.userId);
  await changeField(deps, session, field, undefined);
  return {};
}

async function changeField({ db, profileObserver }: Deps, { userNid }: Session, field: string, value: JsonValue | undefined): Promise<void> {
  const isShared = field === 'displayname' || field === 'avatar_url';
  // Clients take back a name or a picture by setting nothing.
  const kept = isShared && (value === '' || value === null) ? undefined : value;
  await db.transaction(async (tx) => {
    await tx.lock(`profile/${userNid}`);
    const isChanged = await storeField(tx, userNid, field, kept);
    if (isChanged && isShared) await profileObserver.profileChanged(tx, userNid, { [field]: kept ?? null });
  });
}

/** False when the field was like that before. */
async function storeField(tx: Transaction, userNid: number, field: string, value: JsonValue | undefined): Promise<boolean> {
  const fields = await profileFields(tx, userNid);
  const before = fields.find((row) => row.field === field)?.value;
  if (value === undefined) {
    if (before !== undefined) await deleteField(tx, userNid, field);
    return before !== undefined;
  }
  const json = JSON.stringify(value);
  if (json === before) return false;
  const others = fields.filter((row) => row.field !== field);
  const bytes = [...others, { field, value: json }].reduce((sum, row) => sum + Buffer.byteLength(`"${row.field}":${row.value},`), 0);
  if (bytes > MAX_PROFILE_BYTES) throw new MatrixError('M_PROFILE_TOO_LARGE', 'A profile has less than 64 KiB');
  await setField(tx, userNid, { field, value: json });
  return true;
}

function parseField(keyName: string): string {
  if (!FIELD.test(keyName)) throw new MatrixError('M_INVALID_PARAM', 'Profile fields are displayname, avatar_url, m.tz or namespaced identifiers');
  return keyName;
}

function faultOf(field: string, value: JsonValue): string | undefined {
  switch (field) {
    case 'displayname':
      return value === null || isText(value, MAX_NAME_BYTES) ? undefined : `displayname is text of at most ${MAX_NAME_BYTES} bytes`;
    case 'avatar_url':
      return value === null || value === '' || (isText(value, MAX_URL_BYTES) && MXC.test(value)) ? undefined : 'avatar_url is an mxc:// address';
    case 'm.tz':
      return isText(value, MAX_NAME_BYTES) ? undefined : 'm.tz is the name of a time zone';
    default:
      return undefined;
  }
}

function isText(value: JsonValue, maxBytes: number): value is string {
  return typeof value === 'string' && !value.includes('\0') && Buffer.byteLength(value) <= maxBytes;
}
