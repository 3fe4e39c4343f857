import type { Clock } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';
import type { Database } from '../storage/database.js';
import { actAsService } from './act-as-service.js';
import type { AppServices } from './app-services.js';
import { noteSeen } from './devices-store.js';
import { lockedOut } from './locked-out.js';
import type { Session } from './session.js';
import { endRefreshToken, findSession } from './sessions-store.js';
import { hashToken } from './tokens.js';

const BEARER = /^Bearer +(\S+)$/i;
/** How exactly a person may know when a device of theirs was last used: every request writing that down would cost more than it is worth. */
const SEEN_EVERY_MS = 3_600_000;

/**
 * Who is behind an `Authorization` header, asked of the database every time: a revoked session is dead on its next request. Who is
 * locked is nobody but where they log out (`evenLocked`).
 * https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens, #account-locking
 */
export async function authenticate(
  deps: { db: Database; clock: Clock; appServices: AppServices },
  authorization: string | undefined,
  { ip, userAgent, evenLocked = false, query = '' }: { ip: string; userAgent?: string | undefined; evenLocked?: boolean; query?: string },
): Promise<Session> {
  const { db, clock, appServices } = deps;
  const tokenHash = hashToken(bearerOf(authorization));
  const service = appServices.byTokenHash(tokenHash);
  if (service !== undefined) return (await actAsService(deps, service, { ip, userAgent, evenLocked, query })) as Session;
  const row = await db.read((tx) => findSession(tx, tokenHash));
  // Of a service that is registered no more, nobody is left.
  const isOrphan = row !== undefined && row.app_service_id !== null && appServices.byId(row.app_service_id) === undefined;
  if (row === undefined || row.is_deactivated === 1 || isOrphan) throw new MatrixError('M_UNKNOWN_TOKEN', 'This access token is not, or no longer, valid');
  if (row.is_locked === 1 && !evenLocked) throw lockedOut();
  const now = clock();
  if (row.expires_ts !== null && row.expires_ts <= now) throw new MatrixError('M_UNKNOWN_TOKEN', 'This access token has expired', { body: { soft_logout: true } });
  const { device_nid: deviceNid, replaces_hash: replaced } = row;
  if (replaced !== null) await db.transaction((tx) => endRefreshToken(tx, deviceNid, replaced));
  if (now - row.last_seen_ts >= SEEN_EVERY_MS) await db.transaction((tx) => noteSeen(tx, deviceNid, { ip, userAgent, now }));
  return {
    userNid: row.user_nid,
    userId: row.user_id,
    deviceNid,
    deviceId: row.device_id,
    sessionNid: row.session_nid,
    isAdmin: row.is_admin === 1,
    isSuspended: row.is_suspended === 1,
  } as Session;
}

/** The token of an `Authorization` header, which has to be there. */
export function bearerOf(authorization: string | undefined): string {
  const token = tokenIn(authorization);
  if (token === undefined) throw new MatrixError('M_MISSING_TOKEN', 'This request needs an access token in its Authorization header');
  return token;
}

/** Undefined where there is no header, or none of a token. */
export function tokenIn(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
}
