import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { defaultPushRules } from '../matrix/default-push-rules.js';
import type { PushedEvent, PushResult } from '../matrix/push-rules.js';
import { JsonText } from '../matrix/reply.js';
import { integer, object, optional, string, type TypeOf } from '../matrix/schema.js';
import { eventsInRanges, type EventRow } from '../rooms/events-store.js';
import { limitOf } from '../rooms/filter.js';
import { MAIN, readPoints, UNTHREADED, type ReadPoint } from '../rooms/receipts-store.js';
import { jsonArray, renderEvent } from '../rooms/render.js';
import { roomsByNid } from '../rooms/rooms-store.js';
import { parseStreamToken, streamToken } from '../rooms/tokens.js';
import type { Database, ReadTransaction } from '../storage/database.js';
import { groupBy, roomNidOf } from '../storage/group-by.js';
import { currentPosition } from '../storage/stream.js';
import { joinedRooms } from './counts-store.js';
import { contextsOf, judge, type Preferences, type RoomContext } from './judge.js';
import { candidatesWithin, type Candidate } from './notifications-store.js';
import { findPushRules } from './push-rules-store.js';

export const NotificationsQuery = object({ from: optional(string), limit: optional(integer), only: optional(string) });

const USUAL_PAGE = 20;
const LONGEST_PAGE = 100;
/** However few of them notify: the next page goes on from there. */
const MOST_LOOKED_AT = 500;
/** How much of the stream is looked through first; each further look goes further back. */
const FIRST_STRETCH = 4096;
const FURTHER = 8;

/**
 * What the caller was or would have been notified of, newest first, by their rules as they are now: in rooms they are in, since they
 * came. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications
 */
export async function listNotifications(
  { db, clock }: { db: Database; clock: Clock },
  { session, query }: { session: Session; query: TypeOf<typeof NotificationsQuery> },
): Promise<JsonText> {
  const limit = limitOf({ limit: query.limit ?? USUAL_PAGE }, USUAL_PAGE, LONGEST_PAGE);
  const from = query.from === undefined ? undefined : parseStreamToken(query.from);
  return db.read(async (tx) => {
    const before = from ?? (await currentPosition(tx)) + 1;
    const candidates = await newestBefore(tx, session, before);
    const page = await pageOf(tx, candidates, { session, limit, onlyHighlights: query.only === 'highlight', now: clock() });
    const next = page.next === undefined ? '' : `"next_token":"${streamToken(page.next)}",`;
    return new JsonText(`{${next}"notifications":${jsonArray(page.texts)}}`);
  });
}

async function newestBefore(tx: ReadTransaction, { userNid }: Session, before: number): Promise<readonly Candidate[]> {
  const rooms = await joinedRooms(tx, userNid);
  for (let stretch = FIRST_STRETCH; ; stretch *= FURTHER) {
    const from = Math.max(before - stretch, 0);
    const found = await candidatesWithin(tx, rooms, { from, before, userNid, limit: MOST_LOOKED_AT });
    if (from === 0 || found.length === MOST_LOOKED_AT) return found;
  }
}

interface Wish {
  readonly session: Session;
  readonly limit: number;
  readonly onlyHighlights: boolean;
  readonly now: number;
}

async function pageOf(tx: ReadTransaction, candidates: readonly Candidate[], wish: Wish): Promise<{ texts: readonly string[]; next?: number }> {
  const preferences = await preferencesOf(tx, wish.session);
  const rooms = await roomsOf(tx, candidates, wish.session.userNid);
  const texts: string[] = [];
  // As a rule all notify, and the first batch is the page.
  for (let at = 0; at < candidates.length; at += LONGEST_PAGE) {
    const batch = candidates.slice(at, at + LONGEST_PAGE);
    const rows = new Map((await eventsInRanges(tx, batch.map(({ room_nid, seq }) => ({ room_nid, from: seq, to: seq })))).map((row) => [`${row.room_nid}/${row.seq}`, row]));
    for (const candidate of batch) {
      const row = rows.get(`${candidate.room_nid}/${candidate.seq}`);
      const room = rooms.get(candidate.room_nid);
      if (row === undefined || room === undefined) continue;
      const result = judge(preferences, { ...(JSON.parse(row.json) as PushedEvent), room_id: room.id }, room.context);
      if (!result.notify || (wish.onlyHighlights && !result.highlight)) continue;
      texts.push(textOf(row, result, { roomId: room.id, isRead: isRead(candidate, room.points), wish }));
      if (texts.length === wish.limit) return { texts, next: candidate.position };
    }
  }
  const last = candidates.at(-1);
  return last === undefined || candidates.length < MOST_LOOKED_AT ? { texts } : { texts, next: last.position };
}

async function preferencesOf(tx: ReadTransaction, { userNid, userId }: Session): Promise<Preferences> {
  const own = await findPushRules(tx, userNid);
  return { ruleset: own?.ruleset ?? JSON.stringify(defaultPushRules(userId)), ignored: own?.ignored ?? '[]', displayname: null };
}

interface RoomOfPage {
  readonly id: string;
  readonly context: RoomContext;
  readonly points: readonly ReadPoint[];
}

async function roomsOf(tx: ReadTransaction, candidates: readonly Candidate[], userNid: number): Promise<ReadonlyMap<number, RoomOfPage>> {
  const nids = [...new Set(candidates.map(roomNidOf))];
  const contexts = await contextsOf(tx, nids);
  const points = groupBy(await readPoints(tx, nids, userNid), roomNidOf);
  return new Map((await roomsByNid(tx, nids)).flatMap(({ room_nid: nid, room_id: id }) => {
    const context = contexts.get(nid);
    return context === undefined ? [] : [[nid, { id, context, points: points.get(nid) ?? [] }]];
  }));
}

function isRead({ seq, thread_root }: Candidate, points: readonly ReadPoint[]): boolean {
  return points.some((point) => point.seq >= seq && (point.thread_id === UNTHREADED || point.thread_id === (thread_root ?? MAIN)));
}

function textOf(row: EventRow, { actions }: PushResult, { roomId, isRead: read, wish }: { roomId: string; isRead: boolean; wish: Wish }): string {
  const event = renderEvent(row, { deviceNid: wish.session.deviceNid, now: wish.now, membershipAt: () => 'join', sees: () => false, knowsReplaced: () => false });
  return `{"actions":${JSON.stringify(actions)},"event":${event},"read":${read},"room_id":${JSON.stringify(roomId)},"ts":${row.origin_server_ts}}`;
}
