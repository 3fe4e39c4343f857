import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { megolmFrame, unpadded } from '../megolm-frame.js';
import { isObject, parseJson, type JsonObject, type JsonValue } from './exact-json.js';

/*
 * Messages are really encrypted, with AES-256-GCM under one key of the process, and framed as Megolm. That keeps no list that grows, opens
 * an event of whatever server of the deployment brings it, and lets a message be as large as what it says, so that limits of size still hold.
 * Megolm's 8 bytes of MAC and 64 of signature carry nonce and tag.
 */
const NONCE = 12;
const TAG = 16;
const MAC_AND_SIGNATURE = 8 + 64;
/** What a client may send in the clear to a room that is encrypted. */
const CLEAR: readonly string[] = ['m.room.encrypted', 'm.room.redaction', 'm.reaction'];

export interface Message {
  readonly type: string;
  readonly content: JsonObject;
}

export function isSealedOnTheWay(type: string): boolean {
  return !CLEAR.includes(type);
}

/**
 * The content of the `m.room.encrypted` that carries a message, given as the text of its type and content. Relations stand beside the
 * ciphertext. https://spec.matrix.org/v1.19/client-server-api/#mroomencrypted
 */
export function sealMessage(key: Buffer, roomId: string, type: string, content: JsonObject, text: string): JsonObject {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const ciphertext = Buffer.concat([cipher.update(`{"type":${JSON.stringify(type)},"content":${text}}`, 'utf8'), cipher.final()]);
  const tail = Buffer.concat([nonce, cipher.getAuthTag(), randomBytes(MAC_AND_SIGNATURE - NONCE - TAG)]);
  const relation = content['m.relates_to'];
  return {
    algorithm: 'm.megolm.v1.aes-sha2',
    ciphertext: unpadded(megolmFrame(0, ciphertext, tail)),
    session_id: unpadded(createHash('sha256').update(roomId).digest()),
    ...(isObject(relation) ? { 'm.relates_to': relation } : {}),
  };
}

/** The message inside, undefined for what this proxy has not sealed. */
export function openMessage(key: Buffer, content: JsonValue | undefined): Message | undefined {
  if (!isObject(content) || typeof content['ciphertext'] !== 'string') return undefined;
  const framed = Buffer.from(content['ciphertext'], 'base64');
  const end = framed.length - MAC_AND_SIGNATURE;
  const start = 4 + framed.subarray(4).findIndex((byte) => byte < 0x80) + 1;
  if (end <= start) return undefined;
  const tail = framed.subarray(end);
  const decipher = createDecipheriv('aes-256-gcm', key, tail.subarray(0, NONCE)).setAuthTag(tail.subarray(NONCE, NONCE + TAG));
  const text = decipher.update(framed.subarray(start, end), undefined, 'utf8');
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return parseJson(text) as unknown as Message;
}
