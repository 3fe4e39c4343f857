import { createHmac } from 'node:crypto';
import { unpaddedBase64 } from '../matrix/signing.js';

const SALT_BYTES = 16;

/**
 * Well-formed, of the cost of every hash, and of no password: verifying against it takes as long as against a real one. How long that is
 * depends a little on the salt, so an id that nobody has is given one of its own, and keeps it as long as the secret is the same: a salt
 * that all of them share, or that changes when the server starts again, would tell them from people.
 */
export function nobodysHash(secret: Uint8Array, userId: string): string {
  const salt = createHmac('sha256', secret).update(userId).digest().subarray(0, SALT_BYTES);
  return `$argon2id$v=19$m=19456,p=1,t=2$${unpaddedBase64(salt)}$${'A'.repeat(43)}`;
}
