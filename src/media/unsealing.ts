import sodium, { type StateAddress } from 'libsodium-wrappers';
import type { Bytes } from '../matrix/reply.js';
import type { SealedBlob } from './blob-store.js';
import { HEADER_BYTES, libsodium, PIECE_BYTES, release, TAG_BYTES } from './sealing.js';

const SEALED_BYTES = PIECE_BYTES + TAG_BYTES;
/** So many pieces are read, unsealed and sent in one go. */
const AT_ONCE = 2;
const MOST_IDLE = 8;

/** What one blob at a time is unsealed in. To be given fresh memory for each would cost a seventh of a download. */
interface Workspace {
  readonly sealed: Buffer;
  readonly plain: Buffer;
}

const idle: Workspace[] = [];

/**
 * A sealed blob as the plaintext it was; fails, rather than end, when a byte is not as it was sealed or the end is missing. It is read no
 * faster than the plaintext is taken, and takes the same memory whatever its size.
 */
export function unsealed(blob: SealedBlob, key: Uint8Array): Bytes {
  return { [Symbol.asyncIterator]: () => unseal(blob, key), close: () => blob.close() };
}

async function* unseal(blob: SealedBlob, key: Uint8Array): AsyncGenerator<Uint8Array> {
  const space = idle.pop() ?? newWorkspace();
  try {
    yield* unsealIn(space, blob, key);
    // Only after all of it was taken: of a reader who left, the last piece may still be on its way.
    if (idle.length < MOST_IDLE) idle.push(space);
  } finally {
    await blob.close();
  }
}

async function* unsealIn({ sealed, plain }: Workspace, blob: SealedBlob, key: Uint8Array): AsyncGenerator<Uint8Array> {
  const first = await blob.read(sealed);
  if (first < HEADER_BYTES) throw new Error('the sealed blob ends within its header');
  const pull = new Pull(sealed.subarray(0, HEADER_BYTES), key);
  const pieces = sealed.subarray(HEADER_BYTES);
  try {
    for (let length = first - HEADER_BYTES; ; length = await blob.read(pieces)) {
      const opened = pull.all(pieces.subarray(0, length), plain);
      if (opened.isEnd && length === pieces.length && (await blob.read(pieces)) > 0) throw bytesAfterEnd();
      yield plain.subarray(0, opened.bytes);
      if (opened.isEnd) return;
    }
  } finally {
    pull.release();
  }
}

function newWorkspace(): Workspace {
  return { sealed: Buffer.allocUnsafeSlow(HEADER_BYTES + AT_ONCE * SEALED_BYTES), plain: Buffer.allocUnsafeSlow(AT_ONCE * PIECE_BYTES) };
}

/** The reading side of one secretstream. */
class Pull {
  readonly #state: StateAddress;

  constructor(header: Uint8Array, key: Uint8Array) {
    this.#state = sodium.crypto_secretstream_xchacha20poly1305_init_pull(header, key);
  }

  /** Unseals the pieces that follow, the last of which alone may be shorter than the others. */
  all(sealed: Uint8Array, plain: Uint8Array): { readonly bytes: number; readonly isEnd: boolean } {
    const memory = libsodium()._malloc(1 + SEALED_BYTES + PIECE_BYTES);
    try {
      for (let at = 0, bytes = 0; ; ) {
        const piece = sealed.subarray(at, at + SEALED_BYTES);
        const isEnd = this.#one(piece, plain.subarray(bytes), memory);
        at += piece.length;
        bytes += piece.length - TAG_BYTES;
        if (isEnd && at < sealed.length) throw bytesAfterEnd();
        if (isEnd || at === sealed.length) return { bytes, isEnd };
      }
    } finally {
      libsodium()._free(memory);
    }
  }

  /** Whether the piece is the last. The wrapper's own function would allocate on both sides for every piece. */
  #one(piece: Uint8Array, plain: Uint8Array, memory: number): boolean {
    if (piece.length < TAG_BYTES) throw new Error('the sealed blob is truncated');
    const { HEAPU8, _crypto_secretstream_xchacha20poly1305_pull: pull } = libsodium();
    const [tagAt, sealedAt, plainAt] = [memory, memory + 1, memory + 1 + SEALED_BYTES];
    HEAPU8.set(piece, sealedAt);
    if (pull(this.#state, plainAt, 0, tagAt, sealedAt, piece.length, 0, 0, 0, 0) !== 0) throw new Error('the sealed blob is damaged');
    plain.set(HEAPU8.subarray(plainAt, plainAt + piece.length - TAG_BYTES));
    return HEAPU8[tagAt] === sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL;
  }

  release(): void {
    release(this.#state);
  }
}

function bytesAfterEnd(): Error {
  return new Error('the sealed blob has bytes after its end');
}
