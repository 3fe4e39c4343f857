import type { Clock } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';
import { object, text, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { lockedOut } from './locked-out.js';
import { issueRefreshable, type TokenDeps } from './open-session.js';
import { deleteUnusedSuccessors, endRefreshToken, findRefreshToken } from './sessions-store.js';
import { hashToken } from './tokens.js';

interface Deps extends TokenDeps {
  readonly db: Database;
  readonly clock: Clock;
}

export const RefreshBody = object({ refresh_token: text({ maxLength: 255 }) });

/**
 * Renews the tokens of a session. The old refresh token stays good until one of the new tokens is used, so that an answer that was
 * lost can be asked for again. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh
 */
export async function refreshTokens(deps: Deps, { body }: { body: TypeOf<typeof RefreshBody> }): Promise<object> {
  const now = deps.clock();
  const refreshHash = hashToken(body.refresh_token);
  return deps.db.transaction(async (tx) => {
    await tx.lock(`refresh/${refreshHash}`);
    const row = await findRefreshToken(tx, refreshHash);
    if (row === undefined) throw new MatrixError('M_UNKNOWN_TOKEN', 'This refresh token is not, or no longer, valid');
    if (row.is_locked === 1) throw lockedOut();
    if (row.is_used === 1) throw softlyLoggedOut('This refresh token has been used');
    if ((row.expires_ts ?? Infinity) <= now) throw softlyLoggedOut('This refresh token has expired');
    if (row.replaces_hash !== null) await endRefreshToken(tx, row.device_nid, row.replaces_hash);
    await deleteUnusedSuccessors(tx, row.device_nid, refreshHash);
    return issueRefreshable(tx, deps, { deviceNid: row.device_nid, replacesHash: refreshHash, sessionEndsTs: row.session_ends_ts ?? undefined, now });
  });
}

/** The device is still there with its keys, and logging in to it again brings all back. https://spec.matrix.org/v1.19/client-server-api/#soft-logout */
function softlyLoggedOut(message: string): MatrixError {
  return new MatrixError('M_UNKNOWN_TOKEN', message, { body: { soft_logout: true } });
}
