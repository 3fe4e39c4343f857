import type { Session } from '../auth/session.js';
import type { ServerName } from '../matrix/identifiers.js';
import type { EventObserver } from '../rooms/append.js';
import type { ReadTransaction } from '../storage/database.js';
import { closeGranted, findMediaFor, grantToRoom } from './store.js';

declare const brand: unique symbol;

/** One person's leave to fetch one blob, with what it takes to do so. Made only here. */
export interface Grant {
  readonly mediaId: string;
  readonly size: number;
  readonly wrappedKey: string;
  readonly [brand]: true;
}

/** How long after an upload every message of the uploading device grants the blob to its room. */
const FRESH_MS = 600_000;

/** A grant when the session's person uploaded the blob or reads it in a room of theirs; nothing tells why there is none. */
export async function grantFor(
  tx: ReadTransaction,
  session: Session,
  mxc: { serverName: ServerName; mediaId: string },
): Promise<Grant | undefined> {
  const row = await findMediaFor(tx, session, mxc);
  if (row === undefined) return undefined;
  return { mediaId: row.media_id, size: row.size, wrappedKey: row.wrapped_key } as unknown as Grant;
}

/**
 * Send after upload. The mxc address is inside the ciphertext, so a message is taken to carry what its device uploaded in the last ten
 * minutes, and whatever that device uploaded and nothing carried yet.
 */
export const mediaGrants: EventObserver = {
  onEvent: async (tx, { type, deviceNid, roomNid, seq, now }) => {
    if (type !== 'm.room.encrypted' || deviceNid === undefined) return;
    const granted = await grantToRoom(tx, { deviceNid, roomNid, seq, now });
    if (granted > 0) await closeGranted(tx, deviceNid, FRESH_MS);
  },
};
