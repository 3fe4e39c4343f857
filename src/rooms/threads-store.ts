import type { EventId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction } from '../storage/database.js';

export interface RelatedPage {
  readonly roomNid: number;
  readonly targetId: string;
  readonly relType: string | undefined;
  readonly type: string | undefined;
  /** How far to follow relations of relations; 1: not at all. */
  readonly depth: number;
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
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
        JOIN events e ON e.room_nid = ${page.roomNid} AND e.seq = related.seq
        JOIN relations r ON r.room_nid = ${page.roomNid} AND r.target_id = e.event_id
        WHERE related.depth < ${page.depth})
      SELECT r.seq, min(related.depth) AS depth
      FROM related JOIN relations r ON r.room_nid = ${page.roomNid} AND r.seq = related.seq
      WHERE r.seq BETWEEN ${from} AND ${to} ${ofType} ${ofEventType}
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
  page: { roomNid: number; before: number; limit: number; participantNid: number | undefined },
): Promise<readonly { root_id: EventId; newest_seq: number }[]> {
  const taking =
    page.participantNid === undefined
      ? sql``
      : sql`AND (
          EXISTS (SELECT 1 FROM events e WHERE e.event_id = t.root_id AND e.room_nid = t.room_nid AND e.sender_nid = ${page.participantNid})
          OR EXISTS (SELECT 1 FROM relations r WHERE r.room_nid = t.room_nid AND r.target_id = t.root_id AND r.rel_type = 'm.thread'
            AND r.sender_nid = ${page.participantNid}))`;
  return tx.all(sql`
    SELECT t.root_id, t.newest_seq
    FROM threads t
    WHERE t.room_nid = ${page.roomNid} AND t.newest_seq < ${page.before} ${taking}
    ORDER BY t.newest_seq DESC
    LIMIT ${page.limit}`);
}

export interface RelationRow {
  readonly room_nid: number;
  readonly target_id: string;
  readonly rel_type: string;
  readonly seq: number;
  readonly sender_nid: number;
}

/** Everything of the bundled kinds that points at any of these events. */
export async function bundledRelations(tx: ReadTransaction, targetIds: readonly string[]): Promise<readonly RelationRow[]> {
  if (targetIds.length === 0) return [];
  return tx.all<RelationRow>(sql`
    SELECT r.room_nid, r.target_id, r.rel_type, r.seq, r.sender_nid
    FROM events t JOIN relations r ON r.room_nid = t.room_nid AND r.target_id = t.event_id
    WHERE t.event_id IN ${inList(targetIds)} AND r.rel_type IN ('m.thread', 'm.replace', 'm.reference')
    ORDER BY r.seq`);
}
