import { MatrixError, notFound } from '../matrix/errors.js';
import type { ServerName } from '../matrix/identifiers.js';
import { boolean, object, optional, text, type TypeOf } from '../matrix/schema.js';
import type { BlobStore } from '../media/blob-store.js';
import { removeMedia } from '../media/retention.js';
import { mediaByContent, setQuarantine } from '../media/retention-store.js';
import type { Transaction } from '../storage/database.js';
import { doSigned, signature, type SignedCallDeps } from './signed-call.js';

/** By its address or by the hash of what was uploaded: nobody lists files, and nobody looks into one (RULES C6). */
const named = { mxc: optional(text({ pattern: '^mxc://[^/\\s]+/[A-Za-z0-9_-]+$' })), sha256: optional(text({ pattern: '^[0-9a-f]{64}$' })) };

export const DeleteMediaBody = object({ ...signature, ...named });
export const QuarantineMediaBody = object({ ...signature, ...named, quarantine: boolean });

interface Deps extends SignedCallDeps {
  readonly serverName: ServerName;
  readonly blobs: BlobStore;
}

/** Deletes a file for good; resolves to how many of that name or hash there were. */
export async function deleteNamedMedia(deps: Deps, { body }: { body: TypeOf<typeof DeleteMediaBody> }): Promise<object> {
  const { count, blobNames } = await doSigned(deps, 'delete_media', { ...body }, async (tx) => removeMedia(tx, await idsOf(tx, deps.serverName, body)));
  for (const name of blobNames) await deps.blobs.delete(name);
  return { count: found(count) };
}

/** Keeps a file from everybody, its uploader included, or gives it back. */
export async function quarantineMedia(deps: Deps, { body }: { body: TypeOf<typeof QuarantineMediaBody> }): Promise<object> {
  return doSigned(deps, 'quarantine_media', { ...body }, async (tx, now) => {
    const ids = await idsOf(tx, deps.serverName, body);
    return { count: found(await setQuarantine(tx, ids, body.quarantine ? now : null)) };
  });
}

async function idsOf(tx: Transaction, serverName: ServerName, { mxc, sha256 }: { mxc?: string; sha256?: string }): Promise<readonly string[]> {
  if ((mxc === undefined) === (sha256 === undefined)) throw new MatrixError('M_INVALID_PARAM', 'Either mxc or sha256 must name the file');
  if (sha256 !== undefined) return mediaByContent(tx, sha256);
  const root = `mxc://${serverName}/`;
  return mxc?.startsWith(root) === true ? [mxc.slice(root.length)] : [];
}

function found(count: number): number {
  if (count === 0) throw notFound('There is no such file');
  return count;
}
