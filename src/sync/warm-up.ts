import { oneTimeKeyCounts, unusedFallbackTypes } from '../e2ee/upload-keys.js';
import { toDeviceSince } from '../e2ee/to-device.js';
import { parseUserId } from '../matrix/identifiers.js';
import { accountDataSince } from '../profile/account-data-store.js';
import { presentIn } from '../profile/presence-store.js';
import { unreadCounts } from '../push/counts.js';
import { erasedMembers, heroes } from '../rooms/memberships-store.js';
import { receiptsMoved } from '../rooms/receipts-store.js';
import { visibilityStretches } from '../rooms/state-store.js';
import { typingIn } from '../rooms/typing-store.js';
import type { Database } from '../storage/database.js';
import { LazyMembers } from './lazy-members.js';
import { RoomRows } from './room-rows.js';
import { SharedTimelines } from './shared-timelines.js';
import { readStates } from './states.js';
import { membershipsOf, tipsOf } from './store.js';
import { summariesOf } from './summaries.js';
import { readTimelines } from './timelines.js';

/** Nobody, and no room. */
const NONE = 0;
/** As many as somebody may well be in: a statement is prepared for a number of rooms, rounded up to a power of two. */
const ROOMS = 50;

/**
 * Reads what a first sync reads, of rooms that there are not: preparing its statements and compiling what reads them takes longer than
 * reading, and whoever comes first after a start would wait for it.
 */
export async function warmUp(db: Database): Promise<void> {
  const nids = Array<number>(ROOMS).fill(NONE);
  const everything = { after: 0, upTo: 0 };
  const nobody = parseUserId('@nobody:nowhere.invalid');
  const roomRows = new RoomRows();
  const timeline = { rows: [], limited: false, start: 1 };
  await db.read(async (tx) => {
    await membershipsOf(tx, NONE);
    await toDeviceSince(tx, NONE, everything);
    await accountDataSince(tx, NONE, everything);
    await tipsOf(tx, nids, 0);
    await visibilityStretches(tx, nids, nobody);
    await erasedMembers(tx, nids);
    const shown = { filter: undefined, ignored: new Set<string>(), shared: new SharedTimelines().at(0), roomRows };
    await readTimelines(tx, nids.map((nid) => ({ nid, afterSeq: 0, upToSeq: 1, hasEarlier: false, standing: undefined })), shown);
    await summariesOf(tx, nids, NONE);
    await heroes(tx, nids, NONE);
    const context = { userId: nobody, deviceNid: NONE, filter: { lazy_load_members: true }, lazyMembers: new LazyMembers(), roomRows, ...everything, isAfter: false };
    await readStates(tx, nids.map((nid) => ({ nid, sinceSeq: 0, atSeq: 1, timeline, heroes: [], standing: undefined })), context);
    await receiptsMoved(tx, nids, NONE, everything);
    await typingIn(tx, nids, 0, 0);
    const sums = { notify_sum: 0, highlight_sum: 0 };
    await unreadCounts(tx, NONE, nids.map((nid) => ({ room: { nid, changedSeq: 0, baseline: sums, hasOwnPushRules: false }, tip: { ...sums, thread_seq: 0 } })));
    await presentIn(tx, nids, everything);
    await oneTimeKeyCounts(tx, NONE);
    await unusedFallbackTypes(tx, NONE);
  });
}
