import type { Session } from '../auth/session.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import type { EventId, RoomId } from '../matrix/identifiers.js';
import { JsonText } from '../matrix/reply.js';
import { integer, object, oneOf, optional, string, type TypeOf } from '../matrix/schema.js';
import type { ReadTransaction } from '../storage/database.js';
import { renderWithBundle, renderWithBundles } from './bundles.js';
import { findEvent, eventsBySeq, pageOfEvents, type EventRow } from './events-store.js';
import { letsAllPass, limitOf, wantsRoom, type EventFilter } from './filter.js';
import { memberSeqsAt } from './members-store.js';
import { rowPasses, sendersOf, type OpenRoom } from './reading.js';
import { renderEvents } from './render.js';
import { stateSeqsAt } from './state-store.js';
import { findTimeline, isShown, isWanted, openTimeline, type OpenTimeline, type TimelineReading } from './timeline.js';
import { seqBefore, timelineToken } from './tokens.js';
import { visibleWithin } from './visibility.js';

export const MessagesQuery = object({
  from: optional(string),
  to: optional(string),
  /** Complement, and Synapse since ever, know it as optional. */
  dir: optional(oneOf('b', 'f')),
  limit: optional(integer),
  filter: optional(string),
});
export const ContextQuery = object({ limit: optional(integer), filter: optional(string) });
type FilterParser = (text: string) => EventFilter;

const NO_SUCH_EVENT = 'There is no such event in this room, or you may not see it';
const USUAL_PAGE = 10;
const LONGEST_PAGE = 1000;
/** A filter that lets hardly anything pass must not walk a whole room in one request. */
const MOST_EVENTS_LOOKED_AT = 5000;

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages */
export async function listMessages(
  deps: TimelineReading & { parseEventFilter: FilterParser },
  call: { session: Session; params: { roomId: RoomId }; query: TypeOf<typeof MessagesQuery> },
): Promise<JsonText> {
  const { session, params, query } = call;
  const { dir = 'f' } = query;
  const filter = query.filter === undefined ? undefined : deps.parseEventFilter(query.filter);
  const limit = limitOf({ ...filter, limit: query.limit ?? filter?.limit ?? USUAL_PAGE }, USUAL_PAGE, LONGEST_PAGE);
  return deps.db.read(async (tx) => {
    const room = await openTimeline(deps, tx, params.roomId, session);
    const start = query.from === undefined ? (dir === 'b' ? room.upTo : 0) : Math.min(await seqBefore(tx, room.nid, query.from), room.upTo);
    const stop = query.to === undefined ? undefined : await seqBefore(tx, room.nid, query.to);
    const page = await walk(tx, room, { dir, start, stop, limit, filter });
    const chunk = await renderWithBundles(tx, room, page.rows, session.userNid);
    const state = filter?.lazy_load_members === true ? await sendersAsState(tx, room, page.rows) : '[]';
    // A client that walks until there is no `end` must not be sent to where it stands.
    const end = page.end === undefined || page.end === start ? '' : `,"end":"${timelineToken(page.end)}"`;
    return new JsonText(`{"start":"${query.from ?? timelineToken(start)}"${end},"chunk":${chunk},"state":${state}}`);
  });
}

interface Walk {
  readonly dir: 'b' | 'f';
  readonly start: number;
  readonly stop: number | undefined;
  readonly limit: number;
  readonly filter: EventFilter | undefined;
}

/** Walks the visible timeline from a point until the page is full; `end` is absent when the walk came to the end of what there is. */
async function walk(tx: ReadTransaction, room: OpenTimeline, { dir, start, stop, limit, filter }: Walk): Promise<{ rows: EventRow[]; end?: number }> {
  if (!wantsRoom(filter, room.id)) return { rows: [] };
  const bounds = dir === 'b' ? { from: (stop ?? -Infinity) + 1, to: start } : { from: start + 1, to: Math.min(stop ?? Infinity, room.upTo) };
  const ranges = visibleWithin(room.visibility, bounds.from, bounds.to);
  const rows: EventRow[] = [];
  let looked = 0;
  for (const range of dir === 'b' ? [...ranges].reverse() : ranges) {
    let { from, to } = range;
    if (!Number.isFinite(from)) from = -Number.MAX_SAFE_INTEGER;
    if (!Number.isFinite(to)) to = room.upTo;
    for (;;) {
      const page = await pageOfEvents(tx, { roomNid: room.nid, from, to, dir, limit: limit - rows.length + (letsAllPass(filter) && room.ignored.size === 0 ? 0 : 50) });
      for (const row of page) {
        looked += 1;
        if (isWanted(room, row) && rowPasses(filter, row)) rows.push(row);
        if (rows.length === limit || looked === MOST_EVENTS_LOOKED_AT) return { rows, end: dir === 'b' ? row.seq - 1 : row.seq };
      }
      const last = page.at(-1);
      if (last === undefined) break;
      if (dir === 'b') to = last.seq - 1;
      else from = last.seq + 1;
    }
  }
  if (stop === undefined) return { rows };
  // The walk ended at `to`, which need not be the end of what there is.
  const beyond = await walk(tx, room, { dir, start: dir === 'b' ? Math.min(stop, start) : Math.max(stop, start), stop: undefined, limit: 1, filter: undefined });
  return beyond.rows.length === 0 ? { rows } : { rows, end: stop };
}

/** The member events of those who sent what is shown, as of the newest event shown. */
async function sendersAsState(tx: ReadTransaction, room: OpenRoom, rows: readonly EventRow[]): Promise<string> {
  if (rows.length === 0) return '[]';
  const at = Math.max(...rows.map((row) => row.seq));
  const seqs = await memberSeqsAt(tx, room.nid, at, sendersOf(rows));
  return renderEvents(await eventsBySeq(tx, room.nid, seqs), room.viewer, room.id);
}

/** The same answer for a room one is not in as for an event that does not exist. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid */
export async function getEvent(deps: TimelineReading, call: { session: Session; params: { roomId: RoomId; eventId: EventId } }): Promise<JsonText> {
  return deps.db.read(async (tx) => {
    const room = await findTimeline(deps, tx, call.params.roomId, call.session);
    if (room === undefined) throw notFound(NO_SUCH_EVENT);
    return new JsonText(await renderWithBundle(tx, room, await visibleEvent(tx, room, call.params.eventId), call.session.userNid));
  });
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid */
export async function getContext(
  deps: TimelineReading & { parseEventFilter: FilterParser },
  call: { session: Session; params: { roomId: RoomId; eventId: EventId }; query: TypeOf<typeof ContextQuery> },
): Promise<JsonText> {
  const { query } = call;
  const filter = query.filter === undefined ? undefined : deps.parseEventFilter(query.filter);
  const limit = query.limit ?? USUAL_PAGE;
  if (limit < 0) throw new MatrixError('M_INVALID_PARAM', 'limit must not be negative');
  const half = Math.min(Math.floor(limit / 2), LONGEST_PAGE / 2);
  return deps.db.read(async (tx) => {
    const room = await openTimeline(deps, tx, call.params.roomId, call.session);
    const event = await visibleEvent(tx, room, call.params.eventId);
    const shared = { stop: undefined, limit: half, filter };
    const none = { rows: [] as EventRow[] };
    const before = half === 0 ? none : await walk(tx, room, { ...shared, dir: 'b', start: event.seq - 1 });
    const after = half === 0 ? none : await walk(tx, room, { ...shared, dir: 'f', start: event.seq });
    const newest = after.rows.at(-1)?.seq ?? event.seq;
    const oldest = before.rows.at(-1)?.seq ?? event.seq;
    const state = await contextState(tx, room, newest, filter?.lazy_load_members === true ? [event, ...before.rows, ...after.rows] : undefined);
    const render = (rows: readonly EventRow[]): Promise<string> => renderWithBundles(tx, room, rows, call.session.userNid);
    const text = await renderWithBundle(tx, room, event, call.session.userNid);
    return new JsonText(
      `{"start":"${timelineToken(oldest - 1)}","end":"${timelineToken(newest)}","event":${text},` +
        `"events_before":${await render(before.rows)},"events_after":${await render(after.rows)},"state":${state}}`,
    );
  });
}

/** The state as of the newest event shown; with lazy-loaded members only those who sent something shown. */
async function contextState(tx: ReadTransaction, room: OpenRoom, at: number, senders: readonly EventRow[] | undefined): Promise<string> {
  const all = await stateSeqsAt(tx, room.nid, at);
  const wanted = senders === undefined ? undefined : new Set(sendersOf(senders));
  const seqs = all.filter(({ type, state_key }) => type !== 'm.room.member' || wanted === undefined || wanted.has(state_key)).map(({ seq }) => seq);
  return renderEvents(await eventsBySeq(tx, room.nid, seqs), room.viewer, room.id);
}

async function visibleEvent(tx: ReadTransaction, room: OpenTimeline, eventId: EventId): Promise<EventRow> {
  const row = await findEvent(tx, room.nid, eventId);
  if (row === undefined || !isShown(room, row)) throw notFound(NO_SUCH_EVENT);
  return row;
}
