import type { AccountObserver } from './auth/account-observer.js';
import type { TokenLifetimes } from './auth/open-session.js';
import type { TurnServer } from './auth/turn-server.js';
import type { Config } from './config.js';
import { introductionsOfClosedAccounts } from './directory/closed-accounts.js';
import { keysOfClosedAccounts } from './e2ee/closed-accounts.js';
import { dataOfClosedAccounts } from './profile/closed-accounts.js';
import { pushRulesOfClosedAccounts } from './push/closed-accounts.js';
import { leaveRoomsOfClosedAccounts } from './rooms/closed-accounts.js';
import type { RoomWriting } from './rooms/writing.js';

/** Everybody who keeps something of an account, rooms first. */
export function accountObservers(writing: RoomWriting): readonly AccountObserver[] {
  return [leaveRoomsOfClosedAccounts(writing), keysOfClosedAccounts, dataOfClosedAccounts, pushRulesOfClosedAccounts, introductionsOfClosedAccounts];
}

export function tokenLifetimesOf(config: Config): TokenLifetimes {
  return {
    refreshable: config.refreshableAccessTokenLifetime,
    nonrefreshable: config.nonrefreshableAccessTokenLifetime,
    refresh: config.refreshTokenLifetime,
    session: config.sessionLifetime,
  };
}

/** Undefined without an address, or without anything to log in with. */
export function turnServerOf({ turnUris: uris, turnSharedSecret: secret, turnUsername: username, turnPassword: password, turnUserLifetime: lifetimeMs }: Config): TurnServer | undefined {
  if (uris.length === 0) return undefined;
  if (secret !== undefined) return { uris, login: { secret }, lifetimeMs };
  return username === undefined || password === undefined ? undefined : { uris, login: { username, password }, lifetimeMs };
}
