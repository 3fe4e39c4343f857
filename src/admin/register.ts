import { createHmac, timingSafeEqual } from 'node:crypto';
import { lowerCase } from '../auth/identifier.js';
import { DeviceName, NewPassword, type LoginDeps } from '../auth/login.js';
import { openSession } from '../auth/open-session.js';
import { createAccount } from '../auth/register.js';
import { findUiaSession, saveUiaSession, takeUiaSession } from '../auth/uia-store.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { newUserId, parseDeviceId } from '../matrix/identifiers.js';
import { anyJson, boolean, object, optional, string, text, type TypeOf } from '../matrix/schema.js';

export interface AdminRegisterDeps extends LoginDeps {
  /** Undefined: nobody registers this way. */
  readonly registrationSharedSecret: string | undefined;
}

/** The nonces are kept with the other sessions that complete one operation only. */
const OPERATION = 'POST /_synapse/admin/v1/register';
const NONCE_MS = 60_000;

/** A nonce good once, for a minute. */
export async function offerNonce(deps: AdminRegisterDeps): Promise<object> {
  sharedSecret(deps);
  const nonce = deps.random(32).toString('hex');
  await deps.db.transaction((tx) => saveUiaSession(tx, { sessionId: nonce, user_nid: null, operation: OPERATION, now: deps.clock() }, NONCE_MS));
  return { nonce };
}

export const AdminRegisterBody = object({
  nonce: string,
  username: string,
  password: NewPassword,
  admin: optional(boolean),
  mac: string,
  user_type: optional(anyJson),
  device_id: optional(text({ minLength: 1, maxLength: 255 })),
  initial_device_display_name: optional(DeviceName),
});
type Body = TypeOf<typeof AdminRegisterBody>;

/**
 * An account for whoever knows the shared secret, by the protocol of Synapse's `register_new_matrix_user`.
 * The secret is proven before any work is done, and what it signs is good once.
 */
export async function registerWithSecret(deps: AdminRegisterDeps, { body, ip, userAgent }: { body: Body; ip: string; userAgent?: string | undefined }): Promise<object> {
  const secret = sharedSecret(deps);
  if (body.user_type !== undefined && body.user_type !== null) throw new MatrixError('M_INVALID_PARAM', 'This server has no user types');
  await refuseNonce(deps, body.nonce);
  if (!isSigned(body, secret)) throw forbidden('HMAC incorrect');
  const userId = newUserId(lowerCase(body.username), deps.serverName);
  deps.appServices.refuseReserved(userId);
  const deviceId = body.device_id === undefined ? undefined : parseDeviceId(body.device_id);
  const passwordHash = await deps.passwords.hashPassword(body.password);
  const now = deps.clock();
  return deps.db.transaction(async (tx) => {
    if (!(await takeUiaSession(tx, { sessionId: body.nonce, operation: OPERATION, since: now - NONCE_MS }))) throw unknownNonce();
    const userNid = await createAccount(tx, { userId, passwordHash, isAdmin: body.admin === true, now });
    const opened = await openSession(tx, deps, { userNid, deviceId, displayName: body.initial_device_display_name, ip, userAgent, now });
    return { user_id: userId, ...opened, home_server: deps.serverName };
  });
}

function sharedSecret({ registrationSharedSecret }: AdminRegisterDeps): string {
  if (registrationSharedSecret === undefined) throw new MatrixError('M_UNKNOWN', 'Shared secret registration is not enabled', { status: 400 });
  return registrationSharedSecret;
}

async function refuseNonce({ db, clock }: AdminRegisterDeps, nonce: string): Promise<void> {
  const session = await db.read((tx) => findUiaSession(tx, nonce, clock() - NONCE_MS));
  if (session?.operation !== OPERATION) throw unknownNonce();
}

function unknownNonce(): MatrixError {
  return new MatrixError('M_UNKNOWN', 'unrecognised nonce', { status: 400 });
}

function isSigned({ nonce, username, password, admin, mac }: Body, secret: string): boolean {
  const signed = [nonce, username, password, admin === true ? 'admin' : 'notadmin'].join('\0');
  const expected = Buffer.from(createHmac('sha1', secret).update(signed).digest('hex'));
  const given = Buffer.from(mac.toLowerCase());
  return given.length === expected.length && timingSafeEqual(given, expected);
}
