import { createHmac, timingSafeEqual } from 'node:crypto';
import { findUiaSession, saveUiaSession, takeUiaSession } from '../auth/uia-store.js';
import { canonicalJsonWithout } from '../matrix/canonical-json.js';
import type { Clock, Random } from '../matrix/clock.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { string, text, type JsonObject } from '../matrix/schema.js';
import type { Database, Transaction } from '../storage/database.js';

export interface SignedCallDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  /** Undefined: nobody calls this way. */
  readonly registrationSharedSecret: string | undefined;
}

/** What every call carries besides its own members: a nonce of this server, who calls, and the signature over all of it. */
export const signature = { nonce: string, by: text({ minLength: 1, maxLength: 255 }), mac: text({ pattern: '^[0-9a-f]{64}$' }) };

/** What operators do to accounts, to those who want one, and to files, and what they read. */
export type Deed =
  | 'set_email'
  | 'set_hidden'
  | 'set_introductions'
  | 'list_reports'
  | 'create_registration_token'
  | 'list_registration_tokens'
  | 'revoke_registration_token'
  | 'delete_media'
  | 'quarantine_media';

const OPERATION = '/_synapse/admin/cloison/v1';
const NONCE_MS = 60_000;

/** HMAC-SHA256 under the registration shared secret, in hexadecimal digits, over the deed, a NUL and the canonical JSON of the body without `mac`. */
export function macOf(secret: string, deed: Deed, body: JsonObject): string {
  return createHmac('sha256', secret).update(`${deed}\0${canonicalJsonWithout(body, ['mac'])}`).digest('hex');
}

/** A nonce good for one call, for a minute. */
export async function offerCallNonce(deps: SignedCallDeps): Promise<object> {
  secretOf(deps);
  const nonce = deps.random(32).toString('hex');
  await deps.db.transaction((tx) => saveUiaSession(tx, { sessionId: nonce, user_nid: null, operation: OPERATION, now: deps.clock() }, NONCE_MS));
  return { nonce };
}

/** Does what a call asks for if it is signed, once; the nonce is used up with it. */
export async function doSigned<Result>(
  deps: SignedCallDeps,
  deed: Deed,
  body: JsonObject & { readonly nonce: string; readonly mac: string },
  work: (tx: Transaction, now: number) => Promise<Result>,
): Promise<Result> {
  const expected = Buffer.from(macOf(secretOf(deps), deed, body));
  const now = deps.clock();
  const since = now - NONCE_MS;
  const offered = await deps.db.read((tx) => findUiaSession(tx, body.nonce, since));
  if (offered?.operation !== OPERATION) throw unknownNonce();
  const given = Buffer.from(body.mac);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw forbidden('The signature is not that of the registration shared secret');
  return deps.db.transaction(async (tx) => {
    if (!(await takeUiaSession(tx, { sessionId: body.nonce, operation: OPERATION, since }))) throw unknownNonce();
    return work(tx, now);
  });
}

function secretOf({ registrationSharedSecret }: SignedCallDeps): string {
  if (registrationSharedSecret === undefined) throw new MatrixError('M_UNKNOWN', 'The configuration has no registration_shared_secret', { status: 400 });
  return registrationSharedSecret;
}

function unknownNonce(): MatrixError {
  return new MatrixError('M_UNKNOWN', 'unrecognised nonce', { status: 400 });
}
