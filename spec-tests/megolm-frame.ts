/**
 * The bytes of a Megolm message: version, index of the ratchet, ciphertext, and the MAC and signature behind them.
 * https://gitlab.matrix.org/matrix-org/olm/-/blob/master/docs/megolm.md#message-format
 */
export function megolmFrame(index: number, ciphertext: Buffer, macAndSignature: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x03, 0x08]), varint(index), Buffer.from([0x12]), varint(ciphertext.length), ciphertext, macAndSignature]);
}

/** Base64 as Matrix writes it. https://spec.matrix.org/v1.19/appendices/#unpadded-base64 */
export function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

function varint(value: number): Buffer {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}
