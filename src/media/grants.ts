import { refusingInTime } from '../auth/refusal-time.js';
import type { Session } from '../auth/session.js';
import { recordBlob } from '../ledger/record.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import type { LedgerEntry } from '../matrix/reply.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { findForward, inferredSince, putForward, type Forward } from './forwards-store.js';
import { findGranted, type GrantedRow, type Mxc } from './grants-store.js';
import type { ThumbnailRow } from './thumbnails-store.js';

declare const brand: unique symbol;

/** One person's leave to fetch one blob, with what it takes to do so. Made only here. */
export interface Grant {
  readonly mediaId: string;
  /** Under which the sealed bytes lie, and to which their key is bound. */
  readonly blobName: string;
  readonly size: number;
  readonly wrappedKey: string;
  /** Of an avatar; of ciphertext nothing is known. */
  readonly contentType?: string;
  readonly [brand]: true;
}

/** What a person may have of a blob: it; nothing yet, for it is still to be uploaded; or it, if they may be taken to have been sent it. */
export type Leave = { readonly grant: Grant; readonly forward?: Forward } | 'not yet uploaded';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How many blobs a day one reader may have by inference. */
export const MOST_INFERRED = 200;

/**
 * The session's leave to fetch a blob; nothing tells why there is none. Who lacks a grant may still have been sent the blob by somebody
 * who was served it (RULES C, 4), up to so many a day; beyond that every blob without a grant, there or not, is asked for too soon.
 */
export async function leaveFor(tx: ReadTransaction, session: Session, mxc: Mxc, now: number): Promise<Leave | undefined> {
  const row = await findGranted(tx, session, mxc, now);
  if (row !== undefined) return row.class === 'pending' ? 'not yet uploaded' : { grant: grantOf(row) };
  const forward = await findForward(tx, session, mxc);
  await refuseBeyondBudget(tx, session.userNid, now);
  return forward === undefined ? undefined : { grant: grantOf({ ...forward, content_type: null }), forward };
}

/** Finds the grant, or refuses with the one answer for all there is none for; a blob that is still to come is told so only to whom it is granted. */
export async function takeLeave(deps: { db: Database; clock: Clock }, session: Session, mxc: Mxc): Promise<Grant> {
  const leave = await refusingInTime(session, () => deps.db.read(async (tx) => {
    const found = await leaveFor(tx, session, mxc, deps.clock());
    if (found === undefined) throw noSuchMedia();
    return found;
  }));
  if (leave === 'not yet uploaded') throw new MatrixError('M_NOT_YET_UPLOADED', 'This file has not been uploaded yet');
  return leave.grant;
}

/** Told when one person has been given so many inferred grants within an hour, and at each multiple of it; 0: never. */
export interface InferenceAlarm {
  readonly perHour: number;
  sound(signal: { readonly readerNid: number; readonly forwarderNid: number; readonly inOneHour: number }): void;
}

/** Writes down that a blob is about to be served, and an inferred grant at the moment it is used first. */
export async function useLeave(
  deps: { readonly inferenceAlarm: InferenceAlarm },
  tx: Transaction,
  session: Session,
  mxc: Mxc,
  served: { what: 'download' | 'thumbnail'; bytes: number; now: number },
): Promise<LedgerEntry> {
  const { userNid, deviceNid } = session;
  // Once more: it may have ended since it was found, with a kick, a redaction or a quarantine, while a thumbnail was drawn for one.
  const leave = await leaveFor(tx, session, mxc, served.now);
  if (leave === undefined || leave === 'not yet uploaded') throw noSuchMedia();
  if (leave.forward !== undefined) {
    await tx.lock(`inferred grants/${userNid}`);
    await refuseBeyondBudget(tx, userNid, served.now);
    await putForward(tx, userNid, leave.forward, served.now);
    await alarm(deps.inferenceAlarm, tx, userNid, { forwarderNid: leave.forward.forwarder_nid, now: served.now });
  }
  return recordBlob(tx, { mediaId: leave.grant.mediaId, userNid, deviceNid, ...served });
}

/** A thumbnail is for whoever may have the picture. */
export function grantOfThumbnail(grant: Grant, thumbnail: ThumbnailRow): Grant {
  const { blob_name: blobName, size, wrapped_key: wrappedKey, content_type: contentType } = thumbnail;
  return { mediaId: grant.mediaId, blobName, size, wrappedKey, contentType } as Grant;
}

export function noSuchMedia(): MatrixError {
  return notFound('No such media');
}

async function alarm({ perHour, sound }: InferenceAlarm, tx: Transaction, readerNid: number, { forwarderNid, now }: { forwarderNid: number; now: number }): Promise<void> {
  if (perHour === 0) return;
  const inOneHour = await inferredSince(tx, readerNid, now - HOUR_MS);
  if (inOneHour > 0 && inOneHour % perHour === 0) tx.afterCommit(() => { sound({ readerNid, forwarderNid, inOneHour }); });
}

async function refuseBeyondBudget(tx: ReadTransaction, userNid: number, now: number): Promise<void> {
  if ((await inferredSince(tx, userNid, now - DAY_MS)) < MOST_INFERRED) return;
  throw new MatrixError('M_LIMIT_EXCEEDED', 'You were forwarded more files today than one person is', { body: { retry_after_ms: HOUR_MS } });
}

function grantOf(row: Pick<GrantedRow, 'media_id' | 'size' | 'blob_name' | 'wrapped_key' | 'content_type'>): Grant {
  if (row.size === null || row.blob_name === null || row.wrapped_key === null) throw new Error('a blob without content is not served');
  return {
    mediaId: row.media_id,
    blobName: row.blob_name,
    size: row.size,
    wrappedKey: row.wrapped_key,
    ...(row.content_type === null ? {} : { contentType: row.content_type }),
  } as Grant;
}
