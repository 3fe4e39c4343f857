import type { UserId } from '../matrix/identifiers.js';
import type { Transaction } from '../storage/database.js';

export interface ClosedAccount {
  readonly userNid: number;
  readonly userId: UserId;
  /** Whether the person wants as much as possible of what is theirs to be gone. */
  readonly isErased: boolean;
}

/** Told in the transaction that closes an account, so that nothing of it is left in one module while it is gone from another. */
export interface AccountObserver {
  accountClosed(tx: Transaction, account: ClosedAccount): Promise<void>;
}
