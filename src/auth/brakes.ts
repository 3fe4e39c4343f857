import type { Transaction } from '../storage/database.js';
import type { Session } from './session.js';

/** One rate kept for many keys. Called outside of transactions. */
export interface Brake {
  /** Takes one, or nothing and throws M_LIMIT_EXCEEDED. */
  spend(key: string): Promise<void>;
  /** Puts back what was taken for something that came to nothing. */
  giveBack(key: string): Promise<void>;
}

/** One that is spent with what it holds up, when only the transaction finds out how much that is. Called before the transaction moves the stream. */
export interface BrakeWithin {
  spendWithin(tx: Transaction, key: string, amount: number): Promise<void>;
}

/** What holds up who guesses passwords, account by account, whether or not there is such an account. */
export interface LoginBrakes {
  readonly account: Brake;
  readonly failed: Brake;
}

/** Does what the brakes hold up, once all of them let it pass; what is refused or fails costs nothing. */
export async function braked<Result>(brakes: readonly (readonly [Brake, string])[], work: () => Promise<Result>): Promise<Result> {
  const spent: (readonly [Brake, string])[] = [];
  try {
    for (const [brake, key] of brakes) {
      await brake.spend(key);
      spent.push([brake, key]);
    }
    return await work();
  } catch (error) {
    for (const [brake, key] of spent) await brake.giveBack(key);
    throw error;
  }
}

/** Whether an application service asks that the operator set no rates for. */
export function isUnlimited({ appService }: Session): boolean {
  return appService?.isRateLimited === false;
}
