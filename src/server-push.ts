import type { Logger } from 'pino';
import type { Services } from './api/services.js';
import type { Config } from './config.js';
import { addressCheck } from './push/addresses.js';
import { startPushing } from './push/deliver.js';
import { openNotify } from './push/notify.js';
import { findAccountData, GLOBAL } from './profile/account-data-store.js';
import { blocksInvites, INVITE_PERMISSION } from './rooms/unwanted.js';

/** Begins to send pushes; `stop` waits for what is in hand, which `closing` cuts short. */
export function pushing({ db, clock, closing }: Services, config: Config, log: Logger): { stop(): Promise<void> } {
  const mayConnect = addressCheck({ blocked: config.ipRangeBlacklist, allowed: config.ipRangeWhitelist });
  return startPushing({
    db,
    clock,
    notify: openNotify({ mayConnect, clock, closing }),
    wantsInvites: async (tx, userNid) => !blocksInvites(await findAccountData(tx, { userNid, roomNid: GLOBAL, type: INVITE_PERMISSION })),
    isEnabled: config.push.enabled,
    groupByRoom: config.push.groupUnreadCountByRoom,
    // Gateways come and go; what they did not take is sent again.
    report: ({ message, cause }) => { log.warn({ cause: String(cause) }, message); },
  });
}
