import { hash } from 'node:crypto';
import type { Random } from '../matrix/clock.js';

/** So that a token found in a log or a commit is known for what it is. */
const PREFIX = 'cls_';

export function newToken(random: Random): string {
  return PREFIX + random(32).toString('base64url');
}

/** What the database knows a token by. 256 random bits need no salt and no slow hash. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'base64url');
}
