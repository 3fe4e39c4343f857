/** One rate kept for many keys. `check` refuses as `spend` would, but takes nothing. */
export interface Brake {
  check(key: string): void;
  spend(key: string): void;
}

/** What holds up who guesses passwords, account by account, whether or not there is such an account. */
export interface LoginBrakes {
  readonly account: Brake;
  readonly failed: Brake;
}
