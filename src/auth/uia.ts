import type { Clock, Random } from '../matrix/clock.js';
import { forbidden, MatrixError, type Errcode } from '../matrix/errors.js';
import { serverOf } from '../matrix/identifiers.js';
import type { JsonObject, JsonValue } from '../matrix/schema.js';
import type { Database, Transaction } from '../storage/database.js';
import type { LoginBrakes } from './brakes.js';
import { accountIdOf, typedName, type Naming } from './identifier.js';
import { isRegistrationToken } from './registration-tokens-store.js';
import type { Passwords } from './passwords.js';
import type { Session } from './session.js';
import { hashToken } from './tokens.js';
import { findUiaSession, saveUiaSession, UIA_LIFE_MS } from './uia-store.js';
import { admit, findUser, type Admitted, type Proven } from './users-store.js';

interface GateDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

export interface UiaDeps extends GateDeps {
  readonly passwords: Passwords;
  readonly loginBrakes: Pick<LoginBrakes, 'failed'>;
}

/** One request that needs proof: whose it is (null: nobody's yet), what it would do to what, and the one stage that proves enough. */
interface Gate {
  readonly userNid: number | null;
  readonly operation: string;
  readonly stage: 'm.login.password' | 'm.login.dummy' | 'm.login.registration_token';
  /** What is said of an answer that does not pass. */
  readonly wrong: string;
}

/**
 * Resolves when the person behind the session has just given their password for this very operation; otherwise throws the 401
 * that tells the client what to ask them. `operation` names the endpoint and its target: a session begun for one completes no
 * other. What was proven is good in a transaction by `stillAdmitted`. https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 */
export async function requireUia(deps: UiaDeps, session: Session, operation: string, auth: JsonObject | undefined): Promise<Proven> {
  const gate: Gate = { userNid: session.userNid, operation, stage: 'm.login.password', wrong: 'Wrong password' };
  let proven: Proven = { user_nid: session.userNid, password_hash: null };
  await passGate(deps, gate, auth, async (given) => {
    const account = await byOwnPassword(deps, session, given);
    proven = account ?? proven;
    return account !== undefined;
  });
  return proven;
}

/** The account that was proven to be the person's, if it is so still; within the transaction of what it was proven for. */
export async function stillAdmitted(tx: Transaction, proven: Proven): Promise<Admitted> {
  const userNid = await admit(tx, proven);
  if (userNid === undefined) throw forbidden('Your account was changed on another device just now');
  return userNid;
}

/** The same for a request of somebody who has no account yet: it only takes an answer. */
export async function requireDummy(deps: GateDeps, operation: string, auth: JsonObject | undefined): Promise<void> {
  await passGate(deps, { userNid: null, operation, stage: 'm.login.dummy', wrong: 'This answer does not pass' }, auth, async () => true);
}

/**
 * The same where nobody registers without a token of the operator's; resolves to the token's hash. It is spent with what it is given for.
 * https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration
 */
export async function requireRegistrationToken(deps: GateDeps, operation: string, auth: JsonObject | undefined): Promise<string> {
  const gate: Gate = { userNid: null, operation, stage: 'm.login.registration_token', wrong: 'This registration token is not, or no longer, good' };
  let tokenHash = '';
  await passGate(deps, gate, auth, async ({ token = '' }) => {
    tokenHash = hashToken(token);
    return deps.db.read((tx) => isRegistrationToken(tx, tokenHash, deps.clock()));
  });
  return tokenHash;
}

interface Auth {
  readonly type: string | undefined;
  readonly session: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  /** Whose password it is said to be; undefined: nobody's in particular, so one's own. */
  readonly naming: Naming | undefined;
}

async function passGate(deps: GateDeps, gate: Gate, raw: JsonObject | undefined, prove: (auth: Auth) => Promise<boolean>): Promise<void> {
  const auth = parseAuth(raw ?? {});
  const known = await isOpen(deps, gate, auth.session);
  const sessionId = known ? auth.session : undefined;
  if (auth.type === undefined) throw await challenge(deps, gate, { sessionId });
  if (auth.session !== undefined && !known) {
    throw await challenge(deps, gate, { errcode: 'M_FORBIDDEN', message: 'This took too long; please try again' });
  }
  if (auth.type !== gate.stage) throw await challenge(deps, gate, { sessionId, errcode: 'M_UNRECOGNIZED', message: `This request takes ${gate.stage}` });
  if (!(await prove(auth))) throw await challenge(deps, gate, { sessionId, errcode: 'M_FORBIDDEN', message: gate.wrong });
}

function parseAuth(raw: JsonObject): Auth {
  const user = textIn(raw, 'user');
  const identifier = raw['identifier'];
  const given = { type: textIn(raw, 'type'), session: textIn(raw, 'session'), password: textIn(raw, 'password'), token: textIn(raw, 'token') };
  if (identifier === undefined) return { ...given, naming: user === undefined ? undefined : { user } };
  if (!isJsonObject(identifier)) throw malformed();
  const named = textIn(identifier, 'user');
  return { ...given, naming: { identifier: { type: textIn(identifier, 'type') ?? '', ...(named === undefined ? {} : { user: named }) } } };
}

function textIn(raw: JsonObject, member: string): string | undefined {
  const value = raw[member];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.includes('\0')) throw malformed();
  return value;
}

function isJsonObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(): MatrixError {
  return new MatrixError('M_BAD_JSON', 'auth does not have the shape the specification gives it');
}

async function isOpen({ db, clock }: GateDeps, gate: Gate, sessionId: string | undefined): Promise<boolean> {
  if (sessionId === undefined) return false;
  const row = await db.read((tx) => findUiaSession(tx, sessionId, clock() - UIA_LIFE_MS));
  if (row === undefined) return false;
  if (row.operation !== gate.operation || row.user_nid !== gate.userNid) throw forbidden('This authentication session was begun for another request');
  return true;
}

async function byOwnPassword({ db, passwords, loginBrakes }: UiaDeps, session: Session, auth: Auth): Promise<Proven | undefined> {
  if (auth.naming !== undefined) {
    const name = typedName(auth.naming);
    const isSelf = name !== undefined && accountIdOf(name, serverOf(session.userId)) === session.userId;
    if (!isSelf) throw forbidden('Only your own password counts here');
  }
  const user = await db.read((tx) => findUser(tx, session.userId));
  // Who holds a stolen token must not find out the password by trying, nor by trying many at once: a guess counts before it is looked at.
  await loginBrakes.failed.spend(session.userId);
  const isRight = await passwords.verifyPassword(auth.password ?? '', session.userId, user?.password_hash);
  if (isRight) await loginBrakes.failed.giveBack(session.userId);
  return isRight ? user : undefined;
}

interface Challenge {
  readonly sessionId?: string | undefined;
  readonly errcode?: Errcode;
  readonly message?: string;
}

async function challenge(deps: GateDeps, gate: Gate, given: Challenge): Promise<MatrixError> {
  const session = given.sessionId ?? (await openUiaSession(deps, gate));
  const body = { session, flows: [{ stages: [gate.stage] }], params: {}, completed: [] };
  if (given.errcode !== undefined) return new MatrixError(given.errcode, given.message ?? '', { status: 401, body });
  // Clients take an errcode for a failed attempt, and the first answer is none: undefined members are not serialised.
  return new MatrixError('M_UNAUTHORIZED', 'More is needed', { status: 401, body: { errcode: undefined, error: undefined, ...body } });
}

async function openUiaSession({ db, clock, random }: GateDeps, { userNid, operation }: Gate): Promise<string> {
  const sessionId = random(18).toString('base64url');
  await db.transaction((tx) => saveUiaSession(tx, { sessionId, user_nid: userNid, operation, now: clock() }));
  return sessionId;
}
