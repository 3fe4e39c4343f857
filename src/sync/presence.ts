import { presenceContent } from '../profile/presence-status.js';
import { presenceSince, presentIn, type NamedPresenceRow } from '../profile/presence-store.js';
import { letsAllPass, passes } from '../rooms/filter.js';
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
export async function presenceSection(making: Making, rooms: readonly MyRoom[]): Promise<readonly string[]> {
  const { deps: { presence, clock }, request } = making;
  if (presence === undefined) return [];
  const now = clock();
  const filter = request.filter.presence;
  const rows = await rowsFor(making, rooms);
  return (letsAllPass(filter) ? rows : rows.filter(({ user_id: sender }) => passes(filter, { ...EVENT, sender })))
    .map((row) => presence.text(row, now, () => JSON.stringify({ ...EVENT, sender: row.user_id, content: presenceContent(row, presence, now) })));
}

async function rowsFor({ deps: { notifier }, tx, request, range }: Making, rooms: readonly MyRoom[]): Promise<readonly NamedPresenceRow[]> {
  const { userNid } = request.session;
  const joined = rooms.filter(({ membership }) => membership === 'join');
  if (request.isInitial) return presentIn(tx, joined.map(({ nid }) => nid), range);
  const changed = notifier.movedSince('presence', 0, range.after) ? await presenceSince(tx, userNid, range) : [];
  const isFresh = ({ changedPosition }: MyRoom): boolean => changedPosition > range.after;
  const peopled = joined.filter((room) => isFresh(room) || notifier.movedSince('members', room.nid, range.after));
  if (peopled.length === 0) return changed;
  const fresh = peopled.filter(isFresh).map(({ nid }) => nid);
  const joining = peopled.filter((room) => !isFresh(room)).map(({ nid }) => nid);
  const met = [...(await presentIn(tx, fresh, { after: 0, upTo: range.upTo })), ...(await presentIn(tx, joining, range))];
  return [...new Map([...met, ...changed].map((row) => [row.user_nid, row])).values()];
}
