import type { Clock } from '../matrix/clock.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { object, string, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { isRegistrationToken } from './registration-tokens-store.js';
import { hashToken } from './tokens.js';

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
  readonly registrationIsOpen: boolean;
  readonly registrationNeedsToken: boolean;
}

export const TokenQuery = object({ token: string });

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity */
export async function isTokenValid(deps: Deps, { query }: { query: TypeOf<typeof TokenQuery> }): Promise<object> {
  if (!deps.registrationIsOpen) throw forbidden('Accounts on this server are made by its operators');
  if (!deps.registrationNeedsToken) throw new MatrixError('M_UNRECOGNIZED', 'Registration on this server takes no token');
  return { valid: await deps.db.read((tx) => isRegistrationToken(tx, hashToken(query.token), deps.clock())) };
}
