import type { Clock, Random } from '../matrix/clock.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import type { ServerName, UserId } from '../matrix/identifiers.js';
import { object, string, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { countOpenidTokens, deleteExpiredOpenidTokens, holderOfOpenidToken, insertOpenidToken } from './openid-store.js';
import type { Session } from './session.js';
import { hashToken, newToken } from './tokens.js';

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly serverName: ServerName;
}

const LIFE_S = 3600;
const MOST_OF_DEVICE = 100;

/**
 * A token by which a widget or a service for calls learns who somebody is, and that is good for nothing else. It dies within an hour,
 * and before that with the session. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridopenidrequest_token
 */
export async function requestOpenidToken(deps: Deps, { session, params }: { session: Session; params: { userId: UserId } }): Promise<object> {
  if (params.userId !== session.userId) throw forbidden('You can only prove who you are yourself');
  const { deviceNid } = session;
  const now = deps.clock();
  const token = newToken(deps.random);
  await deps.db.transaction(async (tx) => {
    await deleteExpiredOpenidTokens(tx, deviceNid, now);
    if ((await countOpenidTokens(tx, deviceNid)) >= MOST_OF_DEVICE) {
      throw new MatrixError('M_LIMIT_EXCEEDED', 'This session has too many such tokens', { body: { retry_after_ms: 60_000 } });
    }
    await insertOpenidToken(tx, { deviceNid, tokenHash: hashToken(token), expiresTs: now + LIFE_S * 1000 });
  });
  return { access_token: token, token_type: 'Bearer', matrix_server_name: deps.serverName, expires_in: LIFE_S };
}

export const UserinfoQuery = object({ access_token: string });

/** https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1openiduserinfo */
export async function getUserinfo({ db, clock }: Pick<Deps, 'db' | 'clock'>, { query }: { query: TypeOf<typeof UserinfoQuery> }): Promise<object> {
  const userId = await db.read((tx) => holderOfOpenidToken(tx, hashToken(query.access_token), clock()));
  if (userId === undefined) throw new MatrixError('M_UNKNOWN_TOKEN', 'This token is not, or no longer, valid');
  return { sub: userId };
}
