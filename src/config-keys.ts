import { readFileSync } from 'node:fs';
import { parseSigningKeys, type SigningKey } from './matrix/signing.js';

/** The keys of the file, the first of which signs; what is wrong with the file is said in one sentence. */
export function readSigningKeys(path: string): readonly [SigningKey, ...SigningKey[]] {
  try {
    return parseSigningKeys(readKeyFile(path));
  } catch (cause) {
    throw new Error(`The signing key ${path} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Error((cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file; `cloison generate` makes one' : 'this user may not read it', { cause });
  }
}
