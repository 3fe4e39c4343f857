import { accountIdOf } from '../auth/identifier.js';
import { findAccount, type UserRow } from '../auth/users-store.js';
import { domainOf, emailIn } from '../directory/email.js';
import { insertAllowance } from '../directory/introductions-store.js';
import { deleteEmail, hideUser, holderOfEmail, putEmail, unhideUser } from '../directory/people-store.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import type { ServerName } from '../matrix/identifiers.js';
import { boolean, natural, object, optional, string, type TypeOf } from '../matrix/schema.js';
import type { Transaction } from '../storage/database.js';
import { doSigned, signature, type SignedCallDeps } from './signed-call.js';

interface Deps extends SignedCallDeps {
  readonly serverName: ServerName;
}

/** An allowance ends; one that would not in a year was not meant. */
const LONGEST_ALLOWANCE_MS = 366 * 86_400_000;

/** Without `email` the address is taken away. */
export const SetEmailBody = object({ ...signature, user: string, email: optional(string) });

/** Gives an account the address by which those who know all of it find it (RULES D2): the operator does, never the person. */
export async function setEmail(deps: Deps, { body }: { body: TypeOf<typeof SetEmailBody> }): Promise<object> {
  const email = body.email === undefined ? undefined : emailIn(body.email);
  if (body.email !== undefined && email === undefined) throw new MatrixError('M_INVALID_PARAM', 'That is not a whole e-mail address');
  return doSigned(deps, 'set_email', { ...body }, async (tx, now) => {
    const { user_nid: nid, user_id } = await accountOf(tx, deps.serverName, body.user);
    if (email === undefined) {
      await deleteEmail(tx, nid);
      return { user_id };
    }
    await tx.lock('e-mail addresses');
    const holder = await holderOfEmail(tx, email);
    if (holder !== undefined && holder !== nid) throw new MatrixError('M_INVALID_PARAM', 'Another account has that address');
    await putEmail(tx, nid, { email, domain: domainOf(email), now });
    return { user_id, email };
  });
}

export const SetHiddenBody = object({ ...signature, user: string, hidden: boolean });

/** Lets nobody find an account but those who share a room with it, or lets them again. */
export async function setHidden(deps: Deps, { body }: { body: TypeOf<typeof SetHiddenBody> }): Promise<object> {
  return doSigned(deps, 'set_hidden', { ...body }, async (tx, now) => {
    const { user_nid: nid, user_id } = await accountOf(tx, deps.serverName, body.user);
    await (body.hidden ? hideUser(tx, nid, now) : unhideUser(tx, nid));
    return { user_id, hidden: body.hidden };
  });
}

export const SetIntroductionsBody = object({ ...signature, user: string, per_day: natural, until_ts: natural });

/** Gives one account another budget of new identities, for a time; who gave it and when is kept. */
export async function setIntroductions(deps: Deps, { body }: { body: TypeOf<typeof SetIntroductionsBody> }): Promise<object> {
  const { per_day, until_ts, by } = body;
  return doSigned(deps, 'set_introductions', { ...body }, async (tx, now) => {
    if (until_ts <= now || until_ts - now > LONGEST_ALLOWANCE_MS) throw new MatrixError('M_INVALID_PARAM', 'The allowance must end after today and within a year');
    const { user_nid: nid, user_id } = await accountOf(tx, deps.serverName, body.user);
    await insertAllowance(tx, nid, { per_day, until_ts }, { by, now });
    return { user_id, per_day, until_ts };
  });
}

async function accountOf(tx: Transaction, serverName: ServerName, name: string): Promise<UserRow> {
  const account = await findAccount(tx, accountIdOf(name, serverName));
  if (account === undefined) throw notFound('There is no such account');
  return account;
}
