import { createHash, randomBytes } from 'node:crypto';
import { megolmFrame, unpadded } from './megolm-frame.js';

export interface SealedContent {
  readonly algorithm: 'm.megolm.v1.aes-sha2';
  readonly ciphertext: string;
  readonly session_id: string;
  readonly sender_key: string;
  readonly device_id: string;
  readonly [further: string]: unknown;
}

/** The least that a message to a device has when Olm sealed it; what it carries here stands beside it, for tests to find. */
export const OLM = { algorithm: 'm.olm.v1.curve25519-aes-sha2', ciphertext: {} } as const;

/**
 * The content of an `m.room.encrypted` event that nobody can tell from a real one: Megolm framing around random bytes.
 * `length` is that of the ciphertext inside.
 */
export function sealed({ length = 320, index = 0, deviceId = 'SEALED', session = 'one' } = {}): SealedContent {
  const cipher = randomBytes(length - (length % 16));
  return {
    algorithm: 'm.megolm.v1.aes-sha2',
    ciphertext: unpadded(megolmFrame(index, cipher, randomBytes(8 + 64))),
    session_id: unpadded(createHash('sha256').update(`session ${session}`).digest()),
    sender_key: unpadded(createHash('sha256').update(`sender ${deviceId}`).digest()),
    device_id: deviceId,
  };
}
