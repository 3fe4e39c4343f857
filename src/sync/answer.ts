import { deviceListChanges } from '../e2ee/device-lists.js';
import { toDeviceSince } from '../e2ee/to-device.js';
import { accountDataSince, GLOBAL } from '../profile/account-data-store.js';
import { pushRulesSince } from '../push/rulesets.js';
import { passes } from '../rooms/filter.js';
import { streamToken } from '../rooms/tokens.js';
import type { ReadTransaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';
import { joinedRooms } from './joined.js';
import type { MyRoom } from './my-rooms.js';
import { leftRooms, roomsToTell, strippedRooms } from './other-rooms.js';
import { planJoined } from './plan.js';
import type { SyncRequest, Syncing } from './request.js';

export interface Answer {
  readonly text: string;
  readonly hasNews: boolean;
  /** The rooms whose moves may make the next answer. */
  readonly joined: readonly MyRoom[];
}

/** One answer to one request from one snapshot: section by section, each read by the module it belongs to. */
export async function assemble(deps: Syncing, tx: ReadTransaction, request: SyncRequest, newest: number): Promise<Answer> {
  const { session, after } = request;
  const rooms = await deps.myRooms.of(tx, session.userNid, newest);
  if (request.isInitial) deps.lazyMembers.forget(session.deviceNid);
  const toDevice = await toDeviceSection(deps, tx, request, { after, upTo: newest });
  const range = { after, upTo: toDevice.upTo };
  const account = await accountSection(deps, tx, request, range);
  const plans = await planJoined(deps, tx, request, rooms, range, new Set(account.byRoom.keys()));
  const join = await joinedRooms(deps, tx, request, plans, range, account.byRoom);
  const invite = await strippedRooms(tx, request, roomsToTell(request, rooms, ['invite'], range), 'invite_state');
  const knock = await strippedRooms(tx, request, roomsToTell(request, rooms, ['knock'], range), 'knock_state');
  const tellsLeft = !request.isInitial || request.filter.room?.include_leave === true;
  const leave = tellsLeft ? await leftRooms(deps, tx, request, roomsToTell(request, rooms, ['leave', 'ban'], range), range) : [];
  const lists = await deviceListsSection(deps, tx, request, rooms, range);
  const keys = await deps.keyCounts.textFor(tx, session.deviceNid, newest);
  const hasNews =
    join.length + invite.length + knock.length + leave.length + account.global.length + toDevice.texts.length > 0 ||
    lists !== undefined ||
    deps.notifier.movedSince(`oneTimeKeys/${session.deviceNid}`, after);
  if (toDevice.texts.length > 0) deps.acknowledgements.delivered(session.deviceNid);
  const text =
    `{"next_batch":"${streamToken(range.upTo)}","rooms":{"join":{${join.join(',')}},"invite":{${invite.join(',')}},` +
    `"knock":{${knock.join(',')}},"leave":{${leave.join(',')}}},"account_data":{"events":[${account.global.join(',')}]},` +
    `"presence":{"events":[]},"to_device":{"events":[${toDevice.texts.join(',')}]},` +
    `"device_lists":${lists ?? '{"changed":[],"left":[]}'},${keys}}`;
  return { text, hasNews, joined: rooms.filter(({ membership }) => membership === 'join') };
}

/** When there are more messages than fit, the whole answer ends where they do: one position serves every section. */
async function toDeviceSection(deps: Syncing, tx: ReadTransaction, { session }: SyncRequest, range: Range): Promise<{ texts: readonly string[]; upTo: number }> {
  if (!deps.notifier.movedSince(`toDevice/${session.deviceNid}`, range.after)) return { texts: [], upTo: range.upTo };
  return toDeviceSince(tx, session.deviceNid, range);
}

async function accountSection(
  deps: Syncing,
  tx: ReadTransaction,
  request: SyncRequest,
  range: Range,
): Promise<{ global: readonly string[]; byRoom: ReadonlyMap<number, readonly string[]> }> {
  const { session, filter, isInitial } = request;
  const global: string[] = [];
  const byRoom = new Map<number, string[]>();
  if (!isInitial && !deps.notifier.movedSince(`account/${session.userNid}`, range.after)) return { global, byRoom };
  const rules = await pushRulesSince(tx, session, range);
  if (rules !== undefined && passes(filter.account_data, rules)) global.push(JSON.stringify(rules));
  for (const { room_nid, type, content } of await accountDataSince(tx, session.userNid, range)) {
    const text = `{"type":${JSON.stringify(type)},"content":${content}}`;
    if (room_nid === GLOBAL) {
      if (passes(filter.account_data, { type })) global.push(text);
    } else if (passes(filter.room?.account_data, { type })) {
      byRoom.set(room_nid, [...(byRoom.get(room_nid) ?? []), text]);
    }
  }
  return { global, byRoom };
}

/** Undefined when nobody's devices changed. An initial sync says nothing: the client asks for the keys of all it meets anyway. */
async function deviceListsSection(
  deps: Syncing,
  tx: ReadTransaction,
  request: SyncRequest,
  rooms: readonly MyRoom[],
  range: Range,
): Promise<string | undefined> {
  const { userNid } = request.session;
  if (request.isInitial) return undefined;
  const moved =
    deps.notifier.movedSince(`ownDevices/${userNid}`, range.after) ||
    deps.notifier.movedSince(`membership/${userNid}`, range.after) ||
    rooms.some((room) => deps.notifier.movedSince(room.devices, range.after) || deps.notifier.movedSince(room.members, range.after));
  if (!moved) return undefined;
  const { changed, left } = await deviceListChanges(tx, userNid, range);
  return changed.length + left.length === 0 ? undefined : JSON.stringify({ changed, left });
}
