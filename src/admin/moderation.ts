import { devicesOf } from '../auth/devices-store.js';
import type { Session } from '../auth/session.js';
import { findUser, setLocked, setSuspended, type UserRow } from '../auth/users-store.js';
import { forbidden, MatrixError, notFound } from '../matrix/errors.js';
import { serverOf, type ServerName, type UserId } from '../matrix/identifiers.js';
import { boolean, object, type TypeOf } from '../matrix/schema.js';
import type { Database, ReadTransaction } from '../storage/database.js';
import { advance } from '../storage/stream.js';

interface Deps {
  readonly db: Database;
  readonly serverName: ServerName;
}

interface TargetCall {
  readonly session: Session;
  readonly params: { readonly userId: UserId };
}

/** Of oneself, or of anybody of this shard for its administrators. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3adminwhoisuserid */
export async function whoIs({ db, serverName }: Deps, { session, params: { userId } }: TargetCall): Promise<object> {
  if (session.userId !== userId) refuseOrdinary(session);
  refuseForeign(userId, serverName);
  return db.read(async (tx) => {
    const { user_nid: nid } = await accountIn(tx, userId);
    const devices = (await devicesOf(tx, nid)).map(({ device_id, last_seen_ip: ip, last_seen_ts: seen, last_seen_user_agent: agent }) => {
      const connection = { ...(ip === null ? {} : { ip }), ...(seen === null ? {} : { last_seen: seen }), ...(agent === null ? {} : { user_agent: agent }) };
      return [device_id, { sessions: [{ connections: [connection] }] }] as const;
    });
    return { user_id: userId, devices: Object.fromEntries(devices) };
  });
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1adminlockuserid */
export async function isLocked(deps: Deps, call: TargetCall): Promise<object> {
  return { locked: (await readTarget(deps, call)).is_locked === 1 };
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1adminsuspenduserid */
export async function isSuspended(deps: Deps, call: TargetCall): Promise<object> {
  return { suspended: (await readTarget(deps, call)).is_suspended === 1 };
}

export const LockBody = object({ locked: boolean });

/**
 * Locks an account, or unlocks it: its requests are refused from the next one on, and those that wait end. Its sessions stay for
 * when it is unlocked. https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv1adminlockuserid
 */
export async function lockUser(deps: Deps, call: TargetCall & { readonly body: TypeOf<typeof LockBody> }): Promise<object> {
  const { locked } = call.body;
  refuseOrdinary(call.session);
  refuseForeign(call.params.userId, deps.serverName);
  await deps.db.transaction(async (tx) => {
    const { user_nid: nid } = await targetIn(tx, call);
    await setLocked(tx, nid, locked);
    await advance(tx, [`ownDevices/${nid}`]);
  });
  return { locked };
}

export const SuspensionBody = object({ suspended: boolean });

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv1adminsuspenduserid */
export async function suspendUser(deps: Deps, call: TargetCall & { readonly body: TypeOf<typeof SuspensionBody> }): Promise<object> {
  const { suspended } = call.body;
  refuseOrdinary(call.session);
  refuseForeign(call.params.userId, deps.serverName);
  await deps.db.transaction(async (tx) => setSuspended(tx, (await targetIn(tx, call)).user_nid, suspended));
  return { suspended };
}

async function readTarget({ db, serverName }: Deps, call: TargetCall): Promise<UserRow> {
  refuseOrdinary(call.session);
  refuseForeign(call.params.userId, serverName);
  return db.read((tx) => targetIn(tx, call));
}

/** Before anything is looked up: who is no administrator learns nothing about who exists. */
function refuseOrdinary({ isAdmin }: Session): void {
  if (!isAdmin) throw forbidden('Only administrators of this server may do this');
}

function refuseForeign(userId: UserId, serverName: ServerName): void {
  if (serverOf(userId) !== serverName) throw new MatrixError('M_INVALID_PARAM', 'That account is not on this server');
}

/** Nobody locks themselves out, and no administrator another. */
async function targetIn(tx: ReadTransaction, { params }: TargetCall): Promise<UserRow> {
  const account = await accountIn(tx, params.userId);
  if (account.is_admin === 1) throw forbidden('Administrators are not locked or suspended by one another');
  return account;
}

async function accountIn(tx: ReadTransaction, userId: UserId): Promise<UserRow> {
  const account = await findUser(tx, userId);
  if (account === undefined || account.is_account === 0 || account.is_deactivated === 1) throw notFound('There is no such account');
  return account;
}
