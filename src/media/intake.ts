import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import type { Random } from '../matrix/clock.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import type { BlobStore } from './blob-store.js';
import { HEAD_BYTES, mayBeCiphertext } from './ciphertext.js';
import { newBlobKey, wrapKey, type MediaKey } from './media-key.js';
import { encodeAnew } from './pictures.js';
import { quotaReached } from './quota.js';
import { sealing } from './sealing.js';
import type { Content } from './store.js';

export interface IntakeDeps {
  readonly blobs: BlobStore;
  readonly mediaKey: MediaKey;
  readonly random: Random;
  readonly maxUploadSize: number;
}

export interface Incoming {
  readonly stream: Readable;
  readonly contentType: string | undefined;
  readonly contentLength: number | undefined;
  /** What its sender may still upload. */
  readonly roomLeft: number;
}

const MOST_AVATAR_BYTES = 1_048_576;

/**
 * Takes in what is uploaded and seals it: ciphertext as it comes, a picture encoded anew (RULES C, 8 and 9). Refused or broken off, it
 * leaves nothing. The row comes after: a crash may leave a blob without a row, which the sweep finds, never a row without its blob.
 */
export async function takeIn(deps: IntakeDeps, blobName: string, incoming: Incoming): Promise<Content> {
  const essence = incoming.contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  const isPicture = essence.startsWith('image/');
  if (!isPicture && essence !== '' && essence !== 'application/octet-stream') throw onlyCiphertext();
  const limit = isPicture ? Math.min(MOST_AVATAR_BYTES, deps.maxUploadSize) : deps.maxUploadSize;
  if ((incoming.contentLength ?? 0) > limit) throw tooLarge(limit);
  if ((incoming.contentLength ?? 0) > incoming.roomLeft) throw quotaReached();
  const intake = new Intake({ limit, roomLeft: incoming.roomLeft });
  return isPicture ? takePicture(deps, blobName, intake.measure(incoming.stream)) : takeCiphertext(deps, blobName, intake, incoming.stream);
}

async function takeCiphertext(deps: IntakeDeps, blobName: string, intake: Intake, stream: Readable): Promise<Content> {
  const wrapped_key = await seal(deps, blobName, intake.judge(stream));
  return { class: 'attachment', ...intake.tally(), blob_name: blobName, wrapped_key, content_type: null };
}

async function takePicture(deps: IntakeDeps, blobName: string, chunks: AsyncIterable<Buffer>): Promise<Content> {
  const received: Buffer[] = [];
  for await (const chunk of chunks) received.push(chunk);
  const { bytes, contentType } = await encodeAnew(Buffer.concat(received));
  const wrapped_key = await seal(deps, blobName, Readable.from([bytes], { objectMode: false }));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { class: 'avatar', size: bytes.length, sha256, blob_name: blobName, wrapped_key, content_type: contentType };
}

/** Seals bytes under a new key, into a blob of that name; resolves to the key, wrapped. */
export async function seal(deps: Omit<IntakeDeps, 'maxUploadSize'>, blobName: string, content: AsyncIterable<Buffer>): Promise<string> {
  const key = newBlobKey(deps.random);
  try {
    // Whatever fails on the way fails the put, which then cleans up before it rejects: nothing else need be waited for.
    await deps.blobs.put(blobName, pipeline(content, sealing(key), () => undefined));
  } catch (cause) {
    if (isFull(cause)) throw new MatrixError('M_UNKNOWN', 'The disk of this server is full: nothing was stored; tell its administrator', { cause });
    throw cause;
  }
  return wrapKey(deps.mediaKey, { blobName, key }, deps.random);
}

/** What passes by on the way in: its size, its hash, and its beginning until that was judged. */
class Intake {
  readonly #hash = createHash('sha256');
  readonly #head = Buffer.allocUnsafe(HEAD_BYTES);
  #size = 0;

  constructor(readonly most: { readonly limit: number; readonly roomLeft: number }) {}

  /** Passes the stream on, and throws when it is too large. */
  async *measure(stream: Readable): AsyncGenerator<Buffer> {
    // The request must outlive a refusal, which is answered on the same connection.
    const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) {
      this.#size += chunk.length;
      if (this.#size > this.most.limit) throw tooLarge(this.most.limit);
      if (this.#size > this.most.roomLeft) throw quotaReached();
      yield chunk;
    }
  }

  /** The same, and throws when it is no ciphertext. */
  async *judge(stream: Readable): AsyncGenerator<Buffer> {
    for await (const chunk of this.measure(stream)) {
      this.#take(chunk);
      yield chunk;
    }
    if (this.#size < HEAD_BYTES) this.#judgeHead();
  }

  tally(): { size: number; sha256: string } {
    return { size: this.#size, sha256: this.#hash.digest('hex') };
  }

  #take(chunk: Buffer): void {
    const before = this.#size - chunk.length;
    this.#hash.update(chunk);
    if (before >= HEAD_BYTES) return;
    chunk.copy(this.#head, before);
    if (this.#size >= HEAD_BYTES) this.#judgeHead();
  }

  #judgeHead(): void {
    if (!mayBeCiphertext(this.#head.subarray(0, Math.min(this.#size, HEAD_BYTES)))) throw onlyCiphertext();
  }
}

function isFull(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(cause.code));
}

function onlyCiphertext(): MatrixError {
  return forbidden('Only encrypted attachments are accepted');
}

function tooLarge(limit: number): MatrixError {
  return new MatrixError('M_TOO_LARGE', `Files may have at most ${limit} bytes`);
}
