import type { ReadTransaction } from '../storage/database.js';
import { eventIdOf } from './event-text.js';
import { eventsBySeq, type EventRow } from './events-store.js';
import { renderEvent, renderEvents } from './render.js';
import { referencesTo, relationSums, type RelationSum } from './threads-store.js';
import type { OpenTimeline } from './timeline.js';
import { visibleWithin } from './visibility.js';

/** Events with what points at them, as a JSON array. */
export async function renderWithBundles(tx: ReadTransaction, room: OpenTimeline, rows: readonly EventRow[], viewerNid: number): Promise<string> {
  return renderEvents(rows, room.viewer, room.id, await bundlesOf(tx, room, rows, viewerNid));
}

/** One event with what points at it. */
export async function renderWithBundle(tx: ReadTransaction, room: OpenTimeline, row: EventRow, viewerNid: number): Promise<string> {
  return (await renderWithBundles(tx, room, [row], viewerNid)).slice(1, -1);
}

/**
 * What clients are told of the events that point at those shown, as the JSON text of `m.relations`: the newest edit, the state of a
 * thread, references; by the seq of what is pointed at. Only what the viewer may see, and wants to, counts. https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events
 */
async function bundlesOf(tx: ReadTransaction, room: OpenTimeline, rows: readonly EventRow[], viewerNid: number): Promise<ReadonlyMap<number, string>> {
  const ranges = visibleWithin(room.visibility, -Number.MAX_SAFE_INTEGER, room.upTo);
  const bundling = { roomNid: room.nid, targetIds: rows.map(({ json }) => eventIdOf(json)), viewerNid, ranges, ignored: room.ignored };
  const sums = await relationSums(tx, bundling);
  if (sums.length === 0) return new Map();
  const referred = sums.filter(({ rel_type }) => rel_type === 'm.reference').map(({ target_id }) => target_id);
  const references = await referencesTo(tx, { ...bundling, targetIds: referred });
  const newest = await eventsBySeq(tx, room.nid, sums.flatMap((sum) => shownSeq(sum) ?? []));
  const texts = new Map(newest.map((row) => [row.seq, renderEvent(row, room.viewer, room.id)]));
  const parts = new Map<number, string[]>();
  for (const sum of sums) {
    const part = partOf(sum, texts.get(shownSeq(sum) ?? 0), references, viewerNid);
    if (part !== undefined) parts.set(sum.target_seq, [...(parts.get(sum.target_seq) ?? []), part]);
  }
  return new Map([...parts].map(([target, of]) => [target, `{${of.join(',')}}`]));
}

/** Of a thread its newest event; of edits the newest by whoever wrote what is edited. https://spec.matrix.org/v1.19/client-server-api/#event-replacements */
function shownSeq({ rel_type, newest_seq, newest_own_seq }: RelationSum): number | undefined {
  if (rel_type === 'm.thread') return newest_seq;
  return rel_type === 'm.replace' ? (newest_own_seq ?? undefined) : undefined;
}

function partOf(sum: RelationSum, text: string | undefined, references: readonly { target_id: string; event_id: string }[], viewerNid: number): string | undefined {
  if (sum.rel_type === 'm.reference') {
    const chunk = references.filter(({ target_id }) => target_id === sum.target_id).map(({ event_id }) => ({ event_id }));
    return `"m.reference":{"chunk":${JSON.stringify(chunk)}}`;
  }
  if (text === undefined) return undefined;
  if (sum.rel_type === 'm.replace') return `"m.replace":${text}`;
  const took = sum.viewer_took_part === 1 || sum.target_sender_nid === viewerNid;
  return `"m.thread":{"latest_event":${text},"count":${sum.n},"current_user_participated":${took}}`;
}
