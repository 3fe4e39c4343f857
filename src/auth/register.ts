import type { Random } from '../matrix/clock.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { newUserId, parseDeviceId, type DeviceId, type ServerName, type UserId } from '../matrix/identifiers.js';
import { anyObject, boolean, object, oneOf, optional, string, text, type JsonObject, type TypeOf } from '../matrix/schema.js';
import type { Database, Transaction } from '../storage/database.js';
import type { AppServices } from './app-services.js';
import type { Origin } from './devices-store.js';
import { lowerCase } from './identifier.js';
import { DeviceName, NewPassword, type LoginDeps } from './login.js';
import { BY_SERVICE, refuseUncovered, serviceOf } from './login-of-service.js';
import { openSession } from './open-session.js';
import { spendRegistrationToken } from './registration-tokens-store.js';
import { requireDummy, requireRegistrationToken } from './uia.js';
import { createUser, findAccount, type Admitted, type NewAccount } from './users-store.js';

export interface RegisterDeps extends LoginDeps {
  readonly registrationIsOpen: boolean;
  readonly registrationNeedsToken: boolean;
}

export const RegisterQuery = object({ kind: optional(oneOf('user', 'guest')) });
export const RegisterBody = object({
  type: optional(text({ maxLength: 255 })),
  auth: optional(anyObject),
  username: optional(string),
  password: optional(NewPassword),
  device_id: optional(text({ minLength: 1, maxLength: 255 })),
  initial_device_display_name: optional(DeviceName),
  inhibit_login: optional(boolean),
  refresh_token: optional(boolean),
});

interface RegisterCall {
  readonly query: TypeOf<typeof RegisterQuery>;
  readonly body: TypeOf<typeof RegisterBody>;
  readonly ip: string;
  readonly userAgent?: string | undefined;
  readonly authorization?: string | undefined;
}

/** Closed unless the operator opened it; never for guests (RULES A5). https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register */
export async function register(deps: RegisterDeps, call: RegisterCall): Promise<object> {
  const { query, body, ip, userAgent } = call;
  if (query.kind === 'guest') throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'This server has no guests');
  if (body.type === BY_SERVICE) return registerForService(deps, call);
  refuseWhenClosed(deps.registrationIsOpen);
  const userId = newUserId(body.username === undefined ? newLocalpart(deps.random) : lowerCase(body.username), deps.serverName);
  deps.appServices.refuseReserved(userId);
  const deviceId = body.device_id === undefined ? undefined : parseDeviceId(body.device_id);
  const tokenHash = await requireProof(deps, userId, body.auth);
  if (body.password === undefined) throw new MatrixError('M_MISSING_PARAM', 'A password is missing');
  const passwordHash = await deps.passwords.hashPassword(body.password);
  const now = deps.clock();
  return deps.db.transaction(async (tx) => {
    if (tokenHash !== undefined && !(await spendRegistrationToken(tx, tokenHash, now))) throw forbidden('This registration token has just been used up');
    const userNid = await createAccount(tx, { userId, passwordHash, isAdmin: false, now });
    return made(tx, deps, { userId, userNid, deviceId, body, ip, userAgent, now });
  });
}

/** A user of an application service, without a password, for whoever has its token. https://spec.matrix.org/v1.19/application-service-api/#server-admin-style-permissions */
async function registerForService(deps: RegisterDeps, { body, ip, userAgent, authorization }: RegisterCall): Promise<object> {
  const service = serviceOf(deps, authorization);
  if (body.username === undefined) throw new MatrixError('M_MISSING_PARAM', 'A user name is missing');
  const userId = newUserId(lowerCase(body.username), deps.serverName);
  refuseUncovered(deps, service, userId);
  const deviceId = body.device_id === undefined ? undefined : parseDeviceId(body.device_id);
  const now = deps.clock();
  return deps.db.transaction(async (tx) => {
    const userNid = await createAccount(tx, { userId, passwordHash: undefined, isAdmin: false, appServiceId: service.id, now });
    return made(tx, deps, { userId, userNid, deviceId, body, ip, userAgent, now });
  });
}

interface Made extends Origin {
  readonly userId: UserId;
  readonly userNid: Admitted;
  readonly deviceId: DeviceId | undefined;
  readonly body: TypeOf<typeof RegisterBody>;
}

/** What is told of a new account, with a session unless none is wanted. */
async function made(tx: Transaction, deps: RegisterDeps, { userId, body, ...account }: Made): Promise<object> {
  const told = { user_id: userId, home_server: deps.serverName };
  if (body.inhibit_login === true) return told;
  return { ...told, ...(await openSession(tx, deps, { ...account, displayName: body.initial_device_display_name, isRefreshable: body.refresh_token })) };
}

/**
 * Whoever needs no token is told at once that a name is taken; else only who has one, for nobody outside learns who exists (RULES D7).
 * Resolves to the hash of the token.
 */
async function requireProof(deps: RegisterDeps, userId: UserId, auth: JsonObject | undefined): Promise<string | undefined> {
  if (deps.registrationNeedsToken) {
    const tokenHash = await requireRegistrationToken(deps, 'POST register', auth);
    await refuseTaken(deps.db, userId);
    return tokenHash;
  }
  await refuseTaken(deps.db, userId);
  await requireDummy(deps, 'POST register', auth);
  return undefined;
}

/** Refuses a taken name with M_USER_IN_USE. */
export async function createAccount(tx: Transaction, account: NewAccount): Promise<Admitted> {
  const userNid = await createUser(tx, account);
  if (userNid === undefined) throw taken();
  return userNid;
}

export const AvailableQuery = object({ username: string });

interface AvailableDeps {
  readonly db: Database;
  readonly serverName: ServerName;
  readonly appServices: AppServices;
  readonly registrationIsOpen: boolean;
  readonly registrationNeedsToken: boolean;
}

/**
 * While registration is closed nobody learns who exists (RULES D7), and where it takes a token nobody without one: every well-formed
 * name is said to be free, and who has a token is told when it is not. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3registeravailable
 */
export async function isAvailable(deps: AvailableDeps, { query }: { query: TypeOf<typeof AvailableQuery> }): Promise<object> {
  refuseWhenClosed(deps.registrationIsOpen);
  const userId = newUserId(lowerCase(query.username), deps.serverName);
  deps.appServices.refuseReserved(userId);
  if (!deps.registrationNeedsToken) await refuseTaken(deps.db, userId);
  return { available: true };
}

function refuseWhenClosed(isOpen: boolean): void {
  if (!isOpen) throw forbidden('Accounts on this server are made by its operators');
}

async function refuseTaken(db: Database, userId: UserId): Promise<void> {
  if ((await db.read((tx) => findAccount(tx, userId))) !== undefined) throw taken();
}

function taken(): MatrixError {
  return new MatrixError('M_USER_IN_USE', 'This user name is taken');
}

function newLocalpart(random: Random): string {
  return `u${random(8).toString('hex')}`;
}
