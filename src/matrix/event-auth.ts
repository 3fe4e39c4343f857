import { forbidden } from './errors.js';
import { checkMember } from './event-auth-membership.js';
import { checkPowerLevels } from './event-auth-power.js';
import { membershipIn, needLevel, serverNameIn, userIdOrNone } from './event-auth-reading.js';
import type { PduDraft } from './event.js';
import type { EventId } from './identifiers.js';
import { parsePowerLevels, type PowerLevels } from './power-levels.js';
import { isRoomVersion, type RoomVersionFeatures } from './room-versions.js';
import type { JsonObject } from './schema.js';

export type Membership = 'invite' | 'join' | 'knock' | 'leave' | 'ban';
/** There is no `public`: a room with any other rule lets nobody join. */
export type JoinRule = 'invite' | 'knock' | 'restricted' | 'knock_restricted';
export type HistoryVisibility = 'joined' | 'invited' | 'shared';
export type MessageType = 'm.room.encrypted' | 'm.room.redaction' | 'm.reaction';

export type EventToAuthorise = Pick<PduDraft, 'type' | 'state_key' | 'sender' | 'room_id' | 'content' | 'prev_events'>;

declare const authorised: unique symbol;
/** An event its room's state allows; only `authorise` makes one. */
export type AuthorisedEvent<Event extends EventToAuthorise = EventToAuthorise> = Event & { readonly [authorised]: true };

export interface StateEvent {
  readonly sender: string;
  readonly content: JsonObject;
  readonly eventId: EventId;
}

/** The state of the room before the event: its create event, and whatever `authEventsFor` names. */
export type AuthState = (type: string, stateKey: string) => StateEvent | undefined;

export type StateKey = readonly [type: string, stateKey: string];

/** What the rules read: the event, the room around it, and the levels in force. */
export interface Judged {
  readonly event: EventToAuthorise;
  readonly state: AuthState;
  readonly create: StateEvent;
  readonly levels: PowerLevels;
  readonly version: RoomVersionFeatures;
}

/**
 * Refuses with M_FORBIDDEN an event that the room's state does not allow. Signatures are checked when an event arrives, and the
 * choice of its auth events (rule 2, in version 12 rule 3) by `checkAuthEvents`.
 * The numbers are those of versions 6 to 11; version 12 counts rules 3 to 10 one higher.
 * https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules https://spec.matrix.org/v1.19/rooms/v12/#authorization-rules
 */
export function authorise<Event extends EventToAuthorise>(event: Event, state: AuthState, version: RoomVersionFeatures): AuthorisedEvent<Event> {
  // 1. If type is m.room.create
  if (event.type === 'm.room.create') checkCreate(event, version);
  else checkInRoom(event, state, version);
  return event as AuthorisedEvent<Event>;
}

/**
 * Which events of the room's state the event names as those that allow it, where there is one.
 * https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection
 */
export function authEventsFor(event: Pick<EventToAuthorise, 'type' | 'state_key' | 'sender' | 'content'>, version: RoomVersionFeatures): readonly StateKey[] {
  if (event.type === 'm.room.create') return [];
  const keys: StateKey[] = version.roomIdIsCreateHash ? [] : [['m.room.create', '']];
  keys.push(['m.room.power_levels', '']);
  const people = new Set<string>([event.sender]);
  if (event.type === 'm.room.member') {
    const { membership, join_authorised_via_users_server: authorisingUser } = event.content;
    if (event.state_key !== undefined) people.add(event.state_key);
    if (membership === 'join' || membership === 'invite' || membership === 'knock') keys.push(['m.room.join_rules', '']);
    if (membership === 'join' && version.restricted && typeof authorisingUser === 'string') people.add(authorisingUser);
  }
  for (const userId of people) keys.push(['m.room.member', userId]);
  return keys;
}

export interface AuthEvent {
  readonly type: string;
  readonly stateKey: string;
  readonly roomId: string;
  readonly isRejected: boolean;
}

/** Rule 2 (3 in version 12): refuses with M_FORBIDDEN an event whose `auth_events` are not those `authEventsFor` selects. */
export function checkAuthEvents(event: EventToAuthorise, authEvents: readonly AuthEvent[], version: RoomVersionFeatures): void {
  if (event.type === 'm.room.create') return;
  const selected = new Set(authEventsFor(event, version).map((key) => JSON.stringify(key)));
  const seen = new Set<string>();
  for (const { type, stateKey, roomId, isRejected } of authEvents) {
    const key = JSON.stringify([type, stateKey]);
    // 2.1
    if (seen.has(key)) throw forbidden('The event names two auth events of one kind');
    seen.add(key);
    // 2.2
    if (!selected.has(key)) throw forbidden('The event names an auth event that cannot allow it');
    // 2.3
    if (isRejected) throw forbidden('The event names an auth event that was rejected');
    // 2.5
    if (roomId !== event.room_id) throw forbidden('The event names an auth event of another room');
  }
  // 2.4
  if (!version.roomIdIsCreateHash && !seen.has('["m.room.create",""]')) throw forbidden('The event does not name the create event');
}

function checkCreate(event: EventToAuthorise, version: RoomVersionFeatures): void {
  const { content } = event;
  // 1.1
  if (event.prev_events.length > 0) throw forbidden('A room can only begin with its create event');
  // 1.2
  if (version.roomIdIsCreateHash && event.room_id !== undefined) throw forbidden('The create event of this room version has no room id');
  if (!version.roomIdIsCreateHash && serverNameIn(event.room_id ?? '') !== serverNameIn(event.sender)) {
    throw forbidden('A room id must end in the server name of whoever creates the room');
  }
  // 1.3
  if (content['room_version'] !== undefined && !isRoomVersion(content['room_version'])) throw forbidden('This server does not support that room version');
  // 1.4, up to version 10
  if (!version.creatorIsSender && content['creator'] === undefined) throw forbidden('The create event must name the creator of the room');
  // 1.4, from version 12 on
  if (version.privilegedCreators && !areUsers(content['additional_creators'])) throw forbidden('The additional creators must be a list of user ids');
}

function areUsers(additional: unknown): boolean {
  return additional === undefined || (Array.isArray(additional) && additional.every((item) => userIdOrNone(item) !== undefined));
}

function checkInRoom(event: EventToAuthorise, state: AuthState, version: RoomVersionFeatures): void {
  const create = state('m.room.create', '');
  if (create === undefined) throw forbidden('No such room');
  // 2, in version 12
  if (version.roomIdIsCreateHash && event.room_id?.slice(1) !== create.eventId.slice(1)) throw forbidden('The event is not of this room');
  // 3
  if (create.content['m.federate'] === false && serverNameIn(event.sender) !== serverNameIn(create.sender)) {
    throw forbidden('This room is not open to people of other servers');
  }
  const levels = parsePowerLevels(state('m.room.power_levels', '')?.content, create, version);
  const judged: Judged = { event, state, create, levels, version };
  // 4
  if (event.type === 'm.room.member') checkMember(judged);
  else checkOther(judged);
}

function checkOther(judged: Judged): void {
  const { event, state, levels } = judged;
  const isState = event.state_key !== undefined;
  // 5
  if (membershipIn(state, event.sender) !== 'join') throw forbidden('You are not in this room');
  // 6: nobody is allowed to, for nobody can answer for an address outside Matrix.
  if (event.type === 'm.room.third_party_invite') throw forbidden('This server has no third-party invites');
  // 7
  needLevel(levels, event.sender, levels.eventLevel(event.type, isState), isState ? `change ${event.type}` : `send ${event.type}`);
  // 8
  if (event.state_key?.startsWith('@') === true && event.state_key !== event.sender) throw forbidden('Only the person a state key names may change that state');
  // 9
  if (event.type === 'm.room.power_levels') checkPowerLevels(judged);
  // 10. Otherwise, allow.
}
