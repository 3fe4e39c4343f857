import type { Readable } from 'node:stream';
import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';
import type { ServerName } from '../matrix/identifiers.js';
import { object, optional, string } from '../matrix/schema.js';
import type { Database, Transaction } from '../storage/database.js';
import { noSuchMedia } from './grants.js';
import { takeIn, type IntakeDeps } from './intake.js';
import { chargeUpload, roomLeft, type Quotas } from './quota.js';
import { completePending, findAnnounced, insertMedia, insertPending, pendingOf, type Announced, type Content } from './store.js';

/** The file name is accepted and not kept: the server does not know what a sealed blob is called. */
export const UploadQuery = object({ filename: optional(string) });

export interface UploadDeps extends IntakeDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly serverName: ServerName;
  readonly quotas: Quotas;
}

interface UploadCall {
  readonly session: Session;
  readonly stream: Readable;
  readonly contentType: string | undefined;
  readonly contentLength: number | undefined;
}

/** How long an announced address waits for its content. */
export const PENDING_MS = 86_400_000;
const MOST_PENDING = 5;
const MEDIA_ID_BYTES = 24;

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload */
export async function uploadMedia(deps: UploadDeps, call: UploadCall): Promise<{ content_uri: string }> {
  const media = newMedia(deps, call.session);
  await store(deps, call, media.media_id, (tx, content, now) => insertMedia(tx, { ...media, created_ts: now }, content));
  return { content_uri: mxcOf(media) };
}

/** Announces an address whose content comes later. https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav1create */
export async function createMedia(deps: UploadDeps, { session }: { session: Session }): Promise<{ content_uri: string; unused_expires_at: number }> {
  const media = newMedia(deps, session);
  await deps.db.transaction(async (tx) => {
    await tx.lock(`pending media/${session.userNid}`);
    const { n, oldest } = await pendingOf(tx, session.userNid, media.created_ts - PENDING_MS);
    if (n >= MOST_PENDING) {
      const body = { retry_after_ms: oldest + PENDING_MS - media.created_ts };
      throw new MatrixError('M_LIMIT_EXCEEDED', `At most ${MOST_PENDING} files may be announced and not yet uploaded`, { body });
    }
    await insertPending(tx, media);
  });
  return { content_uri: mxcOf(media), unused_expires_at: media.created_ts + PENDING_MS };
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixmediav3uploadservernamemediaid */
export async function uploadAnnounced(
  deps: UploadDeps,
  call: UploadCall & { params: { serverName: ServerName; mediaId: string } },
): Promise<object> {
  const { session, params } = call;
  await deps.db.read(async (tx) => { refuseUnlessAwaited(await findAnnounced(tx, params), session, deps.clock()); });
  // Each attempt has a blob of its own: of two at once one gets the row, and the other's blob goes.
  await store(deps, call, newName(deps), async (tx, content, now) => {
    refuseUnlessAwaited(await findAnnounced(tx, params), session, now);
    if (!(await completePending(tx, params.mediaId, content, now))) throw overwritten();
  });
  return {};
}

/** Seals the content, then writes its row; without the row the blob goes again. */
async function store(
  deps: UploadDeps,
  { session, ...incoming }: UploadCall,
  blobName: string,
  write: (tx: Transaction, content: Content, now: number) => Promise<void>,
): Promise<void> {
  const left = await deps.db.read((tx) => roomLeft(tx, deps.quotas, session.userNid));
  const content = await takeIn(deps, blobName, { ...incoming, roomLeft: left });
  const now = deps.clock();
  try {
    await deps.db.transaction(async (tx) => {
      await write(tx, content, now);
      await chargeUpload(tx, deps.quotas, session.userNid, content.size);
    });
  } catch (refusal) {
    // Any other failure may come after the commit: then the sweep, which sees whether there is a row, decides.
    if (refusal instanceof MatrixError) await deps.blobs.delete(blobName);
    throw refusal;
  }
}

function refuseUnlessAwaited(media: Announced | undefined, { userNid }: Session, now: number): void {
  // To others an address is nobody's, were it announced or not.
  if (media?.uploader_nid !== userNid) throw noSuchMedia();
  if (media.class !== 'pending') throw overwritten();
  if (media.created_ts <= now - PENDING_MS) throw noSuchMedia();
}

function overwritten(): MatrixError {
  return new MatrixError('M_CANNOT_OVERWRITE_MEDIA', 'This file has been uploaded already');
}

function newMedia(deps: UploadDeps, session: Session) {
  return {
    media_id: newName(deps),
    shard: deps.serverName,
    uploader_nid: session.userNid,
    device_nid: session.deviceNid,
    created_ts: deps.clock(),
  };
}

function newName(deps: UploadDeps): string {
  return deps.random(MEDIA_ID_BYTES).toString('base64url');
}

function mxcOf(media: { shard: ServerName; media_id: string }): string {
  return `mxc://${media.shard}/${media.media_id}`;
}
