import type { Session } from '../auth/session.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import type { RoomId } from '../matrix/identifiers.js';
import { boolean, integer, object, optional, string, type JsonObject, type TypeOf } from '../matrix/schema.js';
import type { ReadTransaction } from '../storage/database.js';
import { limitOf } from './filter.js';
import { NOT_IN_ROOM } from './lock.js';
import { previewsOf, type Preview } from './preview.js';
import type { RoomReading } from './reading.js';

export const HierarchyQuery = object({
  suggested_only: optional(boolean),
  limit: optional(integer),
  max_depth: optional(integer),
  from: optional(string),
});
type Query = TypeOf<typeof HierarchyQuery>;

const USUAL_PAGE = 50;
const LONGEST_PAGE = 100;
/** However a space is built, one request looks at no more rooms than this. */
const MOST_ROOMS = 1000;
const FROM = /^h([0-9]{1,6})$/;

/** The tree of a space, as far as its rooms are open to the viewer, level by level. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy */
export async function getHierarchy(deps: RoomReading, call: { session: Session; params: { roomId: RoomId }; query: Query }): Promise<object> {
  const { session, params, query } = call;
  const limit = limitOf(query.limit === undefined ? {} : { limit: query.limit }, USUAL_PAGE, LONGEST_PAGE);
  if (query.max_depth !== undefined && query.max_depth < 0) throw new MatrixError('M_INVALID_PARAM', 'max_depth must not be negative');
  const skip = query.from === undefined ? 0 : Number(FROM.exec(query.from)?.[1] ?? NaN);
  if (!Number.isInteger(skip)) throw new MatrixError('M_INVALID_PARAM', 'That is not a token of this server');
  return deps.db.read(async (tx) => {
    const rooms = await treeOf(tx, params.roomId, session, query);
    const page = rooms.slice(skip, skip + limit);
    const next = rooms.length > skip + limit ? { next_batch: `h${skip + limit}` } : {};
    return { rooms: page, ...next };
  });
}

/** All rooms of the tree, parents before children, siblings in the order their space gives them. */
async function treeOf(tx: ReadTransaction, root: RoomId, session: Session, query: Query): Promise<readonly JsonObject[]> {
  const found: { readonly preview: Preview; readonly children: readonly ChildLink[] }[] = [];
  const seen = new Set<string>([root]);
  let level: readonly string[] = [root];
  for (let depth = 0; level.length > 0 && found.length < MOST_ROOMS; depth += 1) {
    const previews = await previewsOf(tx, level, session);
    if (depth === 0 && previews.get(root) === undefined) throw forbidden(NOT_IN_ROOM);
    const next: string[] = [];
    for (const id of level) {
      const preview = previews.get(id);
      if (preview === undefined) continue;
      const children = childrenOf(preview, query.suggested_only === true);
      found.push({ preview, children });
      if (query.max_depth !== undefined && depth >= query.max_depth) continue;
      for (const child of children) {
        if (!seen.has(child.roomId)) next.push(child.roomId);
        seen.add(child.roomId);
      }
    }
    level = next;
  }
  return found.slice(0, MOST_ROOMS).map(({ preview, children }) => ({ ...preview.summary, children_state: children.map(({ event }) => event) }));
}

interface ChildLink {
  readonly roomId: string;
  readonly order: string;
  readonly ts: number;
  readonly event: JsonObject;
}

/** https://spec.matrix.org/v1.19/client-server-api/#ordering-of-children-within-a-space */
function childrenOf(space: Preview, suggestedOnly: boolean): readonly ChildLink[] {
  const links = space.stateOf('m.space.child').flatMap((entry): ChildLink[] => {
    const { content, origin_server_ts, sender } = JSON.parse(entry.json) as JsonObject & { content: JsonObject; origin_server_ts: number };
    if (!Array.isArray(content['via']) || content['via'].length === 0) return [];
    if (suggestedOnly && content['suggested'] !== true) return [];
    const event = { type: 'm.space.child', state_key: entry.state_key, content, sender, origin_server_ts };
    return [{ roomId: entry.state_key, order: validOrder(content['order']), ts: origin_server_ts, event }];
  });
  return links.sort((a, b) => compare(a.order, b.order) || a.ts - b.ts || compare(a.roomId, b.roomId));
}

/** Children without a valid order come last. */
function validOrder(order: unknown): string {
  return typeof order === 'string' && /^[\x20-\x7e]{1,50}$/.test(order) ? order : '\x7f';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
