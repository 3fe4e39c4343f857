import { secondOf } from '../profile/presence.js';
import { presenceContent } from '../profile/presence-status.js';
import { presenceSince, presentIn, type NamedPresenceRow } from '../profile/presence-store.js';
import { letsAllPass, passes } from '../rooms/filter.js';
import type { Range } from '../storage/stream.js';
import type { MyRoom } from './my-rooms.js';
import type { Making } from './request.js';

const EVENT = { type: 'm.presence' };

/** Whether there may be anything to tell; else nothing need be read. */
export function presenceMoved({ deps: { notifier, presence }, request, range }: Making, rooms: readonly MyRoom[]): boolean {
  if (presence === undefined || !passes(request.filter.presence, EVENT)) return false;
  return (
    request.isInitial ||
    notifier.movedSince('presence', 0, range.after) ||
    rooms.some((room) => room.membership === 'join' && (room.changedPosition > range.after || notifier.movedSince('members', room.nid, range.after)))
  );
}

/**
 * The `presence` of an answer: what changed of oneself and of who shares a room, and, where somebody has come to one, how they are. A first
 * answer tells of whoever is not offline; of more than 500 people, the 500 last changed. https://spec.matrix.org/v1.19/client-server-api/#presence
 */
export async function presenceSection(making: Making, rooms: readonly MyRoom[]): Promise<string> {
  const { deps: { clock, sharedTimelines }, request: { filter, isInitial }, range, newest } = making;
  const now = clock();
  const joined = rooms.filter(({ membership }) => membership === 'join');
  const peopled = isInitial ? joined : joined.filter((room) => isFresh(room, range) || making.deps.notifier.movedSince('members', room.nid, range.after));
  const make = async (): Promise<string> => textOf(making, await rowsFor(making, joined, peopled), now);
  if (peopled.length > 0 || joined.length === 0 || !letsAllPass(filter.presence)) return make();
  // Who has joined the same rooms is told of the same people.
  return sharedTimelines.at(newest).presence(`${range.after}/${range.upTo}/${secondOf(now)}/${joined.map(({ nid }) => nid).join()}`, make);
}

function textOf({ deps: { presence }, request }: Making, rows: readonly NamedPresenceRow[], now: number): string {
  if (presence === undefined) return '';
  const filter = request.filter.presence;
  return (letsAllPass(filter) ? rows : rows.filter(({ user_id: sender }) => passes(filter, { ...EVENT, sender })))
    .map((row) => presence.text(row, now, () => JSON.stringify({ ...EVENT, sender: row.user_id, content: presenceContent(row, presence, now) })))
    .join();
}

function isFresh({ changedPosition }: MyRoom, { after }: Range): boolean {
  return changedPosition > after;
}

/** `peopled` are the rooms, of those joined, to which somebody has come. */
async function rowsFor({ deps: { notifier }, tx, request, range }: Making, joined: readonly MyRoom[], peopled: readonly MyRoom[]): Promise<readonly NamedPresenceRow[]> {
  const roomNids = joined.map(({ nid }) => nid);
  if (request.isInitial) return presentIn(tx, roomNids, range);
  const changed = notifier.movedSince('presence', 0, range.after) ? await presenceSince(tx, { viewerNid: request.session.userNid, roomNids }, range) : [];
  if (peopled.length === 0) return changed;
  const fresh = peopled.filter((room) => isFresh(room, range)).map(({ nid }) => nid);
  const joining = peopled.filter((room) => !isFresh(room, range)).map(({ nid }) => nid);
  const met = [...(await presentIn(tx, fresh, { after: 0, upTo: range.upTo })), ...(await presentIn(tx, joining, range))];
  return [...new Map([...met, ...changed].map((row) => [row.user_nid, row])).values()];
}
