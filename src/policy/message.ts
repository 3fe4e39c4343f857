import type { JsonObject, JsonValue } from '../matrix/schema.js';
import { nothing, violation, type Violation } from './violation.js';

const RELATION_TYPES: readonly unknown[] = ['m.thread', 'm.replace', 'm.reference', 'm.annotation'];
const CURVE25519_KEY = /^[A-Za-z0-9+/]{43}$/;
const DEVICE_ID = /^[A-Za-z0-9._~+/=-]{1,64}$/;
const UNPADDED_BASE64 = /^[A-Za-z0-9+/]*$/;
// Of every room version: base64 of either alphabet, and before version 3 a name and a server. Anything more would be room for words.
const EVENT_ID = /^\$[A-Za-z0-9._~:/+=-]{1,254}$/;
const MAX_REACTION_BYTES = 64;
const MAC_AND_SIGNATURE = 8 + 64;

/** B4-B7: what a client may add to a timeline: Megolm ciphertext, redactions, reactions, each in its closed shape. */
export function messageViolations(type: string, content: JsonObject): readonly Violation[] {
  switch (type) {
    case 'm.room.encrypted':
      return encryptedViolations(content);
    case 'm.reaction':
      return reactionViolations(content);
    case 'm.room.redaction':
      return redactionViolations(content);
    default:
      return violation('B4', 'Only encrypted messages, redactions and reactions can be sent here: every room is encrypted');
  }
}

function encryptedViolations(content: JsonObject): readonly Violation[] {
  const { algorithm, ciphertext, session_id, sender_key, device_id, 'm.relates_to': relation, ...rest } = content;
  const extra = Object.keys(rest)[0];
  if (extra !== undefined) return malformed('B5', 'Nothing may stand in clear beside the ciphertext');
  if (algorithm !== 'm.megolm.v1.aes-sha2') return malformed('B5', 'algorithm must be m.megolm.v1.aes-sha2');
  if (typeof ciphertext !== 'string' || !isMegolm(ciphertext)) return malformed('B5', 'ciphertext is not a Megolm message');
  if (typeof session_id !== 'string' || !CURVE25519_KEY.test(session_id)) return malformed('B5', 'session_id must be 32 bytes of unpadded base64');
  if (sender_key !== undefined && !(typeof sender_key === 'string' && CURVE25519_KEY.test(sender_key))) {
    return malformed('B5', 'sender_key must be 32 bytes of unpadded base64');
  }
  if (device_id !== undefined && !(typeof device_id === 'string' && DEVICE_ID.test(device_id))) return malformed('B5', 'device_id is malformed');
  return relation === undefined ? nothing : relationViolations(relation);
}

/**
 * The framing of a Megolm message: version 3, the message index (0x08 and a varint), the ciphertext (0x12, its length and that many
 * bytes), then MAC and signature. https://spec.matrix.org/v1.19/olm-megolm/megolm/#message-format
 */
export function isMegolm(base64: string): boolean {
  if (!UNPADDED_BASE64.test(base64) || base64.length % 4 === 1) return false;
  // The head is enough: version, two tags and two varints of at most 5 bytes each.
  const head = Buffer.from(base64.slice(0, 20), 'base64');
  const length = Math.floor((base64.length * 3) / 4);
  if (head[0] !== 3 || head[1] !== 0x08) return false;
  const index = varint(head, 2);
  if (index === undefined || head[index.end] !== 0x12) return false;
  const size = varint(head, index.end + 1);
  return size !== undefined && size.value > 0 && size.end + size.value + MAC_AND_SIGNATURE === length;
}

function varint(bytes: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 5; i += 1) {
    const byte = bytes[start + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  return undefined;
}

/** B6: ids and flags, and no free text but the key of an annotation. */
function relationViolations(relation: JsonValue): readonly Violation[] {
  if (!isObject(relation)) return malformed('B6', 'm.relates_to must be an object');
  const { rel_type, event_id, is_falling_back, 'm.in_reply_to': reply, key, ...rest } = relation;
  if (Object.keys(rest).length > 0) return malformed('B6', 'm.relates_to may hold only ids');
  if (rel_type !== undefined && !RELATION_TYPES.includes(rel_type)) return malformed('B6', 'Unknown rel_type');
  if ((rel_type === undefined) !== (event_id === undefined)) return malformed('B6', 'rel_type and event_id belong together');
  if (event_id !== undefined && !isEventId(event_id)) return malformed('B6', 'event_id of m.relates_to is malformed');
  if (is_falling_back !== undefined && typeof is_falling_back !== 'boolean') return malformed('B6', 'is_falling_back must be a boolean');
  if (key !== undefined && (rel_type !== 'm.annotation' || !isReactionKey(key))) return malformed('B6', 'key belongs to an annotation and has at most 64 bytes');
  if (reply !== undefined && !(isObject(reply) && Object.keys(reply).length === 1 && isEventId(reply['event_id']))) {
    return malformed('B6', 'm.in_reply_to must hold an event_id and nothing else');
  }
  return nothing;
}

/** B7: exactly one annotation. */
function reactionViolations(content: JsonObject): readonly Violation[] {
  const { 'm.relates_to': relation, ...rest } = content;
  if (Object.keys(rest).length > 0 || !isObject(relation)) return malformed('B7', 'A reaction is one m.relates_to and nothing else');
  const { rel_type, event_id, key, ...more } = relation;
  if (Object.keys(more).length > 0 || rel_type !== 'm.annotation' || !isEventId(event_id)) return malformed('B7', 'A reaction annotates one event');
  return isReactionKey(key) ? nothing : malformed('B7', `The key of a reaction has between 1 and ${MAX_REACTION_BYTES} bytes`);
}

function redactionViolations(content: JsonObject): readonly Violation[] {
  const { reason, redacts, ...rest } = content;
  if (Object.keys(rest).length > 0) return malformed('B4', 'A redaction holds redacts and reason and nothing else');
  if (redacts !== undefined && !isEventId(redacts)) return malformed('B4', 'redacts must be an event id');
  return reasonViolations(reason);
}

/** B8: the reason of a redaction or of a membership. */
export function reasonViolations(reason: JsonValue | undefined): readonly Violation[] {
  if (reason === undefined) return nothing;
  if (typeof reason !== 'string') return malformed('B8', 'reason must be text');
  return Buffer.byteLength(reason) <= 512 ? nothing : violation('B8', 'A reason has at most 512 bytes', 'M_INVALID_PARAM');
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEventId(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && EVENT_ID.test(value);
}

function isReactionKey(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('\0') && Buffer.byteLength(value) <= MAX_REACTION_BYTES;
}

function malformed(rule: string, message: string): readonly Violation[] {
  return violation(rule, message, 'M_BAD_JSON');
}
