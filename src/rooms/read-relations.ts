import type { Session } from '../auth/session.js';
import { notFound } from '../matrix/errors.js';
import type { EventId, RoomId } from '../matrix/identifiers.js';
import { JsonText } from '../matrix/reply.js';
import { boolean, integer, object, oneOf, optional, string, type TypeOf } from '../matrix/schema.js';
import type { ReadTransaction } from '../storage/database.js';
import { renderWithBundles } from './bundles.js';
import { eventsBySeq, findEvent, type EventRow } from './events-store.js';
import { limitOf } from './filter.js';
import type { OpenRoom } from './reading.js';
import { relatedSeqs, threadsBefore } from './threads-store.js';
import { isShown, openTimeline, type TimelineReading } from './timeline.js';
import { seqBefore, timelineToken } from './tokens.js';
import { visibleWithin } from './visibility.js';

export const RelationsQuery = object({
  from: optional(string),
  to: optional(string),
  limit: optional(integer),
  dir: optional(oneOf('b', 'f')),
  recurse: optional(boolean),
});
export const ThreadsQuery = object({ from: optional(string), limit: optional(integer), include: optional(oneOf('all', 'participated')) });

const USUAL_PAGE = 5;
const LONGEST_PAGE = 500;
/** The specification asks for at least three levels. */
const RECURSION_DEPTH = 3;

interface RelationsCall {
  readonly session: Session;
  readonly params: { readonly roomId: RoomId; readonly eventId: EventId; readonly relType?: string; readonly eventType?: string };
  readonly query: TypeOf<typeof RelationsQuery>;
}

/** The events that point at one, as far as one may see them. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventid */
export async function listRelations(deps: TimelineReading, { session, params, query }: RelationsCall): Promise<JsonText> {
  const limit = limitOf(query.limit === undefined ? {} : { limit: query.limit }, USUAL_PAGE, LONGEST_PAGE);
  const dir = query.dir ?? 'b';
  return deps.db.read(async (tx) => {
    const room = await openTimeline(deps, tx, params.roomId, session);
    const target = await findEvent(tx, room.nid, params.eventId);
    if (target === undefined || !isShown(room, target)) throw notFound('There is no such event in this room, or you may not see it');
    const related = await relatedSeqs(tx, {
      roomNid: room.nid,
      targetId: params.eventId,
      relType: params.relType,
      type: params.eventType,
      depth: query.recurse === true ? RECURSION_DEPTH : 1,
      ranges: await rangesOf(tx, room, dir, query),
      ignored: room.ignored,
      dir,
      limit: limit + 1,
    });
    const page = related.slice(0, limit);
    const bySeq = new Map((await eventsBySeq(tx, room.nid, page.map(({ seq }) => seq))).map((row) => [row.seq, row]));
    const rows = page.flatMap(({ seq }) => bySeq.get(seq) ?? []);
    const chunk = await renderWithBundles(tx, room, rows, session.userNid);
    const last = page.at(-1);
    const next = related.length > limit && last !== undefined ? `,"next_batch":"${timelineToken(dir === 'b' ? last.seq - 1 : last.seq)}"` : '';
    const prev = query.from === undefined ? '' : `,"prev_batch":${JSON.stringify(query.from)}`;
    const depth = query.recurse === true ? `,"recursion_depth":${RECURSION_DEPTH}` : '';
    return new JsonText(`{"chunk":${chunk}${next}${prev}${depth}}`);
  });
}

/** The threads of a room by their newest event. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads */
export async function listThreads(
  deps: TimelineReading,
  { session, params, query }: { session: Session; params: { roomId: RoomId }; query: TypeOf<typeof ThreadsQuery> },
): Promise<JsonText> {
  const limit = limitOf(query.limit === undefined ? {} : { limit: query.limit }, USUAL_PAGE, LONGEST_PAGE);
  return deps.db.read(async (tx) => {
    const room = await openTimeline(deps, tx, params.roomId, session);
    const upTo = query.from === undefined ? room.upTo : Math.min(await seqBefore(tx, room.nid, query.from), room.upTo);
    const participantNid = query.include === 'participated' ? session.userNid : undefined;
    const threads = await threadsBefore(tx, { roomNid: room.nid, before: upTo + 1, limit: limit + 1, participantNid, ignored: room.ignored });
    const rows: EventRow[] = [];
    for (const { root_id } of threads.slice(0, limit)) {
      const root = await findEvent(tx, room.nid, root_id);
      if (root !== undefined && isShown(room, root)) rows.push(root);
    }
    const chunk = await renderWithBundles(tx, room, rows, session.userNid);
    const last = threads[limit - 1];
    const next = threads.length > limit && last !== undefined ? `,"next_batch":"${timelineToken(last.newest_seq - 1)}"` : '';
    return new JsonText(`{"chunk":${chunk}${next}}`);
  });
}

async function rangesOf(
  tx: ReadTransaction,
  room: OpenRoom,
  dir: 'b' | 'f',
  { from, to }: { from?: string; to?: string },
): Promise<readonly { from: number; to: number }[]> {
  const start = from === undefined ? undefined : await seqBefore(tx, room.nid, from);
  const stop = to === undefined ? undefined : await seqBefore(tx, room.nid, to);
  const low = dir === 'b' ? (stop ?? -Number.MAX_SAFE_INTEGER) + 1 : (start ?? -Number.MAX_SAFE_INTEGER) + 1;
  const high = Math.min(dir === 'b' ? (start ?? room.upTo) : (stop ?? room.upTo), room.upTo);
  return visibleWithin(room.visibility, low, high);
}
