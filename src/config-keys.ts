import { readFileSync } from 'node:fs';
import { parseSigningKeys, type SigningKey } from './matrix/signing.js';

const MEDIA_KEY_BYTES = 32;

/** The keys of the file, the first of which signs; what is wrong with the file is said in one sentence. */
export function readSigningKeys(path: string): readonly [SigningKey, ...SigningKey[]] {
  const text = readKeyFile(path, 'signing key', '`cloison generate` makes one');
  try {
    return parseSigningKeys(text);
  } catch (cause) {
    throw new Error(`The signing key ${path} is not one: ${(cause as Error).message}.`, { cause });
  }
}

/** The 32 bytes that seal uploaded files. */
export function readMediaKey(path: string): Buffer {
  const key = Buffer.from(readKeyFile(path, 'media key', 'restore it from the backup, for no file opens without it').trim(), 'base64');
  if (key.length !== MEDIA_KEY_BYTES) throw new Error(`The media key ${path} is not one: it has ${key.length} bytes instead of ${MEDIA_KEY_BYTES}.`);
  return key;
}

function readKeyFile(path: string, what: string, remedy: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(missing ? `The ${what} ${path} is missing: ${remedy}.` : `The ${what} ${path} cannot be read by this user.`, { cause });
  }
}
