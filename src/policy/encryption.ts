import type { JsonObject } from '../matrix/schema.js';
import { nothing, violation, type Violation } from './violation.js';

const MEGOLM = 'm.megolm.v1.aes-sha2';
const MAX_MESSAGES = 100;
const MAX_MS = 604_800_000;

/**
 * B1-B3: what may stand in `m.room.encryption`: Megolm, keys that turn over at least every 100 messages and every week, and
 * never slower than before.
 */
export function encryptionViolations(content: JsonObject, previous?: JsonObject): readonly Violation[] {
  if (content['algorithm'] !== MEGOLM) return violation('B1', `Rooms on this server are encrypted with ${MEGOLM}`);
  const after = rotation(content);
  if (after === undefined) return violation('B3', 'Rotation periods are positive integers', 'M_BAD_JSON');
  if (after.messages > MAX_MESSAGES || after.ms > MAX_MS) {
    return violation('B3', `Room keys are replaced at least every ${MAX_MESSAGES} messages and every ${MAX_MS} ms`);
  }
  const before = previous === undefined ? undefined : rotation(previous);
  if (before !== undefined && (after.messages > before.messages || after.ms > before.ms)) {
    return violation('B2', 'Room keys may be replaced more often than before, not less often');
  }
  return nothing;
}

/** What the founder writes when the client names no encryption of its own. */
export const defaultEncryption: JsonObject = { algorithm: MEGOLM, rotation_period_ms: MAX_MS, rotation_period_msgs: MAX_MESSAGES };

function rotation(content: JsonObject): { messages: number; ms: number } | undefined {
  const messages = content['rotation_period_msgs'] ?? MAX_MESSAGES;
  const ms = content['rotation_period_ms'] ?? MAX_MS;
  return isCount(messages) && isCount(ms) ? { messages, ms } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}
