import { oneTimeKeyCounts, unusedFallbackTypes } from '../e2ee/upload-keys.js';
import { toDeviceSince } from '../e2ee/to-device.js';
import { parseUserId } from '../matrix/identifiers.js';
import { accountDataSince } from '../profile/account-data-store.js';
import { presentIn } from '../profile/presence-store.js';
import { unreadCounts } from '../push/counts.js';
import type { EventRow } from '../rooms/events-store.js';
import { erasedMembers, heroes } from '../rooms/memberships-store.js';
import { receiptsMoved } from '../rooms/receipts-store.js';
import { jsonArray, renderEvent } from '../rooms/render.js';
import { visibilityStretches } from '../rooms/state-store.js';
import { typingIn } from '../rooms/typing-store.js';
import { LazyMembers } from './lazy-members.js';
import type { Syncing } from './request.js';
import { SharedTimelines } from './shared-timelines.js';
import { readStates } from './states.js';
import { membershipsOf, newestRooms, tipsOf, type RoomTip } from './store.js';
import { summariesOf } from './summaries.js';
import { readTimelines, type Wanted } from './timelines.js';

/** Nobody, and no room. */
const NONE = 0;
/** As many as somebody may well be in: a statement is prepared for a number of rooms, rounded up to a power of two. */
const ROOMS = 50;

/**
 * Reads what a first sync reads, of nobody and of the rooms where something happened last: to prepare its statements, to compile what
 * reads and renders, and to fetch the pages takes longer than reading, and whoever comes first after a start would wait for it.
 */
export async function warmUp({ db, roomRows }: Pick<Syncing, 'db' | 'roomRows'>): Promise<void> {
  const everything = { after: 0, upTo: 0 };
  const nobody = parseUserId('@nobody:nowhere.invalid');
  await db.read(async (tx) => {
    const newest = await newestRooms(tx, ROOMS);
    const nids = [...newest, ...Array<number>(ROOMS - newest.length).fill(NONE)];
    await membershipsOf(tx, NONE);
    await toDeviceSince(tx, NONE, everything);
    await accountDataSince(tx, NONE, everything);
    const tips = await tipsOf(tx, nids, 0);
    await visibilityStretches(tx, nids, nobody);
    await erasedMembers(tx, nids);
    const stretches = nids.map((nid) => stretchOf(nid, tips.get(nid)));
    const shown = { filter: undefined, ignored: new Set<string>(), shared: new SharedTimelines().at(0), roomRows };
    const timelines = await readTimelines(tx, stretches, shown);
    await summariesOf(tx, nids, NONE);
    await heroes(tx, nids, NONE);
    const context = { userId: nobody, deviceNid: NONE, filter: { lazy_load_members: true }, lazyMembers: new LazyMembers(), roomRows, ...everything, isAfter: false };
    const wanted = stretches.map(({ nid, standing }) => {
      const timeline = timelines.get(nid) ?? { rows: [], limited: false, start: 0 };
      return { nid, sinceSeq: 0, atSeq: Math.max(1, timeline.start), timeline, heroes: [], standing };
    });
    const states = await readStates(tx, wanted, context);
    for (const rows of [...[...timelines.values()].map((timeline) => timeline.rows), ...states.values()]) renderForNobody(rows);
    await receiptsMoved(tx, nids, NONE, everything);
    await typingIn(tx, nids, 0, 0);
    const sums = { notify_sum: 0, highlight_sum: 0 };
    await unreadCounts(tx, NONE, nids.map((nid) => ({ room: { nid, changedSeq: 0, baseline: sums, hasOwnPushRules: false }, tip: { ...sums, thread_seq: 0 } })));
    await presentIn(tx, nids, everything);
    await oneTimeKeyCounts(tx, NONE);
    await unusedFallbackTypes(tx, NONE);
  });
}

function stretchOf(nid: number, tip: RoomTip | undefined): Wanted {
  if (tip === undefined) return { nid, afterSeq: 0, upToSeq: 1, hasEarlier: false, standing: undefined };
  return { nid, afterSeq: 0, upToSeq: tip.seq, hasEarlier: false, standing: { newestSeq: tip.seq, stateSeq: tip.state_seq } };
}

function renderForNobody(rows: readonly EventRow[]): string {
  return jsonArray(rows.map((row) => renderEvent(row, { deviceNid: NONE, now: 0, membershipAt: () => 'leave', sees: () => false, knowsReplaced: () => false })));
}
