import type { RoomVersionFeatures } from './room-versions.js';
import type { JsonObject, JsonValue } from './schema.js';

/** Who may do what in a room. https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels */
export interface PowerLevels {
  /** Infinity for the creators of a version 12 room. */
  userLevel(userId: string): number;
  eventLevel(type: string, isState: boolean): number;
  /** What `@room` and its like need of their sender. */
  notificationLevel(key: string): number;
  readonly invite: number;
  readonly kick: number;
  readonly ban: number;
  readonly redact: number;
}

export interface CreateEvent {
  readonly sender: string;
  readonly content: JsonObject;
}

const STRINGY = /^\s*[+-]?[0-9]+\s*$/;

/** Reads the levels of a room; without a power levels event (`undefined`) its creators have 100 and everybody else 0. */
export function parsePowerLevels(content: JsonObject | undefined, create: CreateEvent, version: RoomVersionFeatures): PowerLevels {
  const levels = content ?? {};
  const creators = version.privilegedCreators ? creatorsOf(create, version) : [];
  const users = content === undefined && !version.privilegedCreators ? levelsOfCreators(create, version) : member(levels, 'users');
  const [events, notifications] = [member(levels, 'events'), member(levels, 'notifications')];
  const level = (from: JsonObject, name: string): number | undefined => (Object.hasOwn(from, name) ? parseLevel(from[name], version) : undefined);
  return {
    userLevel: (userId) => (creators.includes(userId) ? Infinity : (level(users, userId) ?? level(levels, 'users_default') ?? 0)),
    eventLevel: (type, isState) =>
      level(events, type) ?? (isState ? (level(levels, 'state_default') ?? 50) : (level(levels, 'events_default') ?? 0)),
    notificationLevel: (key) => level(notifications, key) ?? 50,
    invite: level(levels, 'invite') ?? 0,
    kick: level(levels, 'kick') ?? 50,
    ban: level(levels, 'ban') ?? 50,
    redact: level(levels, 'redact') ?? 50,
  };
}

/** One level as the version allows it to be written; `undefined` if it is none. https://spec.matrix.org/v1.19/rooms/v9/#mroompower_levels-events-accept-values-as-strings */
export function parseLevel(value: JsonValue | undefined, version: RoomVersionFeatures): number | undefined {
  if (Number.isSafeInteger(value)) return value as number;
  if (version.integerPowerLevelsOnly || typeof value !== 'string' || !STRINGY.test(value)) return undefined;
  const level = Number(value);
  return Number.isSafeInteger(level) ? level : undefined;
}

/** Who founded the room: one person, or from version 12 on several. https://spec.matrix.org/v1.19/rooms/v12/#event-format */
export function creatorsOf(create: CreateEvent, version: RoomVersionFeatures): readonly string[] {
  if (!version.creatorIsSender) return typeof create.content['creator'] === 'string' ? [create.content['creator']] : [];
  const additional = version.privilegedCreators ? create.content['additional_creators'] : undefined;
  return Array.isArray(additional) ? [create.sender, ...(additional as readonly string[])] : [create.sender];
}

function levelsOfCreators(create: CreateEvent, version: RoomVersionFeatures): JsonObject {
  return Object.fromEntries(creatorsOf(create, version).map((userId) => [userId, 100]));
}

function member(levels: JsonObject, name: string): JsonObject {
  const value = levels[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
