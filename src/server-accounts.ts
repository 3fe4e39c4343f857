import type { AccountObserver } from './auth/account-observer.js';
import { introductionsOfClosedAccounts } from './directory/closed-accounts.js';
import { keysOfClosedAccounts } from './e2ee/closed-accounts.js';
import { dataOfClosedAccounts } from './profile/closed-accounts.js';
import { leaveRoomsOfClosedAccounts } from './rooms/closed-accounts.js';
import type { RoomWriting } from './rooms/writing.js';

/** Everybody who keeps something of an account, rooms first. */
export function accountObservers(writing: RoomWriting): readonly AccountObserver[] {
  return [leaveRoomsOfClosedAccounts(writing), keysOfClosedAccounts, dataOfClosedAccounts, introductionsOfClosedAccounts];
}
