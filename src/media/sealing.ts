import { Transform } from 'node:stream';
import sodium, { type StateAddress } from 'libsodium-wrappers';

/**
 * At rest a blob is a secretstream (XChaCha20-Poly1305): a header, then pieces of 64 KiB, the last one (which may be shorter, or empty)
 * tagged as final. A piece changed, moved, missing, or added after the final one does not unseal.
 * https://doc.libsodium.org/secret-key_cryptography/secretstream
 *
 * Both directions hold one piece at a time and obey back-pressure. Whoever has a MediaKey, hence a blob's key, knows that libsodium is ready.
 */
const PIECE_BYTES = 65_536;
const TAG_BYTES = 17;
const HEADER_BYTES = 24;

/** Turns plaintext into a sealed blob. A key must not be used twice. */
export function sealing(key: Uint8Array): Transform {
  const { state, header } = sodium.crypto_secretstream_xchacha20poly1305_init_push(key);
  const stream = inPieces({
    firstBytes: PIECE_BYTES,
    bytes: PIECE_BYTES,
    each: (piece, isLast) => sodium.crypto_secretstream_xchacha20poly1305_push(state, piece, null, tagOf(isLast)),
    end: () => { release(state); },
  });
  stream.push(header);
  return stream;
}

/** Turns a sealed blob back into plaintext; fails, rather than end, when a byte is not as it was sealed or the end is missing. */
export function unsealing(key: Uint8Array): Transform {
  let state: StateAddress | undefined;
  return inPieces({
    firstBytes: HEADER_BYTES + PIECE_BYTES + TAG_BYTES,
    bytes: PIECE_BYTES + TAG_BYTES,
    each: (piece, isLast) => {
      if (state !== undefined) return unsealPiece(state, piece, isLast);
      if (piece.length < HEADER_BYTES) throw new Error('the sealed blob ends within its header');
      state = sodium.crypto_secretstream_xchacha20poly1305_init_pull(piece.subarray(0, HEADER_BYTES), key);
      return unsealPiece(state, piece.subarray(HEADER_BYTES), isLast);
    },
    end: () => {
      if (state !== undefined) release(state);
    },
  });
}

function unsealPiece(state: StateAddress, piece: Buffer, isLast: boolean): Uint8Array {
  if (piece.length < TAG_BYTES) throw new Error('the sealed blob is truncated');
  const opened = sodium.crypto_secretstream_xchacha20poly1305_pull(state, piece, null);
  if (opened === false) throw new Error('the sealed blob is damaged');
  if (opened.tag !== tagOf(isLast)) throw new Error('the sealed blob is truncated or has bytes after its end');
  return opened.message;
}

function tagOf(isLast: boolean): number {
  return isLast ? sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL : sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
}

interface Pieces {
  readonly firstBytes: number;
  readonly bytes: number;
  readonly each: (piece: Buffer, isLast: boolean) => Uint8Array;
  readonly end: () => void;
}

/** Gathers what flows through into pieces of the given size and lets one go when more follows, for the last must be known as the last. */
function inPieces({ firstBytes, bytes, each, end }: Pieces): Transform {
  const piece = Buffer.allocUnsafe(Math.max(firstBytes, bytes));
  let size = firstBytes;
  let filled = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      attempt(done, () => {
        for (let at = 0; at < chunk.length; ) {
          if (filled === size) {
            this.push(each(piece.subarray(0, filled), false));
            size = bytes;
            filled = 0;
          }
          const copied = chunk.copy(piece, filled, at, at + size - filled);
          filled += copied;
          at += copied;
        }
      });
    },
    flush(done) {
      attempt(done, () => { this.push(each(piece.subarray(0, filled), true)); });
    },
    destroy(error, done) {
      end();
      done(error);
    },
  });
}

function attempt(done: (error?: Error) => void, work: () => void): void {
  try {
    work();
  } catch (cause) {
    done(cause instanceof Error ? cause : new Error('unsealing failed', { cause }));
    return;
  }
  done();
}

// libsodium-wrappers allocates a state for every stream and never frees one, which would leak with every download.
function release(state: StateAddress): void {
  const { libsodium } = sodium as unknown as { libsodium: { HEAPU8: Uint8Array; _free(address: number): void } };
  const address = state as unknown as number;
  const stateBytes = 52;
  libsodium.HEAPU8.fill(0, address, address + stateBytes);
  libsodium._free(address);
}
