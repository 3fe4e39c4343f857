import type { Clock } from '../matrix/clock.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { parseDeviceId, parseUserId, type ServerName } from '../matrix/identifiers.js';
import { boolean, object, optional, string, text, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import type { AppServices } from './app-services.js';
import type { LoginBrakes } from './brakes.js';
import { lockedOut } from './locked-out.js';
import { accountIdOf, Identifier, typedName, type Naming } from './identifier.js';
import { BY_SERVICE, refuseUncovered, serviceOf } from './login-of-service.js';
import { openSession, type TokenDeps } from './open-session.js';
import type { Passwords } from './passwords.js';
import { admit, findAccount, type UserRow } from './users-store.js';

export const Password = text({ maxLength: 512 });
/** Of a new account: an empty one would let anybody in. */
export const NewPassword = text({ minLength: 1, maxLength: 512 });
export const DeviceName = text({ maxLength: 255 });

export const LoginBody = object({
  type: string,
  identifier: optional(Identifier),
  user: optional(string),
  password: optional(Password),
  device_id: optional(text({ minLength: 1, maxLength: 255 })),
  initial_device_display_name: optional(DeviceName),
  refresh_token: optional(boolean),
});

export interface LoginDeps extends TokenDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly serverName: ServerName;
  readonly passwords: Passwords;
  readonly loginBrakes: LoginBrakes;
  readonly appServices: AppServices;
}

interface LoginCall {
  readonly body: TypeOf<typeof LoginBody>;
  readonly ip: string;
  readonly userAgent?: string | undefined;
  readonly authorization?: string | undefined;
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login */
export async function listLoginFlows({ appServices }: { readonly appServices: AppServices }): Promise<object> {
  const services = appServices.all.length > 0 ? [{ type: BY_SERVICE }] : [];
  return { flows: [{ type: 'm.login.password' }, ...services] };
}

/**
 * Password login. A wrong password and a person who does not exist get the same words after the same time (RULES D7); what
 * else bars an account is said only to who knows its password. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login
 */
export async function logIn(deps: LoginDeps, { body, ip, userAgent, authorization }: LoginCall): Promise<object> {
  const isService = body.type === BY_SERVICE && deps.appServices.all.length > 0;
  if (!isService && body.type !== 'm.login.password') throw new MatrixError('M_UNKNOWN', 'This server knows only m.login.password', { status: 400 });
  const deviceId = body.device_id === undefined ? undefined : parseDeviceId(body.device_id);
  const proven = isService ? await proveService(deps, body, authorization) : await prove(deps, body);
  const opened = await deps.db.transaction(async (tx) => {
    const userNid = await admit(tx, proven);
    if (userNid === undefined) throw wrongPassword();
    return openSession(tx, deps, { userNid, deviceId, displayName: body.initial_device_display_name, isRefreshable: body.refresh_token, ip, userAgent, now: deps.clock() });
  });
  return { user_id: proven.user_id, ...opened, home_server: deps.serverName };
}

/** A user that the application service has registered itself. https://spec.matrix.org/v1.19/client-server-api/#appservice-login */
async function proveService(deps: LoginDeps, body: Naming, authorization: string | undefined): Promise<UserRow> {
  const service = serviceOf(deps, authorization);
  const name = typedName(body);
  if (name === undefined) throw new MatrixError('M_MISSING_PARAM', 'An identifier is missing');
  const userId = parseUserId(accountIdOf(name, deps.serverName));
  refuseUncovered(deps, service, userId);
  const account = await deps.db.read((tx) => findAccount(tx, userId));
  if (account === undefined || account.app_service_id !== service.id) throw forbidden('The application service has not registered this user');
  if (account.is_deactivated === 1) throw new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated');
  if (account.is_locked === 1) throw lockedOut();
  return account;
}

async function prove({ db, serverName, passwords, loginBrakes }: LoginDeps, body: Naming & { readonly password?: string }): Promise<UserRow> {
  if (body.password === undefined) throw new MatrixError('M_MISSING_PARAM', 'A password is missing');
  if (body.identifier === undefined && body.user === undefined) throw new MatrixError('M_MISSING_PARAM', 'An identifier is missing');
  const name = typedName(body);
  const accountId = name === undefined ? '' : accountIdOf(name, serverName);
  await loginBrakes.account.spend(accountId);
  // Before the password is looked at, so that of many guesses at once only so many are.
  await loginBrakes.failed.spend(accountId);
  const account = await db.read((tx) => findAccount(tx, accountId));
  const isRight = await passwords.verifyPassword(body.password, accountId, account?.password_hash);
  if (account === undefined || !isRight) throw wrongPassword();
  await loginBrakes.failed.giveBack(accountId);
  if (account.is_deactivated === 1) throw new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated');
  if (account.is_locked === 1) throw lockedOut();
  return account;
}

function wrongPassword(): MatrixError {
  return forbidden('Wrong user name or password');
}
