import type { Session } from '../auth/session.js';
import { canonicalJson } from '../matrix/canonical-json.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { isMembership } from '../matrix/event-auth-reading.js';
import { parseRoomAlias, parseUserId, serverOf, type EventId, type RoomId } from '../matrix/identifiers.js';
import { creatorsOf } from '../matrix/power-levels.js';
import type { JsonObject, JsonValue } from '../matrix/schema.js';
import { isObject } from '../policy/message.js';
import { permitState, type PermittedDraft } from '../policy/permit.js';
import { allowedRoomIds, stateViolations, type StateFacts } from '../policy/state.js';
import { refuse } from '../policy/violation.js';
import type { Transaction } from '../storage/database.js';
import { resolveAlias } from './aliases-store.js';
import { brakedInvite } from './invite-brakes.js';
import { lockRoom, NOT_IN_ROOM, type LockedRoom } from './lock.js';
import { changeMembership } from './membership.js';
import { knownRooms } from './rooms-store.js';
import { actorAt, appendDraft, type Actor, type RoomWriting } from './writing.js';

/**
 * Sets one entry of a room's state; setting what is set already changes nothing and names the event that did.
 * https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey
 */
export async function setState(
  deps: RoomWriting,
  call: { session: Session; params: { roomId: RoomId; eventType: string; stateKey: string }; query?: { readonly ts?: number; readonly attach_media?: readonly string[] }; body: JsonObject },
): Promise<{ event_id: EventId }> {
  const { session, params, query, body } = call;
  refuseAnywhere(params.eventType, params.stateKey, body);
  const now = deps.clock();
  const { roomId, eventType: type, stateKey } = params;
  const set = (): Promise<EventId> => deps.db.transaction(async (tx) => {
    const room = await lockRoom(tx, roomId, deps.states);
    const entry = { type, stateKey, content: body, attachMedia: query?.attach_media };
    return writeState(deps, tx, room, entry, { actor: actorAt(session, query?.ts), now });
  });
  // As by the endpoint for invitations, which is not the only way to invite.
  const isInvite = type === 'm.room.member' && body['membership'] === 'invite';
  return { event_id: isInvite ? await brakedInvite(deps, { session, roomId, target: parseUserId(stateKey) }, set) : await set() };
}

/** Refuses what no room would take, before any is looked for: else the refusal would tell strangers that there is one. */
export function refuseAnywhere(type: string, stateKey: string, content: JsonObject): void {
  if (type === 'm.room.create') throw new MatrixError('M_INVALID_PARAM', 'A room can only begin with its create event');
  if (type === 'm.room.member') {
    parseUserId(stateKey);
    if (!isMembership(content['membership'])) throw new MatrixError('M_BAD_JSON', 'membership must be invite, join, knock, leave or ban');
  }
  refuse(stateViolations(type, content, { knownRooms: new Set(allowedRoomIds(content)) }));
}

/** One entry of a room's state, as a client asks for it. */
export interface StateEntry {
  readonly type: string;
  readonly stateKey: string;
  readonly content: JsonObject;
  /** The mxc addresses it carries (MSC3911). */
  readonly attachMedia?: readonly string[] | undefined;
}

/** The one way to a state event that a client asks for. */
export async function writeState(deps: RoomWriting, tx: Transaction, room: LockedRoom, entry: StateEntry, by: { actor: Actor; now: number }): Promise<EventId> {
  const { type, stateKey, content, attachMedia } = entry;
  const { actor, now } = by;
  await room.state.load(tx, [[type, stateKey], ['m.room.member', actor.userId]]);
  const current = room.state.get(type, stateKey);
  if (current?.sender === actor.userId && canonicalJson(current.content) === canonicalJson(content)) {
    const isMember = room.state.get('m.room.member', actor.userId)?.content['membership'] === 'join';
    if (isMember && (await carriesAlready(deps, tx, { roomNid: room.nid, seq: current.seq }, attachMedia))) return current.eventId;
  }
  const isOwn = type === 'm.room.member' && stateKey === actor.userId;
  if (!isOwn && room.state.get('m.room.member', actor.userId) === undefined) throw forbidden(NOT_IN_ROOM);
  if (type === 'm.room.member') return setMember(deps, tx, room, entry, by);
  const draft = await permittedState(tx, room, type, stateKey, content);
  const event = await appendDraft(deps, tx, room, draft, { actor, now, attachMedia });
  return event.eventId;
}

/** The same request again is answered as before, though what it attaches is attached by now. */
async function carriesAlready(deps: RoomWriting, tx: Transaction, event: { roomNid: number; seq: number }, addresses: readonly string[] = []): Promise<boolean> {
  if (addresses.length === 0) return true;
  for (const observer of deps.observers) if ((await observer.carries?.(tx, event, addresses)) === true) return true;
  return false;
}

/** Gathers what the rules must know of this shard, and asks them. */
export async function permittedState(tx: Transaction, room: LockedRoom, type: string, stateKey: string, content: JsonObject): Promise<PermittedDraft> {
  if (type === 'm.room.canonical_alias') await refuseForeignAliases(tx, room, content);
  if (type === 'm.room.power_levels' && room.version.privilegedCreators) await refuseLevelsOfCreators(tx, room, content);
  return permitState(type, stateKey, content, await factsFor(tx, room, type, content));
}

async function factsFor(tx: Transaction, room: LockedRoom, type: string, content: JsonObject): Promise<StateFacts> {
  const rooms = type === 'm.room.join_rules' ? await knownRooms(tx, allowedRoomIds(content)) : new Set<string>();
  if (type !== 'm.room.encryption') return { knownRooms: rooms };
  await room.state.load(tx, [['m.room.encryption', '']]);
  const encryption = room.state.get('m.room.encryption', '')?.content;
  return encryption === undefined ? { knownRooms: rooms } : { knownRooms: rooms, encryption };
}

async function setMember(deps: RoomWriting, tx: Transaction, room: LockedRoom, entry: StateEntry, { actor, now }: { actor: Actor; now: number }): Promise<EventId> {
  const { membership, ...extra } = entry.content;
  if (!isMembership(membership)) throw new MatrixError('M_BAD_JSON', 'membership must be invite, join, knock, leave or ban');
  const target = parseUserId(entry.stateKey);
  if (serverOf(target) !== deps.signer.serverName && membership === 'invite') throw forbidden('People of that server cannot be invited');
  return refusedAsToStrangers(room, actor, changeMembership(deps, tx, room, { actor, target, membership, extra, attachMedia: entry.attachMedia, now }));
}

/** How one gets into a room, and so whether it exists, is told only to those who have to do with it. */
async function refusedAsToStrangers<Result>(room: LockedRoom, actor: Actor, change: Promise<Result>): Promise<Result> {
  try {
    return await change;
  } catch (error) {
    const isStranger = room.state.get('m.room.member', actor.userId) === undefined;
    if (isStranger && error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') throw forbidden(NOT_IN_ROOM);
    throw error;
  }
}

/** Not a question of power: nobody's levels may name them. https://spec.matrix.org/v1.19/rooms/v12/#room-creators */
async function refuseLevelsOfCreators(tx: Transaction, room: LockedRoom, { users }: JsonObject): Promise<void> {
  await room.state.load(tx, [['m.room.create', '']]);
  const create = room.state.get('m.room.create', '');
  if (create === undefined || !isObject(users)) return;
  if (creatorsOf(create, room.version).some((creator) => Object.hasOwn(users, creator))) {
    throw new MatrixError('M_BAD_JSON', 'The creators of this room stand above every power level and cannot be given one');
  }
}

/** Every alias a room boasts of must lead to it. https://spec.matrix.org/v1.19/client-server-api/#mroomcanonical_alias */
async function refuseForeignAliases(tx: Transaction, room: LockedRoom, content: JsonObject): Promise<void> {
  const others = content['alt_aliases'] ?? [];
  if (!Array.isArray(others)) throw new MatrixError('M_BAD_JSON', 'alt_aliases must be a list');
  const main = content['alias'] ?? '';
  await room.state.load(tx, [['m.room.canonical_alias', '']]);
  const before = room.state.get('m.room.canonical_alias', '')?.content;
  const named = new Set<JsonValue | undefined>([before?.['alias'], ...(Array.isArray(before?.['alt_aliases']) ? before['alt_aliases'] : [])]);
  for (const alias of [...(main === '' ? [] : [main]), ...others]) {
    if (!named.has(alias)) await refuseForeignAlias(tx, room, alias);
  }
}

async function refuseForeignAlias(tx: Transaction, room: LockedRoom, alias: JsonValue): Promise<void> {
  if (typeof alias !== 'string') throw new MatrixError('M_INVALID_PARAM', 'An alias must be text');
  const found = await resolveAlias(tx, parseRoomAlias(alias));
  if (found?.room_nid !== room.nid) throw new MatrixError('M_BAD_ALIAS', 'That alias does not lead to this room');
}
