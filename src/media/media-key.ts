import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import sodium from 'libsodium-wrappers';
import type { Random } from '../matrix/clock.js';
import { syncFolder } from './blob-store.js';

declare const brand: unique symbol;

/** The shard's key that wraps the key of every blob. Whoever has one also knows that libsodium is ready. */
export interface MediaKey {
  readonly bytes: Uint8Array;
  readonly [brand]: true;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 24;

/** Reads the media key, or makes one when there is none. */
export async function ensureMediaKey(path: string, random: Random): Promise<MediaKey> {
  await createMediaKey(path, random);
  return readMediaKey(path);
}

/** Refuses a file that is not there, that others may read, or of another length than 32 bytes. */
export async function readMediaKey(path: string): Promise<MediaKey> {
  await sodium.ready;
  if (!(await exists(path))) throw new Error(`The media key ${path} is not there, but this shard has files sealed with it; put it back from your backup`);
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) throw new Error(`The media key ${path} may be read by others: run chmod 600 on it`);
  const bytes = Buffer.from(await readFile(path, 'utf8'), 'base64');
  if (bytes.length !== KEY_BYTES) throw new Error(`The media key ${path} must hold exactly 32 bytes in base64; put the right file back from your backup`);
  return { bytes } as unknown as MediaKey;
}

/** Makes the file unless it is there; all of it or nothing, readable by its owner only. */
async function createMediaKey(path: string, random: Random): Promise<void> {
  if (await exists(path)) return;
  const draft = `${path}.${random(8).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${random(KEY_BYTES).toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  // A link, unlike a rename, never replaces the key that another process made meanwhile.
  await link(draft, path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
  });
  await rm(draft);
  await syncFolder(dirname(path));
}

/** Seals a blob's own key for the database row; the name of the blob is bound in, so rows cannot exchange their keys. */
export function wrapKey(mediaKey: MediaKey, blob: { blobName: string; key: Uint8Array }, random: Random): string {
  const nonce = random(NONCE_BYTES);
  const sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(blob.key, blob.blobName, null, nonce, mediaKey.bytes);
  return Buffer.concat([nonce, sealed]).toString('base64');
}

/** Throws when the row was tampered with or wrapped by another media key. */
export function unwrapKey(mediaKey: MediaKey, blob: { blobName: string; wrappedKey: string }): Uint8Array {
  const wrapped = Buffer.from(blob.wrappedKey, 'base64');
  const nonce = wrapped.subarray(0, NONCE_BYTES);
  return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, wrapped.subarray(NONCE_BYTES), blob.blobName, nonce, mediaKey.bytes);
}

/** A key for one blob. */
export function newBlobKey(random: Random): Uint8Array {
  return random(KEY_BYTES);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return false;
    throw cause;
  });
}
