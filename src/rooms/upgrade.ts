import type { Session } from '../auth/session.js';
import { forbidden } from '../matrix/errors.js';
import { parseUserId, type EventId, type RoomId } from '../matrix/identifiers.js';
import { parsePowerLevels } from '../matrix/power-levels.js';
import { roomVersion, type RoomVersionFeatures } from '../matrix/room-versions.js';
import { array, object, optional, string, type JsonObject, type TypeOf } from '../matrix/schema.js';
import { defaultEncryption, parseEncryption } from '../policy/encryption.js';
import type { Transaction } from '../storage/database.js';
import { aliasesOf, moveAliases } from './aliases-store.js';
import { foundRoom, newRoomId, refuseUncreatable } from './found.js';
import { lockRoom, NOT_IN_ROOM, type LockedRoom } from './lock.js';
import { copiedState, type CopiedState } from './upgrade-store.js';
import { permittedState } from './set-state.js';
import { appendDraft, type RoomWriting } from './writing.js';

export const UpgradeBody = object({ new_version: string, additional_creators: optional(array(string)) });

/** Told of every upgrade once the new room is whole, in its very transaction. Given from above. */
export interface UpgradeObserver {
  onUpgrade(tx: Transaction, upgrade: { readonly roomNid: number; readonly from: RoomId; readonly to: RoomId }): Promise<void>;
}

/**
 * Founds a sealed room that continues an old one, with an allow-listed copy of its state (RULES A10), and closes the old one. All of
 * it or nothing. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade
 */
export async function upgradeRoom(
  deps: RoomWriting & { upgradeObserver: UpgradeObserver },
  { session, params, body }: { session: Session; params: { roomId: RoomId }; body: TypeOf<typeof UpgradeBody> },
): Promise<{ replacement_room: RoomId }> {
  const version = roomVersion(body.new_version);
  refuseUncreatable(version);
  const creators = (body.additional_creators ?? []).map(parseUserId);
  const now = deps.clock();
  return deps.db.transaction(async (tx) => {
    const old = await lockRoom(tx, params.roomId, deps.states);
    await refuseWhoMayNotClose(tx, old, session);
    const state = await copiedState(tx, old.nid);
    const upgrade: Upgrade = { deps, tx, session, now, old, state };
    const replacement = version.roomIdIsCreateHash ? await upgradeByHash(upgrade, version, creators) : await upgradeByName(upgrade, version);
    await fill(upgrade, replacement);
    await moveAliasesTo(upgrade, replacement);
    await quieten(upgrade);
    await deps.upgradeObserver.onUpgrade(tx, { roomNid: old.nid, from: old.id, to: replacement.id });
    return { replacement_room: replacement.id };
  });
}

interface Upgrade {
  readonly deps: RoomWriting;
  readonly tx: Transaction;
  readonly session: Session;
  readonly now: number;
  readonly old: LockedRoom;
  readonly state: readonly CopiedState[];
}

/** The new room's name is free to choose, so the old room can point at it first and the new one back at the very event. */
async function upgradeByName(upgrade: Upgrade, version: RoomVersionFeatures): Promise<LockedRoom> {
  const id = newRoomId(upgrade.deps);
  const tombstone = await close(upgrade, id);
  return found(upgrade, version, { predecessor: { room_id: upgrade.old.id, event_id: tombstone } }, id);
}

/** The new room's name follows from its first event, which therefore cannot name the event that points at it. */
async function upgradeByHash(upgrade: Upgrade, version: RoomVersionFeatures, creators: readonly string[]): Promise<LockedRoom> {
  const additional = creators.length === 0 ? {} : { additional_creators: [...new Set(creators)] };
  const replacement = await found(upgrade, version, { predecessor: { room_id: upgrade.old.id }, ...additional });
  await close(upgrade, replacement.id);
  return replacement;
}

async function found(upgrade: Upgrade, version: RoomVersionFeatures, creation: JsonObject, id?: RoomId): Promise<LockedRoom> {
  const { deps, tx, session, now, state } = upgrade;
  const { creator: _, predecessor: __, additional_creators: ___, room_version: ____, ...kept } = contentOf(state, 'm.room.create') ?? {};
  const encryption = contentOf(state, 'm.room.encryption');
  return foundRoom(deps, tx, {
    founder: session,
    version,
    creation: { ...kept, ...creation, ...(version.creatorIsSender ? {} : { creator: session.userId }), room_version: version.name },
    founderMember: await deps.memberProfile(tx, session.userNid),
    powerLevels: levelsToFill(state, session, version, creatorsOf(creation, session)),
    encryption: encryption === undefined ? defaultEncryption : parseEncryption(encryption),
    now,
    ...(id === undefined ? {} : { roomId: id }),
  });
}

/** What follows in every version: the rest of the state, the bans, and the power levels as they were. */
async function fill({ deps, tx, session, now, state }: Upgrade, room: LockedRoom): Promise<void> {
  const founders: readonly string[] = ['m.room.create', 'm.room.encryption', 'm.room.power_levels'];
  const add = async (type: string, stateKey: string, content: JsonObject): Promise<void> => {
    await appendDraft(deps, tx, room, await permittedState(tx, room, type, stateKey, content), { actor: session, now });
  };
  for (const { type, state_key, content } of state) {
    if (!founders.includes(type) && type !== 'm.room.canonical_alias') await add(type, state_key, JSON.parse(content) as JsonObject);
  }
  const levels = finalLevels(state, room.version, creatorsOf(room.state.get('m.room.create', '')?.content ?? {}, session));
  const written = room.state.get('m.room.power_levels', '')?.content;
  if (levels !== undefined && JSON.stringify(levels) !== JSON.stringify(written)) await add('m.room.power_levels', '', levels);
}

async function moveAliasesTo({ deps, tx, session, now, old, state }: Upgrade, replacement: LockedRoom): Promise<void> {
  await moveAliases(tx, old.nid, replacement.nid);
  const canonical = withExisting(contentOf(state, 'm.room.canonical_alias') ?? {}, await aliasesOf(tx, replacement.nid));
  if (Object.keys(canonical).length === 0) return;
  for (const [room, content] of [[old, {}], [replacement, canonical]] as const) {
    await appendDraft(deps, tx, room, await permittedState(tx, room, 'm.room.canonical_alias', '', content), { actor: session, now });
  }
}

/** An alias that has been removed since the room began to boast of it is not taken along. */
function withExisting(canonical: JsonObject, existing: readonly string[]): JsonObject {
  const { alias, alt_aliases: others } = canonical;
  const kept = Array.isArray(others) ? others.filter((other) => typeof other === 'string' && existing.includes(other)) : [];
  return {
    ...(typeof alias === 'string' && existing.includes(alias) ? { alias } : {}),
    ...(kept.length > 0 ? { alt_aliases: kept } : {}),
  };
}

async function close({ deps, tx, session, now, old }: Upgrade, replacement: RoomId): Promise<EventId> {
  const content = { body: 'This room has been replaced', replacement_room: replacement };
  const event = await appendDraft(deps, tx, old, await permittedState(tx, old, 'm.room.tombstone', '', content), { actor: session, now });
  return event.eventId;
}

/** Whoever is left in the old room should go on in the new one: speaking and inviting there take power from now on. */
async function quieten({ deps, tx, session, now, old }: Upgrade): Promise<void> {
  await old.state.load(tx, [['m.room.power_levels', ''], ['m.room.create', '']]);
  const content = old.state.get('m.room.power_levels', '')?.content ?? {};
  const levels = levelsIn(old);
  if (levels.userLevel(session.userId) < levels.eventLevel('m.room.power_levels', true)) return;
  const above = Math.max(50, numberOf(content['users_default'], 0) + 1);
  const raised = { ...content, events_default: Math.max(above, numberOf(content['events_default'], 0)), invite: Math.max(above, numberOf(content['invite'], 0)) };
  if (levels.userLevel(session.userId) < above) return;
  await appendDraft(deps, tx, old, await permittedState(tx, old, 'm.room.power_levels', '', raised), { actor: session, now });
}

async function refuseWhoMayNotClose(tx: Transaction, room: LockedRoom, session: Session): Promise<void> {
  await room.state.load(tx, [['m.room.create', ''], ['m.room.power_levels', ''], ['m.room.member', session.userId]]);
  if (room.state.get('m.room.member', session.userId)?.content['membership'] !== 'join') throw forbidden(NOT_IN_ROOM);
  const levels = levelsIn(room);
  const needed = levels.eventLevel('m.room.tombstone', true);
  if (levels.userLevel(session.userId) < needed) throw forbidden(`You need power level ${needed} to upgrade this room`);
}

function levelsIn(room: LockedRoom): ReturnType<typeof parsePowerLevels> {
  const create = room.state.get('m.room.create', '');
  if (create === undefined) throw new Error('a room without its create event');
  return parsePowerLevels(room.state.get('m.room.power_levels', '')?.content, create, room.version);
}

/** The old levels, as the new version writes them: creators of version 12 stand above all levels and are not listed. */
function finalLevels(state: readonly CopiedState[], version: RoomVersionFeatures, creators: readonly string[]): JsonObject | undefined {
  const levels = contentOf(state, 'm.room.power_levels');
  if (levels === undefined) return undefined;
  const users = Object.entries((levels['users'] ?? {}) as JsonObject).filter(([user]) => !version.privilegedCreators || !creators.includes(user));
  return { ...levels, users: Object.fromEntries(users) };
}

/** The old levels, with the upgrader raised so far that all of the state can be written. */
function levelsToFill(state: readonly CopiedState[], { userId }: Session, version: RoomVersionFeatures, creators: readonly string[]): JsonObject {
  const levels = finalLevels(state, version, creators) ?? { users: version.privilegedCreators ? {} : { [userId]: 100 } };
  if (version.privilegedCreators) return levels;
  const users = levels['users'] as JsonObject;
  const needed = Math.max(100, numberOf(levels['state_default'], 50), numberOf(levels['ban'], 50), ...Object.values((levels['events'] ?? {}) as JsonObject).map((level) => numberOf(level, 0)));
  return { ...levels, users: { ...users, [userId]: Math.max(needed, numberOf(users[userId], 0)) } };
}

function creatorsOf(creation: JsonObject, { userId }: Session): readonly string[] {
  const additional = creation['additional_creators'];
  return [userId, ...(Array.isArray(additional) ? additional.filter((id) => typeof id === 'string') : [])];
}

function contentOf(state: readonly CopiedState[], type: string): JsonObject | undefined {
  const entry = state.find((candidate) => candidate.type === type && candidate.state_key === '');
  return entry === undefined ? undefined : (JSON.parse(entry.content) as JsonObject);
}

function numberOf(value: unknown, usual: number): number {
  return typeof value === 'number' ? value : usual;
}
