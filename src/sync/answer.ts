import { deviceListChanges } from '../e2ee/device-lists.js';
import { toDeviceSince } from '../e2ee/to-device.js';
import { accountDataOfRooms, accountDataSince, DELETED, GLOBAL, type AccountDataRow } from '../profile/account-data-store.js';
import { pushRulesSince } from '../push/rulesets.js';
import { passes, type EventFilter } from '../rooms/filter.js';
import { streamToken } from '../rooms/tokens.js';
import type { ReadTransaction } from '../storage/database.js';
import { groupBy, roomNidOf } from '../storage/group-by.js';
import type { Range } from '../storage/stream.js';
import { joinedRooms } from './joined.js';
import { roomsAt, type MyRoom } from './my-rooms.js';
import { NO_OTHER_ROOMS, otherRooms, otherRoomsMoved } from './other-rooms.js';
import { planJoined } from './plan.js';
import { presenceMoved, presenceSection } from './presence.js';
import type { Making, SyncRequest, Syncing } from './request.js';

export interface Answer {
  /** The JSON text in pieces, of which rooms are the large ones. */
  readonly parts: readonly string[];
  readonly hasNews: boolean;
  /** The rooms whose moves may make the next answer. */
  readonly joined: readonly MyRoom[];
}

/**
 * One answer to one request from one snapshot: section by section, each read by the module it belongs to. Only what has to be read is
 * awaited: a wake-up needs next to nothing, and hundreds wake together.
 */
export async function assemble(deps: Syncing, tx: ReadTransaction, request: SyncRequest, newest: number): Promise<Answer> {
  const { session, after } = request;
  if (request.isInitial) deps.lazyMembers.forget(session.deviceNid);
  const toDevice = deps.notifier.movedSince('toDevice', session.deviceNid, after)
    ? await toDeviceSince(tx, session.deviceNid, { after, upTo: newest })
    : { texts: [], upTo: newest };
  // When there are more messages than fit, the whole answer ends where they do: one position serves every section.
  const range = { after, upTo: toDevice.upTo };
  const unwanted = deps.unwanted.known(session.userNid) ?? (await deps.unwanted.of(tx, session, newest));
  const making: Making = { deps, tx, request, range, newest, unwanted };
  const newestRooms = deps.myRooms.known(session.userNid) ?? (await deps.myRooms.of(tx, session.userNid, newest));
  const areAhead = newestRooms.some(({ changedPosition }) => changedPosition > range.upTo);
  const rooms = areAhead ? await roomsAt(tx, newestRooms, session.userId, range.upTo) : newestRooms;
  const account =
    request.isInitial || deps.notifier.movedSince('account', session.userNid, after) ? await accountSection(tx, request, range) : NO_ACCOUNT_DATA;
  const plans = await planJoined(making, rooms, account.byRoom);
  const returned = request.isInitial ? [] : plans.filter(({ isFresh }) => isFresh).map(({ room }) => room.nid);
  const accountData = returned.length === 0 ? account.byRoom : await withReturned(making, account, returned);
  const join = plans.length === 0 ? [] : await joinedRooms(making, plans, accountData);
  const elsewhere = otherRoomsMoved(making, rooms);
  const others = elsewhere.length === 0 ? NO_OTHER_ROOMS : await otherRooms(making, elsewhere);
  const lists = devicesMoved(deps, request, rooms) ? await deviceListsSection(tx, session.userNid, range) : undefined;
  const presence = presenceMoved(making, rooms) ? await presenceSection(making, rooms) : '';
  const keys = deps.keyCounts.known(session.deviceNid) ?? (await deps.keyCounts.textFor(tx, session.deviceNid, newest));
  const hasNews =
    join.length + account.global.length + toDevice.texts.length + presence.length > 0 ||
    others !== NO_OTHER_ROOMS ||
    lists !== undefined ||
    deps.notifier.movedSince('oneTimeKeys', session.deviceNid, after);
  if (toDevice.texts.length > 0) deps.acknowledgements.delivered(session.deviceNid);
  const parts = [
    `{"next_batch":"${streamToken(range.upTo)}","rooms":{"join":{`,
    ...join.map((room, i) => (i === 0 ? room : `,${room}`)),
    `},${others}},"account_data":{"events":[${account.global.join(',')}]},"presence":{"events":[${presence}]},` +
      `"to_device":{"events":[${toDevice.texts.join(',')}]},"device_lists":${lists ?? '{"changed":[],"left":[]}'},${keys}}`,
  ];
  return { parts, hasNews, joined: rooms.filter(({ membership }) => membership === 'join') };
}

interface AccountSection {
  readonly global: readonly string[];
  readonly byRoom: ReadonlyMap<number, readonly string[]>;
}

const NO_ACCOUNT_DATA: AccountSection = { global: [], byRoom: new Map() };

async function accountSection(tx: ReadTransaction, { session, filter }: SyncRequest, range: Range): Promise<AccountSection> {
  const rules = await pushRulesSince(tx, session, range);
  const rows = await accountDataSince(tx, session.userNid, range);
  const wanted = rows.filter((row) => row.room_nid === GLOBAL && passes(filter.account_data, row)).map(accountDataText);
  const withRules = rules !== undefined && passes(filter.account_data, rules) ? [JSON.stringify(rules), ...wanted] : wanted;
  return { global: withRules, byRoom: byRoom(rows.filter(({ room_nid }) => room_nid !== GLOBAL), filter.room?.account_data) };
}

/** Who comes to a room is told all they ever set there, however long ago. */
async function withReturned({ tx, request, range }: Making, { byRoom: known }: AccountSection, roomNids: readonly number[]): Promise<AccountSection['byRoom']> {
  const rows = await accountDataOfRooms(tx, request.session.userNid, roomNids, range.upTo);
  return new Map([...known, ...byRoom(rows, request.filter.room?.account_data)]);
}

function byRoom(rows: readonly AccountDataRow[], filter: EventFilter | undefined): AccountSection['byRoom'] {
  const passing = rows.filter((row) => passes(filter, row));
  return new Map([...groupBy(passing, roomNidOf)].map(([nid, of]) => [nid, of.map(accountDataText)]));
}

/** What was deleted is told as empty (MSC3391). */
function accountDataText({ type, content }: AccountDataRow): string {
  return `{"type":${JSON.stringify(type)},"content":${content === DELETED ? '{}' : content}}`;
}

/** An initial sync says nothing of device lists: the client asks for the keys of all it meets anyway. */
function devicesMoved({ notifier }: Syncing, { session, isInitial, after }: SyncRequest, rooms: readonly MyRoom[]): boolean {
  if (isInitial) return false;
  return (
    notifier.movedSince('ownDevices', session.userNid, after) ||
    notifier.movedSince('membership', session.userNid, after) ||
    rooms.some((room) => notifier.movedSince('devices', room.nid, after) || notifier.movedSince('members', room.nid, after))
  );
}

/** Undefined when nobody's devices changed. */
async function deviceListsSection(tx: ReadTransaction, userNid: number, range: Range): Promise<string | undefined> {
  const { changed, left } = await deviceListChanges(tx, userNid, range);
  return changed.length + left.length === 0 ? undefined : JSON.stringify({ changed, left });
}
