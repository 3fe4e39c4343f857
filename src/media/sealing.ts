import { Transform } from 'node:stream';
import sodium, { type StateAddress } from 'libsodium-wrappers';

/**
 * At rest a blob is a secretstream (XChaCha20-Poly1305): a header, then pieces of 64 KiB, the last one (which may be shorter, or empty)
 * tagged as final. A piece changed, moved, missing, or added after the final one does not unseal.
 * https://doc.libsodium.org/secret-key_cryptography/secretstream
 *
 * Whoever has a MediaKey, hence a blob's key, knows that libsodium is ready.
 */
export const PIECE_BYTES = 65_536;
export const TAG_BYTES = 17;
export const HEADER_BYTES = 24;

/** Turns plaintext into a sealed blob, one piece at a time and obeying back-pressure. A key must not be used twice. */
export function sealing(key: Uint8Array): Transform {
  const { state, header } = sodium.crypto_secretstream_xchacha20poly1305_init_push(key);
  const push = (piece: Buffer, tag: number): Uint8Array => sodium.crypto_secretstream_xchacha20poly1305_push(state, piece, null, tag);
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  let filled = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.length; ) {
        // A full piece goes when more follows, for the last must be known as the last.
        if (filled === PIECE_BYTES) {
          this.push(push(piece, sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE));
          filled = 0;
        }
        const copied = chunk.copy(piece, filled, at);
        filled += copied;
        at += copied;
      }
      done();
    },
    flush(done) {
      this.push(push(piece.subarray(0, filled), sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL));
      done();
    },
    destroy(error, done) {
      release(state);
      done(error);
    },
  });
  stream.push(header);
  return stream;
}

/** What libsodium-wrappers wraps: functions on addresses within the memory of libsodium, which moves when it grows. */
export interface Libsodium {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
  /** 0: it unsealed. Lengths are given as their lower and their upper half. */
  _crypto_secretstream_xchacha20poly1305_pull(
    state: StateAddress, plain: number, plainLengthAt: number, tagAt: number,
    sealed: number, sealedLow: number, sealedHigh: number, added: number, addedLow: number, addedHigh: number,
  ): number;
}

export function libsodium(): Libsodium {
  return (sodium as unknown as { libsodium: Libsodium }).libsodium;
}

/** libsodium-wrappers allocates a state for every stream and never frees one, which would leak with every file. */
export function release(state: StateAddress): void {
  const address = state as unknown as number;
  const stateBytes = 52;
  libsodium().HEAPU8.fill(0, address, address + stateBytes);
  libsodium()._free(address);
}
