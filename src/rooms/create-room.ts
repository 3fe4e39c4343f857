import type { AppServices } from '../auth/app-services.js';
import type { Session } from '../auth/session.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { parseOpaque, parseRoomAlias, parseUserId, serverOf, type RoomAlias, type RoomId, type ServerName, type UserId } from '../matrix/identifiers.js';
import { roomVersion, type RoomVersionFeatures } from '../matrix/room-versions.js';
import { anyObject, array, boolean, object, oneOf, optional, string, type JsonObject, type JsonValue, type TypeOf } from '../matrix/schema.js';
import { createRoomViolations } from '../policy/create-room.js';
import { defaultEncryption, parseEncryption } from '../policy/encryption.js';
import { refuse } from '../policy/violation.js';
import type { Transaction } from '../storage/database.js';
import { insertAlias } from './aliases-store.js';
import { foundRoom, refuseUncreatable, refusedAsRoomState } from './found.js';
import { brakedCreation } from './invite-brakes.js';
import type { LockedRoom } from './lock.js';
import { changeMembership } from './membership.js';
import { permittedState } from './set-state.js';
import { appendDraft, type RoomWriting } from './writing.js';

/** Each is an event to write while everybody else waits. */
const MOST_INITIAL_STATE = 200;
const StateEventBody = object({ type: string, state_key: optional(string), content: anyObject });
export const CreateRoomBody = object({
  visibility: optional(oneOf('public', 'private')),
  room_alias_name: optional(string),
  name: optional(string),
  topic: optional(string),
  invite: optional(array(string)),
  invite_3pid: optional(array(anyObject)),
  room_version: optional(string),
  creation_content: optional(anyObject),
  initial_state: optional(array(StateEventBody, { maxItems: MOST_INITIAL_STATE })),
  preset: optional(oneOf('private_chat', 'public_chat', 'trusted_private_chat')),
  is_direct: optional(boolean),
  power_level_content_override: optional(anyObject),
});
type Wish = TypeOf<typeof CreateRoomBody>;

/** Only `foundRoom` writes these; in `initial_state` they would make a second creation. */
const FOUNDERS_OWN: readonly string[] = ['m.room.create', 'm.room.member'];

/**
 * Creates a sealed room, whole or not at all. Whatever the client asks for, its encryption is Megolm, it is joined by invitation (or
 * by what `initial_state` says within the rules), and its history is for its members.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export async function createRoom(
  deps: RoomWriting & { defaultRoomVersion: string; appServices: AppServices },
  call: { session: Session; body: Wish },
): Promise<{ room_id: RoomId }> {
  const { session, body } = call;
  const version = roomVersion(body.room_version ?? deps.defaultRoomVersion);
  refuseUncreatable(version);
  const invited = (body.invite ?? []).map(parseUserId);
  const initial = (body.initial_state ?? []).map(({ type, state_key = '', content }) => ({ type: parseOpaque(type), stateKey: parseOpaque(state_key), content }));
  if (initial.some(({ type }) => FOUNDERS_OWN.includes(type))) {
    throw new MatrixError('M_INVALID_PARAM', 'initial_state may not hold the creation of the room or memberships');
  }
  if (initial.filter(isEncryption).length > 1) throw new MatrixError('M_INVALID_PARAM', 'initial_state may hold the encryption of the room once');
  const alias = aliasOf(body, deps.signer.serverName);
  refuse(createRoomViolations({ ...body }));
  if (alias !== undefined) deps.appServices.refuseForeignAlias(alias, session.appService);
  if (invited.some((user) => serverOf(user) !== deps.signer.serverName)) throw forbidden('People of that server cannot be invited');
  const now = deps.clock();
  return brakedCreation(deps, { session, invited }, () => deps.db.transaction(async (tx) => {
    const asked = initial.find(isEncryption);
    const room = await foundRoom(deps, tx, {
      founder: session,
      version,
      creation: creationOf(body, version, session.userId, invited),
      founderMember: await deps.memberProfile(tx, session.userNid),
      powerLevels: powerLevelsOf(body, version, session.userId, invited),
      encryption: asked === undefined ? defaultEncryption : parseEncryption(asked.content),
      now,
    });
    await furnish(deps, tx, room, { session, body, alias, initial, now });
    for (const target of new Set(invited)) {
      const extra = body.is_direct === true ? { is_direct: true } : {};
      await changeMembership(deps, tx, room, { actor: session, target, membership: 'invite', extra, now });
    }
    return { room_id: room.id };
  }));
}

interface Furnishing {
  readonly session: Session;
  readonly body: Wish;
  readonly alias: RoomAlias | undefined;
  readonly initial: readonly { readonly type: string; readonly stateKey: string; readonly content: JsonObject }[];
  readonly now: number;
}

/** All state between the foundation and the invitations, in the specification's order; what the client states itself is not stated twice. */
async function furnish(deps: RoomWriting, tx: Transaction, room: LockedRoom, { session, body, alias, initial, now }: Furnishing): Promise<void> {
  const has = (type: string): boolean => initial.some((event) => event.type === type && event.stateKey === '');
  if (alias !== undefined && !(await insertAlias(tx, alias, room.nid, session.userNid))) throw new MatrixError('M_ROOM_IN_USE', 'That alias is taken');
  const state: { type: string; stateKey: string; content: JsonObject }[] = [];
  if (alias !== undefined) state.push({ type: 'm.room.canonical_alias', stateKey: '', content: { alias } });
  if (!has('m.room.join_rules')) state.push({ type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'invite' } });
  if (!has('m.room.history_visibility')) state.push({ type: 'm.room.history_visibility', stateKey: '', content: { history_visibility: 'shared' } });
  // Guest access is the constant `forbidden` (A5): Element asks for guests in every private room, and gets the room without them.
  state.push(...initial.filter((event) => !isEncryption(event) && event.type !== 'm.room.guest_access'));
  if (body.name !== undefined) state.push({ type: 'm.room.name', stateKey: '', content: { name: body.name } });
  if (body.topic !== undefined) state.push({ type: 'm.room.topic', stateKey: '', content: topicContent(body.topic) });
  for (const { type, stateKey, content } of state) {
    const draft = await permittedState(tx, room, type, stateKey, content);
    await refusedAsRoomState(appendDraft(deps, tx, room, draft, { actor: session, now }));
  }
}

function isEncryption({ type, stateKey }: { readonly type: string; readonly stateKey: string }): boolean {
  return type === 'm.room.encryption' && stateKey === '';
}

function aliasOf({ room_alias_name: name }: Wish, serverName: ServerName): RoomAlias | undefined {
  if (name === undefined) return undefined;
  if (name.includes(':') || /\s/.test(name)) throw new MatrixError('M_INVALID_PARAM', 'room_alias_name is the part of an alias between # and :');
  return parseRoomAlias(`#${name}:${serverName}`);
}

function creationOf(body: Wish, version: RoomVersionFeatures, creator: UserId, invited: readonly UserId[]): JsonObject {
  const { creator: _, ...wished } = body.creation_content ?? {};
  const additional = version.privilegedCreators ? additionalCreators(body, invited) : [];
  return {
    ...wished,
    ...(additional.length === 0 ? {} : { additional_creators: additional }),
    ...(version.creatorIsSender ? {} : { creator }),
    room_version: version.name,
  };
}

/** Those the client names and, where all are trusted, those it invites. */
function additionalCreators(body: Wish, invited: readonly UserId[]): readonly UserId[] {
  const named = body.creation_content?.['additional_creators'] ?? [];
  if (!Array.isArray(named)) throw new MatrixError('M_INVALID_PARAM', 'additional_creators must be a list of user ids');
  const userIds = named.map((id: JsonValue) => parseUserId(typeof id === 'string' ? id : ''));
  return [...new Set([...userIds, ...(body.preset === 'trusted_private_chat' ? invited : [])])];
}

/** https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels */
function powerLevelsOf(body: Wish, version: RoomVersionFeatures, creator: UserId, invited: readonly UserId[]): JsonObject {
  const equals = body.preset === 'trusted_private_chat' ? invited : [];
  return {
    users: version.privilegedCreators ? {} : Object.fromEntries([creator, ...equals].map((user) => [user, 100])),
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.canonical_alias': 50,
      'm.room.avatar': 50,
      'm.room.tombstone': version.privilegedCreators ? 150 : 100,
      'm.room.server_acl': 100,
      'm.room.encryption': 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: 0,
    ...body.power_level_content_override,
  };
}

/** The plain topic and its rich twin. https://spec.matrix.org/v1.19/client-server-api/#mroomtopic */
function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ body: topic, mimetype: 'text/plain' }] } };
}
