import type { Session } from '../auth/session.js';
import type { ServerName } from '../matrix/identifiers.js';
import { ByteStream } from '../matrix/reply.js';
import type { Database } from '../storage/database.js';
import type { Clock } from '../matrix/clock.js';
import type { BlobStore } from './blob-store.js';
import { takeLeave, useLeave, type Grant, type InferenceAlarm } from './grants.js';
import type { MediaKey } from './media-key.js';
import { openMedia } from './open.js';

// https://spec.matrix.org/v1.19/client-server-api/#content-repository says which headers keep a browser from running what it is given.
const ALWAYS = {
  'Content-Security-Policy': "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'private, no-store',
  // A part could be sent only before the rest of its piece is known to be whole.
  'Accept-Ranges': 'none',
};

export interface ServingDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly blobs: BlobStore;
  readonly mediaKey: MediaKey;
  readonly inferenceAlarm: InferenceAlarm;
}

/**
 * Streams a blob to whoever holds a grant for it. A blob that does not exist, is of another shard, or is not granted are one answer.
 * https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid
 */
export async function downloadMedia(
  deps: ServingDeps,
  call: { session: Session; params: { serverName: ServerName; mediaId: string; fileName?: string } },
): Promise<ByteStream> {
  const { session, params } = call;
  const grant = await takeLeave(deps, session, params);
  const served = { what: 'download', bytes: grant.size, now: deps.clock() } as const;
  const entry = await deps.db.transaction((tx) => useLeave(deps, tx, session, params, served));
  const disposition = grant.contentType === undefined ? 'attachment' : 'inline';
  return new ByteStream(entry, await openMedia(deps, grant), headersOf(grant, contentDisposition(disposition, params.fileName)));
}

export function headersOf(grant: Grant, disposition: string): Readonly<Record<string, string>> {
  return {
    'Content-Type': grant.contentType ?? 'application/octet-stream',
    'Content-Length': String(grant.size),
    'Content-Disposition': disposition,
    ...ALWAYS,
  };
}

/** RFC 6266; names beyond ASCII as RFC 5987 writes them, with a plain stand-in. What is sealed cannot be shown in place. */
export function contentDisposition(type: 'attachment' | 'inline', fileName: string | undefined): string {
  if (fileName === undefined) return type;
  const plain = fileName.replace(/[^\x20-\x7e]|["\\%]/gu, '_');
  if (plain === fileName) return `${type}; filename="${fileName}"`;
  const encoded = encodeURIComponent(fileName).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${type}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
