import type { RoomVersionFeatures } from './room-versions.js';
import type { JsonObject, JsonValue } from './schema.js';

const PROTECTED = ['event_id', 'type', 'room_id', 'sender', 'state_key', 'hashes', 'signatures', 'depth', 'prev_events', 'auth_events', 'origin_server_ts'];
const PROTECTED_BEFORE_11 = [...PROTECTED, 'prev_state', 'origin', 'membership'];
const POWER_LEVELS = ['ban', 'events', 'events_default', 'kick', 'redact', 'state_default', 'users', 'users_default'];

/**
 * The event without all that a redaction takes away: what is hashed for its id, what is signed, and what is left after a redaction.
 * https://spec.matrix.org/v1.19/rooms/v11/#redactions
 */
export function redact<Event extends JsonObject>(event: Event, version: RoomVersionFeatures): Event {
  const kept: Record<string, JsonValue> = {};
  for (const name of version.revisedRedaction ? PROTECTED : PROTECTED_BEFORE_11) copy(event, name, kept);
  const type = typeof event['type'] === 'string' ? event['type'] : '';
  if (event['content'] !== undefined) kept['content'] = redactContent(type, asObject(event['content']), version);
  // Every member that the format of an event requires is protected.
  return kept as Event;
}

/** The content a redaction leaves to an event of this type. */
export function redactContent(type: string, content: JsonObject, version: RoomVersionFeatures): JsonObject {
  if (type === 'm.room.create' && version.revisedRedaction) return content;
  const kept: Record<string, JsonValue> = {};
  for (const name of keptContent(type, version)) copy(content, name, kept);
  if (type === 'm.room.member' && version.revisedRedaction) copyThirdPartyInvite(content, kept);
  return kept;
}

function keptContent(type: string, version: RoomVersionFeatures): readonly string[] {
  switch (type) {
    case 'm.room.member':
      return version.redactionKeepsAuthorisingUser ? ['membership', 'join_authorised_via_users_server'] : ['membership'];
    case 'm.room.create':
      return ['creator'];
    case 'm.room.join_rules':
      return version.restricted ? ['join_rule', 'allow'] : ['join_rule'];
    case 'm.room.power_levels':
      return version.revisedRedaction ? [...POWER_LEVELS, 'invite'] : POWER_LEVELS;
    case 'm.room.history_visibility':
      return ['history_visibility'];
    case 'm.room.redaction':
      return version.revisedRedaction ? ['redacts'] : [];
    default:
      return [];
  }
}

/** Keeps `third_party_invite` with nothing but `signed`: an empty object stays one, as on the servers that hashed it. */
function copyThirdPartyInvite(content: JsonObject, kept: Record<string, JsonValue>): void {
  const invite = content['third_party_invite'];
  if (typeof invite !== 'object' || invite === null || Array.isArray(invite)) return;
  const signed: Record<string, JsonValue> = {};
  copy(asObject(invite), 'signed', signed);
  kept['third_party_invite'] = signed;
}

function copy(from: JsonObject, name: string, to: Record<string, JsonValue>): void {
  const value = Object.hasOwn(from, name) ? from[name] : undefined;
  if (value !== undefined) to[name] = value;
}

function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
