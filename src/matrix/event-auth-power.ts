import { forbidden, type MatrixError } from './errors.js';
import type { Judged } from './event-auth.js';
import { userIdOrNone } from './event-auth-reading.js';
import { creatorsOf, parseLevel } from './power-levels.js';
import type { RoomVersionFeatures } from './room-versions.js';
import type { JsonObject, JsonValue } from './schema.js';

const SINGLE_LEVELS = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'] as const;

/** One entry before and after; `undefined` where it is absent. */
interface Alteration {
  readonly name: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/**
 * Rule 9 (10 in version 12, where 10.4 is added). The numbers are those of versions 10 and 11; versions 6 to 9 lack 9.1 and 9.2.
 * https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules
 */
export function checkPowerLevels({ event, state, create, levels, version }: Judged): void {
  const { content, sender } = event;
  checkShape(content, version);
  // 10.4
  if (version.privilegedCreators && creatorsOf(create, version).some((creator) => Object.hasOwn(asObject(content['users']), creator))) {
    throw forbidden('The creators of this room stand above every power level and cannot be given one');
  }
  // 9.4
  const current = state('m.room.power_levels', '')?.content;
  if (current === undefined) return;
  const own = levels.userLevel(sender);
  // 9.5
  for (const { name, before, after } of alterations(pick(current), pick(content), version)) {
    if (isAbove(before, own) || isAbove(after, own)) throw tooHigh(name);
  }
  // 9.6, 9.7
  for (const name of ['events', 'notifications']) {
    for (const entry of alterations(asObject(current[name]), asObject(content[name]), version)) {
      if (isAbove(entry.before, own) || isAbove(entry.after, own)) throw tooHigh(entry.name);
    }
  }
  for (const { name, before, after } of alterations(asObject(current['users']), asObject(content['users']), version)) {
    // 9.8
    if (name !== sender && before !== undefined && before >= own) throw forbidden('You can only change the power level of people whose power level is below yours');
    // 9.9
    if (isAbove(after, own)) throw forbidden('You cannot give anybody a power level above your own');
  }
  // 9.10. Otherwise, allow.
}

function checkShape(content: JsonObject, version: RoomVersionFeatures): void {
  const isLevel = (value: JsonValue | undefined): boolean => parseLevel(value, version) !== undefined;
  // 9.1. Up to version 9 the rule is unwritten, yet no server can compare what is not a number.
  for (const name of SINGLE_LEVELS) {
    if (content[name] !== undefined && !isLevel(content[name])) throw forbidden(`The power level ${name} must be an integer`);
  }
  // 9.2
  for (const name of ['events', 'notifications']) {
    if (content[name] !== undefined && !(isObject(content[name]) && Object.values(content[name]).every(isLevel))) {
      throw forbidden(`The power levels in ${name} must be integers`);
    }
  }
  // 9.3
  const users = content['users'] === undefined ? {} : content['users'];
  if (!isObject(users) || !Object.entries(users).every(([userId, level]) => userIdOrNone(userId) !== undefined && isLevel(level))) {
    throw forbidden('The power levels of users must be integers under user ids');
  }
}

function alterations(before: JsonObject, after: JsonObject, version: RoomVersionFeatures): readonly Alteration[] {
  const level = (from: JsonObject, name: string): number | undefined => (Object.hasOwn(from, name) ? parseLevel(from[name], version) : undefined);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((name) => ({ name, before: level(before, name), after: level(after, name) }))
    .filter((entry) => entry.before !== entry.after);
}

function pick(content: JsonObject): JsonObject {
  return Object.fromEntries(SINGLE_LEVELS.map((name) => [name, content[name]]));
}

function isAbove(level: number | undefined, own: number): boolean {
  return level !== undefined && level > own;
}

function tooHigh(name: string): MatrixError {
  return forbidden(`You cannot change the power level of ${name} from or to one above your own`);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
