import { writeFileSync } from 'node:fs';
import type { Random } from '../matrix/clock.js';

/** Writes a file only its owner may read; one that is there already is kept. */
export function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
}

export function newSecret(random: Random): string {
  return `${random(32).toString('base64url')}\n`;
}
