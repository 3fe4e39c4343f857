import type { Random } from '../matrix/clock.js';
import { parseDeviceId, type DeviceId } from '../matrix/identifiers.js';
import type { Transaction } from '../storage/database.js';
import { ensureDevice, type Origin } from './devices-store.js';
import { deleteTokens, insertAccessToken, insertRefreshToken } from './sessions-store.js';
import { hashToken, newToken } from './tokens.js';
import type { Admitted } from './users-store.js';

/** How long tokens are good, in milliseconds; undefined: for ever. */
export interface TokenLifetimes {
  /** Of an access token that comes with a refresh token. */
  readonly refreshable: number;
  readonly nonrefreshable: number | undefined;
  /** Of a refresh token that is not used. */
  readonly refresh: number | undefined;
  /** From one log-in to the next, however often tokens are renewed. */
  readonly session: number | undefined;
}

export interface TokenDeps {
  readonly random: Random;
  readonly tokenLifetimes: TokenLifetimes;
}

export interface SessionRequest extends Origin {
  readonly userNid: Admitted;
  /** A known device of this person is used again, with its keys; without an id a new one is made. */
  readonly deviceId: DeviceId | undefined;
  readonly displayName: string | undefined;
  /** Whether the client renews its tokens. */
  readonly isRefreshable?: boolean | undefined;
}

/** What a client is told of its tokens. */
export interface IssuedTokens {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly expires_in_ms?: number;
}

export interface OpenedSession extends IssuedTokens {
  readonly device_id: DeviceId;
}

/** A token for a device of a person who has proven who they are. https://spec.matrix.org/v1.19/client-server-api/#relationship-between-access-tokens-and-devices */
export async function openSession(tx: Transaction, deps: TokenDeps, request: SessionRequest): Promise<OpenedSession> {
  const { deviceId = newDeviceId(deps.random), isRefreshable = false, displayName, userNid, ip, userAgent, now } = request;
  const { session, nonrefreshable } = deps.tokenLifetimes;
  const { device_nid: deviceNid } = await ensureDevice(tx, { userNid, deviceId, displayName, ip, userAgent, now });
  await deleteTokens(tx, deviceNid);
  const sessionEndsTs = session === undefined ? undefined : now + session;
  if (isRefreshable) return { ...(await issueRefreshable(tx, deps, { deviceNid, sessionEndsTs, now })), device_id: deviceId };
  const token = newToken(deps.random);
  const expiresTs = earliest(nonrefreshable === undefined ? undefined : now + nonrefreshable, sessionEndsTs);
  await insertAccessToken(tx, { deviceNid, tokenHash: hashToken(token), expiresTs, now });
  return { access_token: token, ...(expiresTs === undefined ? {} : { expires_in_ms: expiresTs - now }), device_id: deviceId };
}

/** An access token that soon expires and a refresh token that renews it. `replacesHash` is the one that the first use of either ends. */
export async function issueRefreshable(
  tx: Transaction,
  { random, tokenLifetimes }: TokenDeps,
  { deviceNid, replacesHash, sessionEndsTs, now }: { deviceNid: number; replacesHash?: string; sessionEndsTs: number | undefined; now: number },
): Promise<IssuedTokens> {
  const [token, refreshToken] = [newToken(random), newToken(random)];
  const replaced = replacesHash === undefined ? {} : { replacesHash };
  const refreshHash = hashToken(refreshToken);
  const refreshEnds = tokenLifetimes.refresh === undefined ? undefined : now + tokenLifetimes.refresh;
  await insertRefreshToken(tx, { deviceNid, tokenHash: refreshHash, ...replaced, expiresTs: earliest(refreshEnds, sessionEndsTs), sessionEndsTs });
  const expiresTs = Math.min(now + tokenLifetimes.refreshable, sessionEndsTs ?? Infinity);
  await insertAccessToken(tx, { deviceNid, tokenHash: hashToken(token), expiresTs, refreshHash, ...replaced, now });
  return { access_token: token, refresh_token: refreshToken, expires_in_ms: expiresTs - now };
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? a ?? b : Math.min(a, b);
}

/** Ten capital letters, as people may have to compare them by eye. */
function newDeviceId(random: Random): DeviceId {
  return parseDeviceId(String.fromCharCode(...random(10).map((byte) => 65 + (byte % 26))));
}
