import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files below `folders` in whose bytes `text` stands: as it is, in UTF-16, in hexadecimal, or in base64 at any of its three offsets. */
export async function filesHolding(folders: readonly string[], text: string): Promise<readonly string[]> {
  const needles = spellings(text);
  const holding: string[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const bytes = await readFile(file);
      if (needles.some((needle) => bytes.includes(needle))) holding.push(file);
    }
  }
  return holding;
}

function spellings(text: string): readonly Buffer[] {
  const plain = Buffer.from(text);
  const hex = plain.toString('hex');
  const base64 = [0, 1, 2].map((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), plain]).toString('base64');
    // The characters at either end depend on the neighbours too.
    return shifted.slice(offset === 0 ? 0 : 4, Math.floor(shifted.length / 4) * 4 - 4);
  });
  return [plain, Buffer.from(text, 'utf16le'), Buffer.from(hex), Buffer.from(hex.toUpperCase()), ...base64.map((spelling) => Buffer.from(spelling))];
}
