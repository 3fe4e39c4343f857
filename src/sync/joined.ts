import type { UserId } from '../matrix/identifiers.js';
import { unreadCounts, type RoomCounts } from '../push/counts.js';
import type { EventRow } from '../rooms/events-store.js';
import { passes } from '../rooms/filter.js';

import { receiptsMoved } from '../rooms/receipts-store.js';
import { jsonArray, renderEvent, type Viewer } from '../rooms/render.js';
import { visibilityStretches } from '../rooms/state-store.js';
import { timelineToken } from '../rooms/tokens.js';
import { typingIn } from '../rooms/typing-store.js';
import { visibilityOf, type Visibility } from '../rooms/visibility.js';
import type { ReadTransaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';
import { ephemeralOf, type Ephemeral } from './ephemeral.js';
import type { JoinedPlan } from './plan.js';
import type { SyncRequest, Syncing } from './request.js';
import { readStates } from './states.js';
import { summariesOf, type Summary } from './summaries.js';
import { groupByRoom, readTimelines, visibleStretch, type Timeline } from './timelines.js';

/** Everything the joined rooms of one answer are made of, read in a fixed number of queries. */
interface Material {
  readonly timelines: ReadonlyMap<number, Timeline>;
  readonly states: ReadonlyMap<number, readonly EventRow[]>;
  readonly visibilities: ReadonlyMap<number, Visibility>;
  readonly counts: ReadonlyMap<number, RoomCounts>;
  readonly summaries: ReadonlyMap<number, Summary>;
  readonly ephemeral: ReadonlyMap<number, Ephemeral>;
}

/** The `rooms.join` of an answer, room by room, as JSON text. https://spec.matrix.org/v1.19/client-server-api/#syncing */
export async function joinedRooms(
  deps: Syncing,
  tx: ReadTransaction,
  request: SyncRequest,
  plans: readonly JoinedPlan[],
  range: Range,
  accountData: ReadonlyMap<number, readonly string[]>,
): Promise<readonly string[]> {
  if (plans.length === 0) return [];
  const now = deps.clock();
  const material = await gather(deps, tx, request, plans, range, now);
  return plans.flatMap((plan) => {
    const part = renderRoom(deps, request, plan, material, { accountData: accountData.get(plan.room.nid) ?? [], now });
    return part === undefined ? [] : [`${JSON.stringify(plan.room.id)}:${part}`];
  });
}

const NONE: ReadonlyMap<number, never> = new Map<number, never>();

async function gather(deps: Syncing, tx: ReadTransaction, request: SyncRequest, plans: readonly JoinedPlan[], range: Range, now: number): Promise<Material> {
  const { session, filter, fullState } = request;
  const fresh = plans.filter(({ isFresh }) => isFresh);
  const visibilities = fresh.length === 0 ? NONE : await visibilitiesOf(tx, fresh, session.userId);
  const withTimeline = plans.filter(({ timelineMoved }) => timelineMoved);
  const timelines = await readTimelines(
    tx,
    withTimeline.map(({ room, afterSeq, tip }) => {
      const visibility = visibilities.get(room.nid);
      const stretch = { nid: room.nid, afterSeq, upToSeq: tip.seq };
      // Who has been joined throughout sees all of it.
      return visibility === undefined ? { ...stretch, hasEarlier: false } : visibleStretch(visibility, stretch);
    }),
    filter.room?.timeline,
    deps.sharedTimelines.at(range.upTo),
  );
  const peopled = plans.filter((plan) => plan.isFresh || plan.membersMoved).map(({ room }) => room.nid);
  const summaries = peopled.length === 0 ? NONE : await summariesOf(tx, peopled, session.userNid);
  const isAfter = request.stateMember !== 'state';
  const states = await readStates(
    tx,
    plans.map((plan) => {
      const timeline = timelines.get(plan.room.nid) ?? { rows: [], limited: false, start: plan.tip.seq };
      const sinceSeq = plan.isFresh || fullState ? 0 : plan.afterSeq;
      return { nid: plan.room.nid, sinceSeq, atSeq: isAfter ? plan.tip.seq : timeline.start, timeline, heroes: summaries.get(plan.room.nid)?.heroes ?? [] };
    }),
    { ...session, filter: filter.room?.state, lazyMembers: deps.lazyMembers, ...range, isAfter },
  );
  const counted = plans.filter((plan) => plan.timelineMoved || plan.receiptsMoved || fullState);
  return {
    timelines,
    states,
    visibilities,
    summaries,
    counts: await unreadCounts(tx, session.userNid, counted),
    ephemeral: plans.some((plan) => plan.isFresh || plan.receiptsMoved || plan.typingMoved) ? await readEphemeral(tx, request, plans, range, now) : NONE,
  };
}

async function visibilitiesOf(tx: ReadTransaction, plans: readonly JoinedPlan[], userId: UserId): Promise<ReadonlyMap<number, Visibility>> {
  const stretches = groupByRoom(await visibilityStretches(tx, plans.map(({ room }) => room.nid), userId));
  return new Map([...stretches].map(([nid, of]) => [nid, visibilityOf(of)]));
}

async function readEphemeral(tx: ReadTransaction, request: SyncRequest, plans: readonly JoinedPlan[], range: Range, now: number): Promise<ReadonlyMap<number, Ephemeral>> {
  const ephemeral = request.filter.room?.ephemeral;
  const fresh = plans.filter(({ isFresh }) => isFresh).map(({ room }) => room.nid);
  const continued = (moved: (plan: JoinedPlan) => boolean): number[] => plans.filter((plan) => !plan.isFresh && moved(plan)).map(({ room }) => room.nid);
  const everything = { after: 0, upTo: range.upTo };
  const { userNid } = request.session;
  const receipts = passes(ephemeral, { type: 'm.receipt' })
    ? [
        ...(await receiptsMoved(tx, fresh, userNid, everything)),
        ...(await receiptsMoved(tx, continued((plan) => plan.receiptsMoved), userNid, range)),
      ]
    : [];
  const typing = passes(ephemeral, { type: 'm.typing' })
    ? [...(await typingIn(tx, fresh, 0, now)), ...(await typingIn(tx, continued((plan) => plan.typingMoved), range.after, now))]
    : [];
  return ephemeralOf(receipts, typing, new Set(fresh));
}

/** One room's part; undefined when what moved is nothing this client is told of. */
function renderRoom(
  deps: Syncing,
  request: SyncRequest,
  plan: JoinedPlan,
  material: Material,
  { accountData, now }: { accountData: readonly string[]; now: number },
): string | undefined {
  const { nid } = plan.room;
  const timeline = material.timelines.get(nid) ?? { rows: [], limited: false, start: plan.tip.seq };
  const state = material.states.get(nid) ?? [];
  const ephemeral = material.ephemeral.get(nid)?.texts ?? [];
  const counts = material.counts.get(nid);
  const summary = material.summaries.get(nid);
  const isNews = plan.isFresh || request.fullState || timeline.rows.length > 0 || timeline.limited || state.length > 0 || ephemeral.length > 0 || accountData.length > 0;
  if (!isNews && !plan.receiptsMoved) return undefined;
  const visibility = material.visibilities.get(nid);
  const viewer: Viewer = { deviceNid: request.session.deviceNid, now, membershipAt: visibility?.membershipAt ?? ((): string => 'join') };
  const render = (): string => jsonArray(timeline.rows.map((row) => renderEvent(row, viewer)));
  const isOwn = timeline.rows.some(({ device_nid }) => device_nid === viewer.deviceNid);
  const events = plan.isFresh || isOwn || timeline.rows.length === 0 ? render() : deps.sharedTimelines.text(timeline.rows, render);
  // Who has just come to a room has a gap before it, even where everything fits the page.
  const limited = timeline.limited || (plan.isFresh && !request.isInitial);
  return (
    `{"timeline":{"events":${events},"limited":${limited},"prev_batch":"${timelineToken(timeline.start)}"},` +
    `"${request.stateMember}":{"events":${jsonArray(state.map((row) => renderEvent(row, viewer)))}},` +
    `"account_data":{"events":${jsonArray(accountData)}},"ephemeral":{"events":${jsonArray(ephemeral)}}` +
    `${summary === undefined ? ',"summary":{}' : `,"summary":${summary.text}`}${countsText(counts, request)}}`
  );
}

/** Threads are counted apart for clients that ask for it, and with the room for all others. */
function countsText(counts: RoomCounts | undefined, request: SyncRequest): string {
  if (counts === undefined) return '';
  const threads = [...counts.threads];
  if (request.filter.room?.timeline?.unread_thread_notifications === true) {
    const byThread = Object.fromEntries(threads);
    return `,"unread_notifications":${JSON.stringify(counts.main)},"unread_thread_notifications":${JSON.stringify(byThread)}`;
  }
  const all = threads.reduce(
    (sum, [, of]) => ({ notification_count: sum.notification_count + of.notification_count, highlight_count: sum.highlight_count + of.highlight_count }),
    counts.main,
  );
  return `,"unread_notifications":${JSON.stringify(all)}`;
}
