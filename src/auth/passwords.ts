import { argon2id, hash, verify } from 'argon2';
import { MatrixError } from '../matrix/errors.js';
import { nobodysHash } from './nobodys-hash.js';

/** OWASP's smallest recommendation for Argon2id: 19 MiB, two passes, one lane. */
const COST = { type: argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const MOST_WAITING = 200;
const RETRY_AFTER_MS = 5_000;

export interface Passwords {
  hashPassword(password: string): Promise<string>;
  /** False, and after the same time, for a user id without a hash: people who do not exist must look like people who do (RULES D7). */
  verifyPassword(password: string, userId: string, passwordHash: string | null | undefined): Promise<boolean>;
}

/**
 * At most `atOnce` hashes are computed at a time; the others wait in order, and beyond 200 are refused with M_LIMIT_EXCEEDED. The secret
 * is the same in every process of a shard and after every start.
 */
export function createPasswords(atOnce: number, secret: Uint8Array): Passwords {
  const inTurn = createTurns(atOnce);
  return {
    hashPassword: (password) => inTurn(() => hashAtOnce(password)),
    verifyPassword: (password, userId, passwordHash) => inTurn(() => verify(passwordHash ?? nobodysHash(secret, userId), password)),
  };
}

/** Whatever else is being hashed. */
export function hashAtOnce(password: string): Promise<string> {
  return hash(password, COST);
}

function createTurns(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running === atOnce) {
      if (waiting.length >= MOST_WAITING) throw tooBusy();
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      // Whoever is next takes over this turn, so that nobody who comes in between can overtake.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function tooBusy(): MatrixError {
  return new MatrixError('M_LIMIT_EXCEEDED', 'Too many people are logging in at this moment', { body: { retry_after_ms: RETRY_AFTER_MS } });
}
