import type { EventId } from '../matrix/identifiers.js';
import { inList, join, sql, type ReadTransaction, type Sql } from '../storage/database.js';

export interface RelatedPage {
  readonly roomNid: number;
  readonly targetId: string;
  readonly relType: string | undefined;
  readonly type: string | undefined;
  /** How far to follow relations of relations; 1: not at all. */
  readonly depth: number;
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
  readonly ignored: ReadonlySet<number>;
  readonly dir: 'b' | 'f';
  readonly limit: number;
}

/** The seqs of events that point at an event, or at what points at it, within ranges of the timeline. */
export async function relatedSeqs(tx: ReadTransaction, page: RelatedPage): Promise<readonly { seq: number; depth: number }[]> {
  const found: { seq: number; depth: number }[] = [];
  const ranges = page.dir === 'b' ? [...page.ranges].reverse() : page.ranges;
  for (const { from, to } of ranges) {
    if (found.length >= page.limit) break;
    const order = page.dir === 'b' ? sql`ORDER BY r.seq DESC` : sql`ORDER BY r.seq`;
    const ofType = page.relType === undefined ? sql`` : sql`AND r.rel_type = ${page.relType}`;
    const ofEventType = page.type === undefined ? sql`` : sql`AND r.type = ${page.type}`;
    const rows = await tx.all<{ seq: number; depth: number }>(sql`
      WITH RECURSIVE related (seq, depth) AS (
        SELECT r.seq, 1 FROM relations r WHERE r.room_nid = ${page.roomNid} AND r.target_id = ${page.targetId}
        UNION
        SELECT r.seq, related.depth + 1
        FROM related
        CROSS JOIN events e -- so that SQLite goes from an event to what relates to it, not through all relations of the room
        CROSS JOIN relations r
        WHERE related.depth < ${page.depth} AND e.room_nid = ${page.roomNid} AND e.seq = related.seq
          AND r.room_nid = e.room_nid AND r.target_id = e.event_id)
      SELECT r.seq, min(related.depth) AS depth
      FROM related CROSS JOIN relations r
      WHERE r.room_nid = ${page.roomNid} AND r.seq = related.seq AND r.seq BETWEEN ${from} AND ${to} ${ofType} ${ofEventType} ${byOthersThan(page.ignored)}
      GROUP BY r.seq
      ${order}
      LIMIT ${page.limit - found.length}`);
    found.push(...rows);
  }
  return found;
}

/** Threads of a room by their newest event, newest first, those whose newest event comes before a point. */
export async function threadsBefore(
  tx: ReadTransaction,
  page: { roomNid: number; before: number; limit: number; participantNid: number | undefined; ignored: ReadonlySet<number> },
): Promise<readonly { root_id: EventId; newest_seq: number }[]> {
  const taking =
    page.participantNid === undefined
      ? sql``
      : sql`AND (
          EXISTS (SELECT 1 FROM events e WHERE e.event_id = t.root_id AND e.room_nid = t.room_nid AND e.sender_nid = ${page.participantNid})
          OR EXISTS (SELECT 1 FROM relations r WHERE r.room_nid = t.room_nid AND r.target_id = t.root_id AND r.rel_type = 'm.thread'
            AND r.sender_nid = ${page.participantNid}))`;
  const wanted =
    page.ignored.size === 0
      ? sql``
      : sql`AND EXISTS (SELECT 1 FROM events e WHERE e.event_id = t.root_id AND e.room_nid = t.room_nid AND e.sender_nid NOT IN ${inList([...page.ignored])})`;
  return tx.all(sql`
    SELECT t.root_id, t.newest_seq
    FROM threads t
    WHERE t.room_nid = ${page.roomNid} AND t.newest_seq < ${page.before} ${taking} ${wanted}
    ORDER BY t.newest_seq DESC
    LIMIT ${page.limit}`);
}

/** What points at one event in one way, in sum. */
export interface RelationSum {
  readonly target_id: EventId;
  readonly target_seq: number;
  readonly target_sender_nid: number;
  readonly rel_type: string;
  readonly n: number;
  readonly newest_seq: number;
  /** The newest by the sender of the event pointed at. */
  readonly newest_own_seq: number | null;
  /** 1 when one is the viewer's. */
  readonly viewer_took_part: number;
}

interface Bundling {
  readonly roomNid: number;
  readonly targetIds: readonly string[];
  readonly viewerNid: number;
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
  readonly ignored: ReadonlySet<number>;
}

export async function relationSums(tx: ReadTransaction, { roomNid, targetIds, viewerNid, ranges, ignored }: Bundling): Promise<readonly RelationSum[]> {
  if (targetIds.length === 0 || ranges.length === 0) return [];
  return tx.all<RelationSum>(sql`
    SELECT r.target_id, t.seq AS target_seq, t.sender_nid AS target_sender_nid, r.rel_type, count(*) AS n, max(r.seq) AS newest_seq,
      max(CASE WHEN r.sender_nid = t.sender_nid THEN r.seq END) AS newest_own_seq,
      max(CASE WHEN r.sender_nid = ${viewerNid} THEN 1 ELSE 0 END) AS viewer_took_part
    FROM events t JOIN relations r ON r.room_nid = t.room_nid AND r.target_id = t.event_id
    WHERE t.event_id IN ${inList(targetIds)} AND t.room_nid = ${roomNid}
      AND r.rel_type IN ('m.thread', 'm.replace', 'm.reference') AND (${visible(ranges)}) ${byOthersThan(ignored)}
    GROUP BY r.target_id, t.seq, t.sender_nid, r.rel_type`);
}

/** The ids of what refers to these events, of each the first hundred or so. */
export async function referencesTo(tx: ReadTransaction, { roomNid, targetIds, ranges, ignored }: Bundling): Promise<readonly { target_id: EventId; event_id: EventId }[]> {
  if (targetIds.length === 0 || ranges.length === 0) return [];
  return tx.all(sql`
    SELECT r.target_id, e.event_id
    FROM relations r JOIN events e ON e.room_nid = r.room_nid AND e.seq = r.seq
    WHERE r.room_nid = ${roomNid} AND r.target_id IN ${inList(targetIds)} AND r.rel_type = 'm.reference' AND (${visible(ranges)}) ${byOthersThan(ignored)}
    ORDER BY r.seq
    LIMIT ${100 * targetIds.length}`);
}

/** Of an empty list nothing is in, and nothing is not in. */
function byOthersThan(ignored: ReadonlySet<number>): Sql {
  return ignored.size === 0 ? sql`` : sql`AND r.sender_nid NOT IN ${inList([...ignored])}`;
}

function visible(ranges: readonly { readonly from: number; readonly to: number }[]): Sql {
  return join(ranges.map(({ from, to }) => sql`r.seq BETWEEN ${from} AND ${to}`), ' OR ');
}
