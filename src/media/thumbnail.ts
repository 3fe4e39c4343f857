import { Readable } from 'node:stream';
import type { Session } from '../auth/session.js';
import type { Random } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';
import type { ServerName } from '../matrix/identifiers.js';
import { ByteStream, type Bytes } from '../matrix/reply.js';
import { boolean, object, oneOf, optional, positive, type TypeOf } from '../matrix/schema.js';
import { headersOf, type ServingDeps } from './download.js';
import { grantOfThumbnail, takeLeave, useLeave, type Grant } from './grants.js';
import { seal } from './intake.js';
import { openMedia } from './open.js';
import { drawThumbnail, type Frame } from './pictures.js';
import { findThumbnail, insertThumbnail } from './thumbnails-store.js';

export const ThumbnailQuery = object({
  width: positive,
  height: positive,
  method: optional(oneOf('crop', 'scale')),
  animated: optional(boolean),
});

/** Those of the specification, and crops for screens of many pixels. https://spec.matrix.org/v1.19/client-server-api/#thumbnails */
const FRAMES: readonly Frame[] = [
  { width: 32, height: 32, method: 'crop' },
  { width: 96, height: 96, method: 'crop' },
  { width: 320, height: 320, method: 'crop' },
  { width: 640, height: 640, method: 'crop' },
  { width: 320, height: 240, method: 'scale' },
  { width: 640, height: 480, method: 'scale' },
  { width: 800, height: 600, method: 'scale' },
];

type ThumbnailDeps = ServingDeps & { readonly random: Random };

/**
 * A smaller copy of an avatar, drawn when it is first asked for. Of ciphertext nothing can be drawn.
 * https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediathumbnailservernamemediaid
 */
export async function getThumbnail(
  deps: ThumbnailDeps,
  call: { session: Session; params: { serverName: ServerName; mediaId: string }; query: TypeOf<typeof ThumbnailQuery> },
): Promise<ByteStream> {
  const { session, params, query } = call;
  const picture = await takeLeave(deps, session, params);
  if (picture.contentType === undefined) {
    throw new MatrixError('M_UNKNOWN', 'This file is encrypted: only its readers can draw a thumbnail of it', { status: 400 });
  }
  const frame = frameFor(query);
  const grant = frame === undefined ? picture : await thumbnailOf(deps, picture, frame);
  const served = { what: 'thumbnail', bytes: grant.size, now: deps.clock() } as const;
  const entry = await deps.db.transaction((tx) => useLeave(deps, tx, session, params, served));
  const extension = grant.contentType?.slice('image/'.length) ?? 'png';
  return new ByteStream(entry, await openMedia(deps, grant), headersOf(grant, `inline; filename="thumbnail.${extension}"`));
}

/** The smallest that is not smaller than what is asked for; undefined: the picture itself. */
function frameFor({ width, height, method = 'scale' }: TypeOf<typeof ThumbnailQuery>): Frame | undefined {
  return FRAMES.find((frame) => frame.method === method && frame.width >= width && frame.height >= height);
}

async function thumbnailOf(deps: ThumbnailDeps, grant: Grant, frame: Frame): Promise<Grant> {
  const variant = `${frame.width}x${frame.height}-${frame.method}`;
  const known = await deps.db.read((tx) => findThumbnail(tx, grant.mediaId, variant));
  if (known !== undefined) return grantOfThumbnail(grant, known);
  const { bytes, contentType } = await drawThumbnail(await bytesOf(await openMedia(deps, grant)), frame);
  const blobName = deps.random(24).toString('base64url');
  const wrapped_key = await seal(deps, blobName, Readable.from([bytes], { objectMode: false }));
  const row = { blob_name: blobName, size: bytes.length, content_type: contentType, wrapped_key };
  if (await deps.db.transaction((tx) => insertThumbnail(tx, grant.mediaId, variant, row))) return grantOfThumbnail(grant, row);
  await deps.blobs.delete(blobName);
  const drawn = await deps.db.read((tx) => findThumbnail(tx, grant.mediaId, variant));
  // Drawn by another request meanwhile; or the picture has just been deleted, and whoever serves it will see that.
  return drawn === undefined ? grant : grantOfThumbnail(grant, drawn);
}

async function bytesOf(bytes: Bytes): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const piece of bytes) chunks.push(Buffer.from(piece));
  return Buffer.concat(chunks);
}
