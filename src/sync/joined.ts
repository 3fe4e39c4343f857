import type { UserId } from '../matrix/identifiers.js';
import { unreadCounts, type RoomCounts } from '../push/counts.js';
import { sightOf, type Sight } from '../rooms/erased.js';
import type { EventRow } from '../rooms/events-store.js';
import { passes, wantsRoom } from '../rooms/filter.js';
import { erasedMembers } from '../rooms/memberships-store.js';
import { receiptsMoved } from '../rooms/receipts-store.js';
import { jsonArray, renderEvent, type Viewer } from '../rooms/render.js';
import { visibilityStretches } from '../rooms/state-store.js';
import { timelineToken } from '../rooms/tokens.js';
import { typingIn } from '../rooms/typing-store.js';
import type { ReadTransaction } from '../storage/database.js';
import { groupBy, roomNidOf } from '../storage/group-by.js';
import { ephemeralOf, NO_EPHEMERAL, type Ephemeral } from './ephemeral.js';
import type { JoinedPlan } from './plan.js';
import type { Making, SyncRequest } from './request.js';
import { readStates } from './states.js';
import { summariesOf, type Summary } from './summaries.js';
import { readTimelines, visibleStretch, type Timeline } from './timelines.js';

/** Everything the joined rooms of one answer are made of, read in a fixed number of queries. */
interface Material {
  readonly timelines: ReadonlyMap<number, Timeline>;
  readonly states: ReadonlyMap<number, readonly EventRow[]>;
  readonly visibilities: ReadonlyMap<number, Sight>;
  readonly counts: ReadonlyMap<number, RoomCounts>;
  readonly summaries: ReadonlyMap<number, Summary>;
  readonly ephemeral: Ephemeral;
  readonly accountData: ReadonlyMap<number, readonly string[]>;
  readonly now: number;
}

/** The `rooms.join` of an answer, room by room, as JSON text. https://spec.matrix.org/v1.19/client-server-api/#syncing */
export async function joinedRooms(making: Making, plans: readonly JoinedPlan[], accountData: ReadonlyMap<number, readonly string[]>): Promise<readonly string[]> {
  const material = await gather(making, plans, accountData);
  return plans.flatMap((plan) => {
    const part = renderRoom(making, plan, material);
    return part === undefined ? [] : [`${JSON.stringify(plan.room.id)}:${part}`];
  });
}

const NONE: ReadonlyMap<number, never> = new Map<number, never>();

async function gather(making: Making, plans: readonly JoinedPlan[], accountData: Material['accountData']): Promise<Material> {
  const { deps, tx, request } = making;
  const fresh = plans.filter(({ isFresh }) => isFresh);
  const visibilities = fresh.length === 0 ? NONE : await visibilitiesOf(tx, fresh, request.session.userId);
  const timelines = await timelinesOf(making, plans, visibilities);
  const peopled = plans.filter((plan) => plan.isFresh || plan.membersMoved || request.fullState || mayBeRenamed(timelines.get(plan.room.nid))).map(({ room }) => room.nid);
  const summaries = peopled.length === 0 ? NONE : await summariesOf(tx, peopled, request.session.userNid);
  const states = await statesOf(making, plans, timelines, summaries);
  const now = deps.clock();
  const ephemeral = plans.some((plan) => plan.isFresh || plan.receiptsMoved || plan.typingMoved) ? await readEphemeral(making, plans, now) : NO_EPHEMERAL;
  const counted = plans.filter(({ room, timelineMoved }) => timelineMoved || request.fullState || ephemeral.read.has(room.nid));
  const counts = await unreadCounts(tx, request.session.userNid, counted);
  return { timelines, states, visibilities, summaries, counts, ephemeral, accountData, now };
}

/** Only of rooms that are new to the client: who has been in a room all along saw what was sent there before anybody was erased. */
async function visibilitiesOf(tx: ReadTransaction, plans: readonly JoinedPlan[], userId: UserId): Promise<ReadonlyMap<number, Sight>> {
  const nids = plans.map(({ room }) => room.nid);
  const stretches = groupBy(await visibilityStretches(tx, nids, userId), roomNidOf);
  const erased = groupBy(await erasedMembers(tx, nids), roomNidOf);
  return new Map([...stretches].map(([nid, of]) => [nid, sightOf(of, erased.get(nid) ?? [])]));
}

function timelinesOf({ deps, tx, request, newest, unwanted }: Making, plans: readonly JoinedPlan[], visibilities: Material['visibilities']): Promise<Material['timelines']> {
  const filter = request.filter.room?.timeline;
  const wanted = plans
    .filter(({ room, timelineMoved }) => timelineMoved && wantsRoom(filter, room.id))
    .map(({ room, afterSeq, tip, standing }) => {
      const visibility = visibilities.get(room.nid);
      const stretch = { nid: room.nid, afterSeq, upToSeq: tip.seq, standing };
      // Who has been joined throughout sees all of it.
      return visibility === undefined ? { ...stretch, hasEarlier: false } : visibleStretch(visibility, stretch);
    });
  return readTimelines(tx, wanted, { filter, ignored: unwanted.ignored, shared: deps.sharedTimelines.at(newest), roomRows: deps.roomRows });
}

/** A room that loses its name is named after people from then on. */
function mayBeRenamed(timeline: Timeline | undefined): boolean {
  return timeline !== undefined && (timeline.limited || timeline.rows.some(({ state_type }) => state_type === 'm.room.name' || state_type === 'm.room.canonical_alias'));
}

function statesOf(
  { deps, tx, request, range }: Making,
  plans: readonly JoinedPlan[],
  timelines: Material['timelines'],
  summaries: Material['summaries'],
): Promise<Material['states']> {
  const isAfter = request.stateMember !== 'state';
  const filter = request.filter.room?.state;
  const wanted = plans
    .filter(({ room }) => wantsRoom(filter, room.id))
    .map(({ room: { nid }, tip, standing, isFresh, afterSeq }) => {
      const timeline = timelines.get(nid) ?? noTimeline(tip);
      const sinceSeq = isFresh || request.fullState ? 0 : afterSeq;
      return { nid, sinceSeq, atSeq: isAfter ? tip.seq : timeline.start, timeline, heroes: summaries.get(nid)?.heroes ?? [], standing };
    });
  const { userId, deviceNid } = request.session;
  return readStates(tx, wanted, { userId, deviceNid, filter, lazyMembers: deps.lazyMembers, roomRows: deps.roomRows, after: range.after, upTo: range.upTo, isAfter });
}

function noTimeline(tip: { readonly seq: number }): Timeline {
  return { rows: [], limited: false, start: tip.seq };
}

async function readEphemeral({ tx, request, range }: Making, plans: readonly JoinedPlan[], now: number): Promise<Ephemeral> {
  const filter = request.filter.room?.ephemeral;
  const { userNid, userId } = request.session;
  const fresh = plans.filter(({ isFresh }) => isFresh);
  const nids = (of: readonly JoinedPlan[]): number[] => of.map(({ room }) => room.nid);
  const continued = (moved: (plan: JoinedPlan) => boolean): number[] => nids(plans.filter((plan) => !plan.isFresh && moved(plan)));
  const receipts = [
    ...(await receiptsMoved(tx, nids(fresh), userNid, { after: 0, upTo: range.upTo })),
    ...(await receiptsMoved(tx, continued((plan) => plan.receiptsMoved), userNid, range)),
  ];
  const typing = passes(filter, { type: 'm.typing' })
    ? [...(await typingIn(tx, nids(fresh), 0, now)), ...(await typingIn(tx, continued((plan) => plan.typingMoved), range.after, now))]
    : [];
  const told = new Set(nids(plans.filter(({ room }) => wantsRoom(filter, room.id))));
  return {
    texts: ephemeralOf(passes(filter, { type: 'm.receipt' }) ? receipts : [], typing, { fresh: new Set(nids(fresh)), told }),
    read: new Set(receipts.filter((receipt) => receipt.user_id === userId).map(({ room_nid }) => room_nid)),
  };
}

/** One room's part; undefined when what moved is nothing this client is told of: that others read in private, for one. */
function renderRoom({ deps, request, newest }: Making, plan: JoinedPlan, material: Material): string | undefined {
  const { nid, id } = plan.room;
  const timeline = material.timelines.get(nid) ?? noTimeline(plan.tip);
  const state = material.states.get(nid) ?? [];
  const ephemeral = material.ephemeral.texts.get(nid) ?? [];
  const accountData = wantsRoom(request.filter.room?.account_data, id) ? (material.accountData.get(nid) ?? []) : [];
  const summary = material.summaries.get(nid);
  const isNews =
    plan.isFresh || request.fullState || timeline.limited || material.ephemeral.read.has(nid) ||
    timeline.rows.length + state.length + ephemeral.length + accountData.length > 0;
  if (!isNews) return undefined;
  const seen = material.visibilities.get(nid);
  const viewer: Viewer = { deviceNid: request.session.deviceNid, now: material.now, ...(seen ?? joinedSince(plan.afterSeq)) };
  const render = (): string => jsonArray(timeline.rows.map((row) => renderEvent(row, viewer)));
  const isOwn = timeline.rows.some(({ device_nid }) => device_nid === viewer.deviceNid);
  const events = plan.isFresh || isOwn || timeline.rows.length === 0 ? render() : deps.sharedTimelines.at(newest).text(timeline.rows, render);
  // Who has just come to a room has a gap before it, even where everything fits the page.
  const limited = timeline.limited || (plan.isFresh && !request.isInitial);
  return (
    `{"timeline":{"events":${events},"limited":${limited},"prev_batch":"${timelineToken(timeline.start)}"},` +
    `"${request.stateMember}":{"events":${jsonArray(state.map((row) => renderEvent(row, viewer)))}},` +
    `"account_data":{"events":${jsonArray(accountData)}},"ephemeral":{"events":${jsonArray(ephemeral)}}` +
    `${summary === undefined ? ',"summary":{}' : `,"summary":${summary.text}`}${countsText(material.counts.get(nid), request)}}`
  );
}

/** Who was joined all along; what stands since before, as members that are told lazily do, may be older than their being there, and what came of it too. */
function joinedSince(afterSeq: number): Pick<Viewer, 'membershipAt' | 'sees' | 'knowsReplaced'> {
  return { membershipAt: () => 'join', sees: (seq) => seq > afterSeq, knowsReplaced: ({ seq }) => seq > afterSeq };
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
