import type { JsonObject } from '../matrix/schema.js';
import { nothing, refuse, violation, type Violation } from './violation.js';

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

/** The encryption of a room; there is no other. */
export type Encryption = JsonObject & { readonly algorithm: typeof MEGOLM };

/** What a client asks for as the encryption of a new room. */
export function parseEncryption(content: JsonObject): Encryption {
  refuse(encryptionViolations(content));
  return content as Encryption;
}

/** What the founder writes when the client names no encryption of its own. */
export const defaultEncryption: Encryption = { algorithm: MEGOLM, rotation_period_ms: MAX_MS, rotation_period_msgs: MAX_MESSAGES };

function rotation(content: JsonObject): { messages: number; ms: number } | undefined {
  const { rotation_period_msgs: messages = MAX_MESSAGES, rotation_period_ms: ms = MAX_MS } = content;
  return isCount(messages) && isCount(ms) ? { messages, ms } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}
