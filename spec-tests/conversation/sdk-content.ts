import { RoomEvent, type MatrixClient, type MatrixEvent } from 'matrix-js-sdk';
import { decryptAttachment, encryptAttachment, type EncryptedFile } from './attachment.js';
import { eventually, type FileToSend } from './device.js';
import type { Logged } from './logged.js';

export async function decrypted({ client }: Logged, roomId: string, eventId: string): Promise<MatrixEvent> {
  return eventually(`decryption of ${eventId}`, () => {
    const event = client.getRoom(roomId)?.findEventById(eventId);
    if (event?.isEncrypted() !== true || event.isBeingDecrypted() || event.isDecryptionFailure()) return undefined;
    return event.getClearContent() === null ? undefined : event;
  });
}

/** In a thread, when there is a `root`: as Element sends it, then. */
export async function sendFile({ client }: Logged, roomId: string, { name, text, root }: FileToSend): Promise<string> {
  const { bytes, file } = await encryptAttachment(new TextEncoder().encode(text));
  const { content_uri: url } = await client.uploadContent(new Blob([bytes]), { type: 'application/octet-stream', includeFilename: false });
  const content = { msgtype: 'm.file', body: name, file: { ...file, url }, info: { size: bytes.length, mimetype: 'text/plain' } };
  return root === undefined ? (await client.sendMessage(roomId, content as never)).event_id : sendInThread(client, { roomId, root }, content);
}

/**
 * Resolves to the id of the event. matrix-js-sdk throws when what it sends to a thread comes down a sync before the sending is answered,
 * which on a laden machine it does: it was sent all the same, and the echo that came down has its id.
 */
export async function sendInThread(client: MatrixClient, { roomId, root }: { readonly roomId: string; readonly root: string }, content: object): Promise<string> {
  const txnId = client.makeTxnId();
  let sent: string | undefined;
  const heed = (event: MatrixEvent): void => { if (event.getTxnId() === txnId && event.status === null) sent = event.getId(); };
  client.on(RoomEvent.LocalEchoUpdated, heed);
  try {
    return (await client.sendMessage(roomId, root, content as never, txnId)).event_id;
  } catch (error) {
    if (sent === undefined) throw error;
    return sent;
  } finally {
    client.off(RoomEvent.LocalEchoUpdated, heed);
  }
}

/** What Element does to forward: the same content, with the same address of the same file, in another room. */
export async function forward(me: Logged, { roomId, eventId, toRoomId }: Readonly<Record<'roomId' | 'eventId' | 'toRoomId', string>>): Promise<string> {
  const { 'm.relates_to': _relation, ...content } = (await decrypted(me, roomId, eventId)).getContent();
  return (await me.client.sendMessage(toRoomId, content as never)).event_id;
}

export async function readFile(me: Logged, roomId: string, eventId: string): Promise<string> {
  const { file } = (await decrypted(me, roomId, eventId)).getContent<{ file: EncryptedFile }>();
  const response = await download(me, file.url);
  if (!response.ok) throw new Error(`download: ${response.status} ${await response.text()}`);
  const plain = await decryptAttachment(new Uint8Array(await response.arrayBuffer()), file);
  return new TextDecoder().decode(plain);
}

/** The event must be known already; whoever has left knows it still. */
export async function fileStatus(me: Logged, roomId: string, eventId: string): Promise<number> {
  const { file } = (await decrypted(me, roomId, eventId)).getContent<{ file: EncryptedFile }>();
  return (await download(me, file.url)).status;
}

/** `picture` is a PNG in base64. */
export async function setAvatar({ client }: Logged, picture: string): Promise<void> {
  const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
  const { content_uri: url } = await client.uploadContent(new Blob([bytes], { type: 'image/png' }), { type: 'image/png', includeFilename: false });
  await client.setAvatarUrl(url);
}

/** Waits until a member has a picture, and resolves to what comes when Element asks for it as small as it shows it. */
export async function seesAvatar(me: Logged, roomId: string, userId: string): Promise<string> {
  const url = await eventually(`the picture of ${userId}`, () => me.client.getRoom(roomId)?.getMember(userId)?.getMxcAvatarUrl());
  const response = await download(me, url, 48);
  return `${response.status} ${response.headers.get('content-type') ?? ''}`;
}

async function download({ client, wire }: Logged, mxc: string, size?: number): Promise<Response> {
  const url = client.mxcUrlToHttp(mxc, size, size, size === undefined ? undefined : 'crop', false, true, true) ?? '';
  return wire.fetch(url, { headers: { authorization: `Bearer ${client.getAccessToken() ?? ''}` } });
}
