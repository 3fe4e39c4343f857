import type { Session } from '../auth/session.js';
import { notFound, type MatrixError } from '../matrix/errors.js';
import type { ServerName } from '../matrix/identifiers.js';
import { ByteStream } from '../matrix/reply.js';
import type { Database } from '../storage/database.js';
import type { BlobStore } from './blob-store.js';
import { grantFor } from './grants.js';
import type { MediaKey } from './media-key.js';
import { openMedia } from './open.js';

// https://spec.matrix.org/v1.19/client-server-api/#content-repository says which headers keep a browser from running what it is given.
const ALWAYS = {
  'Content-Type': 'application/octet-stream',
  'Content-Security-Policy': "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'private, no-store',
};

/**
 * Streams a blob to whoever holds a grant for it. A blob that does not exist, is of another shard, or is not granted are one answer.
 * https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid
 */
export async function downloadMedia(
  deps: { db: Database; blobs: BlobStore; mediaKey: MediaKey },
  call: { session: Session; params: { serverName: ServerName; mediaId: string; fileName?: string } },
): Promise<ByteStream> {
  const { session, params } = call;
  const grant = await deps.db.read((tx) => grantFor(tx, session, params));
  if (grant === undefined) throw noSuchMedia();
  return new ByteStream(await openMedia(deps, grant), {
    ...ALWAYS,
    'Content-Length': String(grant.size),
    'Content-Disposition': contentDisposition(params.fileName),
  });
}

export function noSuchMedia(): MatrixError {
  return notFound('No such media');
}

/** Always an attachment: what is sealed cannot be shown in place. RFC 6266; names beyond ASCII as RFC 5987 writes them, with a plain stand-in. */
export function contentDisposition(fileName: string | undefined): string {
  if (fileName === undefined) return 'attachment';
  const plain = fileName.replace(/[^\x20-\x7e]|["\\%]/gu, '_');
  if (plain === fileName) return `attachment; filename="${fileName}"`;
  const encoded = encodeURIComponent(fileName).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
