import type { HistoryVisibility, JoinRule } from '../matrix/event-auth.js';
import type { JsonObject } from '../matrix/schema.js';
import { encryptionViolations } from './encryption.js';
import { isObject, reasonViolations } from './message.js';
import { nothing, violation, type Violation } from './violation.js';

const JOIN_RULES: readonly JoinRule[] = ['invite', 'knock', 'restricted', 'knock_restricted'];
const HISTORY_VISIBILITIES: readonly HistoryVisibility[] = ['joined', 'invited', 'shared'];
const MAX_NAME_BYTES = 255;
const MAX_TOPIC_BYTES = 1024;
const MAX_STATE_BYTES = 16 * 1024;
/** Only the event's own limit holds for these: large rooms need them large. */
const UP_TO_THE_EVENT_LIMIT: readonly string[] = ['m.room.power_levels', 'm.room.server_acl'];

/** Only a timeline holds these, and plaintext none: as state they would be plaintext under another name. */
const NEVER_STATE: readonly string[] = ['m.room.encrypted', 'm.room.redaction', 'm.reaction', 'm.room.message', 'm.sticker'];
const SEALED: readonly string[] = ['m.room.join_rules', 'm.room.history_visibility', 'm.room.guest_access', 'm.room.encryption'];
/** What the schema reads of those. */
const READ_BY_SCHEMA: readonly string[] = [
  'content', 'join_rule', 'history_visibility', 'guest_access', 'algorithm', 'rotation_period_ms', 'rotation_period_msgs',
];

/** What the rules need to know of the shard to judge a state event. */
export interface StateFacts {
  /** A3: rooms of this shard, among those a restricted rule names. */
  readonly knownRooms: ReadonlySet<string>;
  /** B2: the encryption that is in force. */
  readonly encryption?: JsonObject;
}

/** A2-A5, A13, B1-B3, B8: every rule that a state event would break. */
export function stateViolations(type: string, content: JsonObject, facts: StateFacts): readonly Violation[] {
  if (NEVER_STATE.includes(type)) return violation('B4', 'Messages are no state: they are sent, and encrypted');
  if (SEALED.includes(type)) return [...sealedViolations(type, content, facts), ...spellingViolations(content), ...sizeViolations(type, content)];
  switch (type) {
    case 'm.room.third_party_invite':
      return violation('A13', 'This server sends no invitations to e-mail addresses or telephone numbers', 'M_THREEPID_DENIED');
    case 'm.room.member':
      return memberViolations(content);
    case 'm.room.name':
      return [...textViolations('name', content['name'], MAX_NAME_BYTES), ...sizeViolations(type, content)];
    case 'm.room.topic':
      return [...textViolations('topic', content['topic'], MAX_TOPIC_BYTES), ...richTopicViolations(content), ...sizeViolations(type, content)];
    default:
      return sizeViolations(type, content);
  }
}

function sealedViolations(type: string, content: JsonObject, facts: StateFacts): readonly Violation[] {
  switch (type) {
    case 'm.room.join_rules':
      return joinRuleViolations(content, facts.knownRooms);
    case 'm.room.history_visibility':
      return isOneOf(HISTORY_VISIBILITIES, content['history_visibility'])
        ? nothing
        : violation('A4', 'The history of a room on this server is for its members: shared, invited or joined');
    case 'm.room.guest_access':
      return content['guest_access'] === 'forbidden' ? nothing : violation('A5', 'This server has no guests', 'M_GUEST_ACCESS_FORBIDDEN');
    default:
      return encryptionViolations(content, facts.encryption);
  }
}

/** The schema compares these as text, lest engines and clients read them differently: nothing it reads may stand there twice or escaped. */
function spellingViolations(content: JsonObject): readonly Violation[] {
  const text = JSON.stringify({ content });
  const isPlain = !text.includes('\\u') && READ_BY_SCHEMA.every((name) => text.split(`"${name}"`).length <= 2);
  return isPlain ? nothing : violation('A2', 'This state must say each thing once and without escapes', 'M_BAD_JSON');
}

/** The rooms a restricted rule lets in, as far as they are well formed; the caller finds out which of them this shard knows. */
export function allowedRoomIds(content: JsonObject): readonly string[] {
  const allow = content['allow'];
  if (!Array.isArray(allow)) return [];
  return allow.flatMap((condition) => (isObject(condition) && typeof condition['room_id'] === 'string' ? [condition['room_id']] : []));
}

function joinRuleViolations(content: JsonObject, knownRooms: ReadonlySet<string>): readonly Violation[] {
  const { join_rule: rule, allow } = content;
  if (!isOneOf(JOIN_RULES, rule)) return violation('A2', 'This server has no public rooms');
  if (allow === undefined) return nothing;
  if (!Array.isArray(allow)) return violation('A3', 'allow must be a list', 'M_BAD_JSON');
  const wrong = allow.some((condition) => !isObject(condition) || condition['type'] !== 'm.room_membership' || typeof condition['room_id'] !== 'string');
  if (wrong) return violation('A3', 'A restricted room lets in the members of rooms, and nobody else');
  return allowedRoomIds(content).every((roomId) => knownRooms.has(roomId)) ? nothing : violation('A3', 'A restricted room may name only rooms of this server');
}

function isOneOf(allowed: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && allowed.includes(value);
}

function memberViolations(content: JsonObject): readonly Violation[] {
  if (content['third_party_invite'] !== undefined) {
    return violation('A13', 'This server sends no invitations to e-mail addresses or telephone numbers', 'M_THREEPID_DENIED');
  }
  return [...reasonViolations(content['reason']), ...textViolations('displayname', content['displayname'], MAX_TOPIC_BYTES), ...sizeViolations('m.room.member', content)];
}

function textViolations(member: string, value: unknown, maxBytes: number): readonly Violation[] {
  if (typeof value !== 'string' || Buffer.byteLength(value) <= maxBytes) return nothing;
  return violation('B8', `${member} has at most ${maxBytes} bytes`, 'M_INVALID_PARAM');
}

/** The rich form repeats the topic, so it is held to the same size in all. https://spec.matrix.org/v1.19/client-server-api/#mroomtopic */
function richTopicViolations(content: JsonObject): readonly Violation[] {
  const rich = content['m.topic'];
  if (rich === undefined || Buffer.byteLength(JSON.stringify(rich)) <= 4 * MAX_TOPIC_BYTES) return nothing;
  return violation('B8', `m.topic has at most ${4 * MAX_TOPIC_BYTES} bytes`, 'M_INVALID_PARAM');
}

function sizeViolations(type: string, content: JsonObject): readonly Violation[] {
  if (UP_TO_THE_EVENT_LIMIT.includes(type) || Buffer.byteLength(JSON.stringify(content)) <= MAX_STATE_BYTES) return nothing;
  return violation('B8', `The content of a state event has at most ${MAX_STATE_BYTES} bytes`, 'M_TOO_LARGE');
}
