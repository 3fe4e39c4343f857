import { createHash, randomBytes } from 'node:crypto';

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
 * `length` is that of the ciphertext inside. https://gitlab.matrix.org/matrix-org/olm/-/blob/master/docs/megolm.md#message-format
 */
export function sealed({ length = 320, index = 0, deviceId = 'SEALED', session = 'one' } = {}): SealedContent {
  const cipher = randomBytes(length - (length % 16));
  const framed = Buffer.concat([
    Buffer.from([0x03, 0x08]), varint(index),
    Buffer.from([0x12]), varint(cipher.length), cipher,
    randomBytes(8), // MAC
    randomBytes(64), // signature
  ]);
  return {
    algorithm: 'm.megolm.v1.aes-sha2',
    ciphertext: unpadded(framed),
    session_id: unpadded(createHash('sha256').update(`session ${session}`).digest()),
    sender_key: unpadded(createHash('sha256').update(`sender ${deviceId}`).digest()),
    device_id: deviceId,
  };
}

function varint(value: number): Buffer {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
