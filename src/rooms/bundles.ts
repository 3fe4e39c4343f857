import type { ReadTransaction } from '../storage/database.js';
import { eventsBySeq, type EventRow } from './events-store.js';
import type { OpenRoom } from './reading.js';
import { renderEvent } from './render.js';
import { bundledRelations, type RelationRow } from './threads-store.js';
import { isVisible } from './visibility.js';

/** Events with what points at them. */
export async function renderWithBundles(tx: ReadTransaction, room: OpenRoom, rows: readonly EventRow[], viewerNid: number): Promise<readonly string[]> {
  const bundles = await bundlesOf(tx, room, rows, viewerNid);
  return rows.map((row) => {
    const text = renderEvent(row, room.viewer, room.id);
    const bundle = bundles.get(row.event_id);
    // `unsigned` is the last member, so what belongs in it goes before the two braces that end the event.
    return bundle === undefined ? text : `${text.slice(0, -2)},"m.relations":${bundle}}}`;
  });
}

/**
 * What clients are told of the events that point at those shown, as the JSON text of `m.relations`: the newest edit, the state of a
 * thread, references. Only what the viewer may see counts. https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events
 */
async function bundlesOf(tx: ReadTransaction, room: OpenRoom, rows: readonly EventRow[], viewerNid: number): Promise<ReadonlyMap<string, string>> {
  const relations = (await bundledRelations(tx, rows.map(({ event_id }) => event_id))).filter(({ seq }) => isVisible(room.visibility, seq));
  if (relations.length === 0) return new Map();
  const byTarget = new Map<string, RelationRow[]>();
  for (const relation of relations) byTarget.set(relation.target_id, [...(byTarget.get(relation.target_id) ?? []), relation]);
  const shown = new Map((await eventsBySeq(tx, room.nid, relations.map(({ seq }) => seq))).map((row) => [row.seq, row]));
  const targets = new Map(rows.map((row) => [row.event_id as string, row]));
  return new Map(
    [...byTarget].map(([target, of]) => {
      const parts = [threadOf(room, of, shown, targets.get(target), viewerNid), editOf(room, of, shown, targets.get(target)), referencesOf(of, shown)];
      return [target, `{${parts.filter((part) => part !== undefined).join(',')}}`];
    }),
  );
}

type Shown = ReadonlyMap<number, EventRow>;

function threadOf(room: OpenRoom, relations: readonly RelationRow[], shown: Shown, root: EventRow | undefined, viewerNid: number): string | undefined {
  const replies = relations.filter(({ rel_type }) => rel_type === 'm.thread');
  const latest = shown.get(replies.at(-1)?.seq ?? 0);
  if (latest === undefined) return undefined;
  const took = root?.sender_nid === viewerNid || replies.some(({ sender_nid }) => sender_nid === viewerNid);
  const text = renderEvent(latest, room.viewer, room.id);
  return `"m.thread":{"latest_event":${text},"count":${replies.length},"current_user_participated":${took}}`;
}

/** Only the sender's own edits count. https://spec.matrix.org/v1.19/client-server-api/#event-replacements */
function editOf(room: OpenRoom, relations: readonly RelationRow[], shown: Shown, edited: EventRow | undefined): string | undefined {
  const edits = relations.filter(({ rel_type, sender_nid }) => rel_type === 'm.replace' && sender_nid === edited?.sender_nid);
  const latest = shown.get(edits.at(-1)?.seq ?? 0);
  return latest === undefined ? undefined : `"m.replace":${renderEvent(latest, room.viewer, room.id)}`;
}

function referencesOf(relations: readonly RelationRow[], shown: Shown): string | undefined {
  const ids = relations.filter(({ rel_type }) => rel_type === 'm.reference').flatMap(({ seq }) => shown.get(seq)?.event_id ?? []);
  return ids.length === 0 ? undefined : `"m.reference":{"chunk":${JSON.stringify(ids.map((event_id) => ({ event_id })))}}`;
}
