import {
  deleteRegistrationToken,
  insertRegistrationToken,
  registrationTokens,
  type RegistrationTokenRow,
} from '../auth/registration-tokens-store.js';
import { hashToken } from '../auth/tokens.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import { natural, object, optional, type TypeOf } from '../matrix/schema.js';
import { doSigned, signature, type SignedCallDeps } from './signed-call.js';

export const CreateTokenBody = object({ ...signature, uses: optional(natural), until_ts: optional(natural) });

/** Makes a token by which people register themselves. It is told here and never again: only its hash is kept. */
export async function createToken(deps: SignedCallDeps, { body }: { body: TypeOf<typeof CreateTokenBody> }): Promise<object> {
  const { uses, until_ts, by } = body;
  return doSigned(deps, 'create_registration_token', { ...body }, async (tx, now) => {
    if (uses === 0) throw new MatrixError('M_INVALID_PARAM', 'A token of no use was not meant');
    if (until_ts !== undefined && until_ts <= now) throw new MatrixError('M_INVALID_PARAM', 'The token would have ended already');
    // Letters, digits, - and _, as the specification has them; short enough to be read out.
    const token = deps.random(15).toString('base64url');
    const id = await insertRegistrationToken(tx, { tokenHash: hashToken(token), usesAllowed: uses, expiresTs: until_ts, madeBy: by, now });
    return { id, token };
  });
}

export const ListTokensBody = object({ ...signature });

/** Every token that has not been revoked, used up or not; the tokens themselves nobody knows any more. */
export async function listTokens(deps: SignedCallDeps, { body }: { body: TypeOf<typeof ListTokensBody> }): Promise<object> {
  return doSigned(deps, 'list_registration_tokens', { ...body }, async (tx) => ({ tokens: (await registrationTokens(tx)).map(shown) }));
}

export const RevokeTokenBody = object({ ...signature, id: natural });

export async function revokeToken(deps: SignedCallDeps, { body }: { body: TypeOf<typeof RevokeTokenBody> }): Promise<object> {
  return doSigned(deps, 'revoke_registration_token', { ...body }, async (tx) => {
    if (!(await deleteRegistrationToken(tx, body.id))) throw notFound('There is no such registration token');
    return { id: body.id };
  });
}

function shown(row: RegistrationTokenRow): object {
  return {
    id: row.token_nid,
    uses_done: row.uses_done,
    ...(row.uses_allowed === null ? {} : { uses: row.uses_allowed }),
    ...(row.expires_ts === null ? {} : { until_ts: row.expires_ts }),
    made_by: row.made_by,
    made_ts: row.made_ts,
  };
}
