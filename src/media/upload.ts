import { createHash } from 'node:crypto';
import { pipeline, type Readable } from 'node:stream';
import type { Session } from '../auth/session.js';
import type { Clock, Random } from '../matrix/clock.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import type { ServerName } from '../matrix/identifiers.js';
import { object, optional, string } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import type { BlobStore } from './blob-store.js';
import { HEAD_BYTES, mayBeCiphertext } from './ciphertext.js';
import { newBlobKey, wrapKey, type MediaKey } from './media-key.js';
import { sealing } from './sealing.js';
import { insertMedia } from './store.js';

/** The file name is accepted and not kept: the server does not know what a sealed blob is called. */
export const UploadQuery = object({ filename: optional(string) });

interface UploadDeps {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly mediaKey: MediaKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly serverName: ServerName;
  readonly maxUploadSize: number;
}

interface UploadCall {
  readonly session: Session;
  readonly stream: Readable;
  readonly contentType: string | undefined;
  readonly contentLength: number | undefined;
}

const MEDIA_ID_BYTES = 24;

/**
 * Takes an encrypted attachment and seals it as it comes in. Refused or broken off, it leaves nothing.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload
 */
export async function uploadMedia(deps: UploadDeps, call: UploadCall): Promise<{ content_uri: string }> {
  const { session, stream } = call;
  if (!isOctetStream(call.contentType)) throw onlyCiphertext();
  if ((call.contentLength ?? 0) > deps.maxUploadSize) throw tooLarge(deps.maxUploadSize);
  const mediaId = deps.random(MEDIA_ID_BYTES).toString('base64url');
  const key = newBlobKey(deps.random);
  const intake = new Intake(deps.maxUploadSize);
  // Whatever fails on the way fails the put, which then cleans up before it rejects: nothing else need be waited for.
  await deps.blobs.put(mediaId, pipeline(intake.check(stream), sealing(key), () => undefined));
  // The row comes last: after a crash there may be a blob without a row, which the sweep finds, never a row without its blob.
  const media = {
    media_id: mediaId,
    shard: deps.serverName,
    uploader_nid: session.userNid,
    device_nid: session.deviceNid,
    ...intake.tally(),
    wrapped_key: wrapKey(deps.mediaKey, { mediaId, key }, deps.random),
    created_ts: deps.clock(),
  };
  await deps.db.transaction((tx) => insertMedia(tx, media));
  return { content_uri: `mxc://${deps.serverName}/${mediaId}` };
}

/** What passes by on the way in: its size, its hash, and its beginning until that was judged. */
class Intake {
  readonly #hash = createHash('sha256');
  readonly #head = Buffer.allocUnsafe(HEAD_BYTES);
  #size = 0;

  constructor(readonly maxUploadSize: number) {}

  /** Passes the stream on, and throws when it is too large or no ciphertext. */
  async *check(stream: Readable): AsyncGenerator<Buffer> {
    // The request must outlive a refusal, which is answered on the same connection.
    const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) {
      this.#take(chunk);
      yield chunk;
    }
    if (this.#size < HEAD_BYTES) this.#judge();
  }

  tally(): { size: number; sha256: string } {
    return { size: this.#size, sha256: this.#hash.digest('hex') };
  }

  #take(chunk: Buffer): void {
    const before = this.#size;
    this.#size += chunk.length;
    if (this.#size > this.maxUploadSize) throw tooLarge(this.maxUploadSize);
    this.#hash.update(chunk);
    if (before >= HEAD_BYTES) return;
    chunk.copy(this.#head, before);
    if (this.#size >= HEAD_BYTES) this.#judge();
  }

  #judge(): void {
    if (!mayBeCiphertext(this.#head.subarray(0, Math.min(this.#size, HEAD_BYTES)))) throw onlyCiphertext();
  }
}

function isOctetStream(contentType: string | undefined): boolean {
  const essence = contentType?.split(';')[0]?.trim().toLowerCase();
  return essence === undefined || essence === '' || essence === 'application/octet-stream';
}

function onlyCiphertext(): MatrixError {
  return forbidden('Only encrypted attachments are accepted');
}

function tooLarge(limit: number): MatrixError {
  return new MatrixError('M_TOO_LARGE', `Attachments may have at most ${limit} bytes`);
}
