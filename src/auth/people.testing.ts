import { randomBytes } from 'node:crypto';
import { newUserId, parseServerName } from '../matrix/identifiers.js';
import { sql, type Database, type Sql } from '../storage/database.js';
import { createAppServices, type AppServices } from './app-services.js';
import type { Brake, BrakeWithin, LoginBrakes } from './brakes.js';
import { authenticate } from './authenticate.js';
import { openSession, type TokenLifetimes } from './open-session.js';
import { createPasswords, type Passwords } from './passwords.js';
import type { Session } from './session.js';
import { admit, createUser, type Proven } from './users-store.js';

export const serverName = parseServerName('shard.example');
export const from = { ip: '192.0.2.1' };
const passwords = createPasswords(2, randomBytes(32));
const tokenLifetimes: TokenLifetimes = { refreshable: 300_000, nonrefreshable: undefined, refresh: undefined, session: undefined };
export const noAppServices: AppServices = createAppServices([], serverName);
/** Holds nobody up. */
export const free: Brake & BrakeWithin = { spend: async () => undefined, giveBack: async () => undefined, spendWithin: async () => undefined };

export interface TestDeps {
  readonly db: Database;
  readonly clock: () => number;
  readonly random: (bytes: number) => Buffer;
  readonly serverName: typeof serverName;
  readonly passwords: Passwords;
  readonly loginBrakes: LoginBrakes;
  readonly tokenLifetimes: TokenLifetimes;
  readonly appServices: AppServices;
}

/** What most handlers ask for, over a test's database; the time stands still at `now`. */
export function testDeps(db: Database, now = 1_000_000): TestDeps {
  return { db, clock: () => now, random: randomBytes, serverName, passwords, loginBrakes: { account: free, failed: free }, tokenLifetimes, appServices: noAppServices };
}

/** An account with the password `<localpart>'s password`. */
export async function makeAccount(deps: TestDeps, localpart: string): Promise<number> {
  const passwordHash = await hashOf(`${localpart}'s password`);
  const userNid = await deps.db.transaction((tx) =>
    createUser(tx, { userId: newUserId(localpart, serverName), passwordHash, isAdmin: false, now: deps.clock() }));
  if (userNid === undefined) throw new Error(`${localpart} is taken`);
  return userNid;
}

const hashes = new Map<string, Promise<string>>();

/** Made once for each password, for it takes as long as all else of making a person. */
function hashOf(password: string): Promise<string> {
  const known = hashes.get(password) ?? passwords.hashPassword(password);
  hashes.set(password, known);
  return known;
}

/** A further session of an account. */
export async function makeSession(deps: TestDeps, userNid: number): Promise<Session & { readonly token: string }> {
  const { access_token: token } = await deps.db.transaction(async (tx) => {
    const account = await tx.one<Proven>(sql`SELECT user_nid, password_hash FROM users WHERE user_nid = ${userNid}`);
    const admitted = account && (await admit(tx, account));
    if (admitted === undefined) throw new Error('no such account');
    return openSession(tx, deps, { userNid: admitted, deviceId: undefined, displayName: undefined, ...from, now: deps.clock() });
  });
  return { ...(await authenticate(deps, `Bearer ${token}`, from)), token };
}

/** An account with one session. */
export async function makePerson(deps: TestDeps, localpart: string): Promise<Session & { readonly token: string }> {
  return makeSession(deps, await makeAccount(deps, localpart));
}

/** Passwords of which each is looked at while something changes. */
export function changingMeanwhile({ db, passwords: real }: TestDeps, change: Sql): Passwords {
  return {
    ...real,
    async verifyPassword(...asked) {
      const isRight = await real.verifyPassword(...asked);
      await db.transaction((tx) => tx.run(change));
      return isRight;
    },
  };
}

/** The refusal a call ends in, as a client would see it. */
export async function refusalOf(call: Promise<unknown>): Promise<{ errcode: string; message: string; status?: number; body?: unknown }> {
  try {
    await call;
  } catch (error) {
    const { errcode, message, details } = error as { errcode: string; message: string; details: { status?: number; body?: unknown } };
    return { errcode, message, ...details };
  }
  throw new Error('the call was not refused');
}
