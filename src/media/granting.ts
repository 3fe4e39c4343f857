import { MatrixError } from '../matrix/errors.js';
import type { ServerName } from '../matrix/identifiers.js';
import type { JsonValue } from '../matrix/schema.js';
import type { AppendedEvent, EventObserver } from '../rooms/append.js';
import type { Transaction } from '../storage/database.js';
import { attachedTo, attachPicture, attachToEvent } from './attach-store.js';
import { showInRoom, showOnProfile, takeDownRedacted } from './avatars-store.js';
import { forgetRedactedMessage, putNewestMessage } from './forwards-store.js';
import {
  closeGranted,
  closeGrantedToPeople,
  grantToPeople,
  grantToRoom,
  replaceUserGrants,
  withdrawRedacted,
} from './grants-store.js';

/**
 * Gives and takes grants with the events that cause them, in their transactions. The mxc address of a file is inside the ciphertext, so a
 * message is taken to carry what its device uploaded in the last ten minutes, and whatever that device uploaded and nothing carried yet
 * (RULES C, 2), unless the client says what it carries (7), as it may of any event. What a redacted message carried goes with it; avatars
 * are in clear (8).
 */
export function mediaGrants(serverName: ServerName): EventObserver {
  return {
    onEvent: async (tx, event) => {
      switch (event.type) {
        case 'm.room.encrypted':
          await grantSent(tx, event);
          break;
        case 'm.room.avatar':
          await hang(tx, event, serverName, { url: event.stateKey === '' ? event.content['url'] : undefined, unlessOnProfile: false });
          break;
        case 'm.room.member':
          await hang(tx, event, serverName, { url: event.stateKey === event.sender ? event.content['avatar_url'] : undefined, unlessOnProfile: true });
          break;
      }
      for (const mxc of event.attachMedia ?? []) await attach(tx, event, mediaIdOf(mxc, serverName));
    },
    carries: async (tx, event, addresses) => {
      const attached = await attachedTo(tx, event);
      return addresses.every((mxc) => attached.includes(mediaIdOf(mxc, serverName) ?? ''));
    },
    onRedaction: async (tx, redacted) => {
      await forgetRedactedMessage(tx, redacted);
      await withdrawRedacted(tx, redacted);
      await takeDownRedacted(tx, { ...redacted, root: `mxc://${serverName}/` });
    },
  };
}

/** RULES C, 3: the same for what is sent to devices, to each of their people; bundles of room keys are shared that way. */
export async function grantToRecipients(
  tx: Transaction,
  sent: { type: string; deviceNid: number; senderNid: number; recipients: readonly number[]; now: number },
): Promise<void> {
  if (sent.type !== 'm.room.encrypted' || sent.recipients.length === 0) return;
  if ((await grantToPeople(tx, sent)) > 0) await closeGrantedToPeople(tx, sent);
}

/** RULES C, 8: what somebody has set as their picture is for whoever may see their profile. */
export async function showAvatar(tx: Transaction, serverName: ServerName, { userNid, url, now }: { userNid: number; url: string; now: number }): Promise<void> {
  const mediaId = mediaIdOf(url, serverName);
  if (mediaId === undefined || (await showOnProfile(tx, { mediaId, serverName, userNid, now }))) return;
  throw new MatrixError('M_INVALID_PARAM', 'This picture is attached to an event: upload it once more for your profile');
}

async function grantSent(tx: Transaction, event: AppendedEvent): Promise<void> {
  const { deviceNid, roomNid, seq, position, senderNid, now } = event;
  await putNewestMessage(tx, { userNid: senderNid, roomNid, seq, position });
  if (deviceNid === undefined || event.attachMedia !== undefined) return;
  const cause = { deviceNid, roomNid, seq, now };
  if ((await grantToRoom(tx, cause)) === 0) return;
  await closeGranted(tx, cause);
  await replaceUserGrants(tx, cause);
}

/** A file to whatever event; a picture to the one that hangs it up. https://github.com/matrix-org/matrix-spec-proposals/pull/3911 */
async function attach(tx: Transaction, { senderNid, deviceNid, roomNid, seq, now }: AppendedEvent, mediaId: string | undefined): Promise<void> {
  if (mediaId !== undefined && deviceNid !== undefined) {
    const cause = { uploaderNid: senderNid, deviceNid, roomNid, seq, now };
    if ((await attachToEvent(tx, cause, mediaId)) || (await attachPicture(tx, cause, mediaId))) return;
  }
  throw new MatrixError('M_INVALID_PARAM', 'attach_media must name files that you uploaded here and have attached to nothing else');
}

/** A picture of a room, or one that somebody shows in one room only. */
async function hang(
  tx: Transaction,
  { senderNid, roomNid, seq, now }: AppendedEvent,
  serverName: ServerName,
  { url, unlessOnProfile }: { url: JsonValue | undefined; unlessOnProfile: boolean },
): Promise<void> {
  const mediaId = typeof url === 'string' ? mediaIdOf(url, serverName) : undefined;
  if (mediaId !== undefined) await showInRoom(tx, { mediaId, serverName, senderNid, roomNid, seq, now, unlessOnProfile });
}

/** The media id in an mxc address of this shard. https://spec.matrix.org/v1.19/client-server-api/#matrix-content-mxc-uris */
function mediaIdOf(mxc: string, serverName: ServerName): string | undefined {
  const root = `mxc://${serverName}/`;
  return mxc.startsWith(root) ? mxc.slice(root.length) : undefined;
}
