import type { AppServices } from '../auth/app-services.js';
import { refusingInTime } from '../auth/refusal-time.js';
import type { Session } from '../auth/session.js';
import { forbidden, MatrixError, notFound } from '../matrix/errors.js';
import { parseRoomId, serverOf, type RoomAlias, type RoomId, type ServerName } from '../matrix/identifiers.js';
import { object, string, type JsonObject, type TypeOf } from '../matrix/schema.js';
import { parsePowerLevels } from '../matrix/power-levels.js';
import { roomVersion } from '../matrix/room-versions.js';
import { permitState } from '../policy/permit.js';
import { allowedRoomIds } from '../policy/state.js';
import type { ReadTransaction, Transaction } from '../storage/database.js';
import { aliasesOf, deleteAlias, insertAlias, resolveAlias } from './aliases-store.js';
import { lockRoom, type LockedRoom } from './lock.js';
import { openJoinedRoom, openRoom, type RoomReading } from './reading.js';
import { isInAnyOf } from './restricted-store.js';
import { stateEntries } from './state-store.js';
import { membershipIn, type OwnRoom } from './memberships-store.js';
import { appendDraft, type RoomWriting } from './writing.js';

export const AliasBody = object({ room_id: string });

/**
 * Where an alias leads, for those it is open to: members, invited people, and those whom a restricted rule lets in. For everybody
 * else there is no such alias (RULES A8).
 */
export async function openAlias(tx: ReadTransaction, alias: RoomAlias, session: Session): Promise<RoomId> {
  const found = await resolveAlias(tx, alias);
  if (found === undefined || !(await isOpenTo(tx, found.room_nid, session))) throw notFound('No room goes by that alias, or it is not open to you');
  return found.room_id;
}

async function isOpenTo(tx: ReadTransaction, roomNid: number, session: Session): Promise<boolean> {
  const membership = (await membershipIn(tx, roomNid, session.userNid))?.membership;
  if (membership === 'join' || membership === 'invite') return true;
  if (membership === 'ban') return false;
  const [rule] = await stateEntries(tx, roomNid, [['m.room.join_rules', '']]);
  const content = rule === undefined ? {} : (JSON.parse(rule.content) as JsonObject);
  const restricted = content['join_rule'] === 'restricted' || content['join_rule'] === 'knock_restricted';
  return restricted && isInAnyOf(tx, session.userNid, allowedRoomIds(content));
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directoryroomroomalias */
export async function getAlias(
  deps: RoomReading & { serverName: ServerName },
  call: { session: Session; params: { roomAlias: RoomAlias } },
): Promise<object> {
  const room_id = await refusingInTime(call.session, () => deps.db.read((tx) => openAlias(tx, call.params.roomAlias, call.session)));
  return { room_id, servers: [deps.serverName] };
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directoryroomroomalias */
export async function setAlias(
  deps: RoomReading & { serverName: ServerName; appServices: AppServices },
  call: { session: Session; params: { roomAlias: RoomAlias }; body: TypeOf<typeof AliasBody> },
): Promise<object> {
  const { session, params, body } = call;
  if (serverOf(params.roomAlias) !== deps.serverName) throw new MatrixError('M_INVALID_PARAM', 'An alias of this server ends in its name');
  deps.appServices.refuseForeignAlias(params.roomAlias, session.appService);
  await deps.db.transaction(async (tx) => {
    const room = await openJoinedRoom(tx, parseRoomId(body.room_id), session);
    if (!(await insertAlias(tx, params.roomAlias, room.room_nid, session.userNid))) {
      throw new MatrixError('M_UNKNOWN', 'That alias is taken', { status: 409 });
    }
  });
  return {};
}

/**
 * By who made it, by the service in whose namespace it is, or by who may change the room's own aliases; the latter's room no longer boasts
 * of it either.
 * https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3directoryroomroomalias
 */
export async function removeAlias(deps: RoomWriting & { appServices: AppServices }, call: { session: Session; params: { roomAlias: RoomAlias } }): Promise<object> {
  const { session, params } = call;
  deps.appServices.refuseReservedAlias(params.roomAlias, session.appService);
  await refusingInTime(session, () => deps.db.transaction(async (tx) => {
    const roomId = await openAlias(tx, params.roomAlias, session);
    const locked = await lockRoom(tx, roomId, deps.states);
    const found = await resolveAlias(tx, params.roomAlias);
    const room = await openJoinedRoom(tx, roomId, session);
    const mayBoast = await maySetCanonicalAlias(tx, room, session);
    const isOfService = session.appService !== undefined && deps.appServices.byId(session.appService.id)?.coversAlias(params.roomAlias) === true;
    if (found?.creator_nid !== session.userNid && !isOfService && !mayBoast) throw forbidden('You may remove only aliases that you made');
    await deleteAlias(tx, params.roomAlias);
    if (mayBoast) await boastNoLonger(deps, tx, locked, { actor: session, alias: params.roomAlias });
  }));
  return {};
}

/** https://spec.matrix.org/v1.19/client-server-api/#mroomcanonical_alias */
async function boastNoLonger(deps: RoomWriting, tx: Transaction, room: LockedRoom, { actor, alias }: { actor: Session; alias: RoomAlias }): Promise<void> {
  await room.state.load(tx, [['m.room.canonical_alias', '']]);
  const before = room.state.get('m.room.canonical_alias', '')?.content ?? {};
  const { alias: main, alt_aliases: others, ...rest } = before;
  const kept = Array.isArray(others) ? others.filter((other) => other !== alias) : [];
  if (main !== alias && kept.length === (Array.isArray(others) ? others.length : 0)) return;
  const content = { ...rest, ...(main === undefined || main === alias ? {} : { alias: main }), ...(kept.length === 0 ? {} : { alt_aliases: kept }) };
  const draft = permitState('m.room.canonical_alias', '', content, { knownRooms: new Set() });
  await appendDraft(deps, tx, room, draft, { actor, now: deps.clock() });
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidaliases */
export async function listAliases(deps: RoomReading, call: { session: Session; params: { roomId: RoomId } }): Promise<object> {
  return deps.db.read(async (tx) => {
    const room = await openRoom(tx, call.params.roomId, call.session, deps.clock());
    if (!room.isJoined) throw forbidden('You are not in this room');
    return { aliases: await aliasesOf(tx, room.nid) };
  });
}

async function maySetCanonicalAlias(tx: Transaction, room: OwnRoom, session: Session): Promise<boolean> {
  const rows = await stateEntries(tx, room.room_nid, [['m.room.create', ''], ['m.room.power_levels', '']]);
  const create = rows.find(({ type }) => type === 'm.room.create');
  const levels = rows.find(({ type }) => type === 'm.room.power_levels');
  if (create === undefined) throw new Error('a room without its create event');
  const power = parsePowerLevels(
    levels === undefined ? undefined : (JSON.parse(levels.content) as JsonObject),
    { sender: create.sender, content: JSON.parse(create.content) as JsonObject },
    roomVersion(room.room_version),
  );
  return power.userLevel(session.userId) >= power.eventLevel('m.room.canonical_alias', true);
}
