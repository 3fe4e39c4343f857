import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ensureMediaKey, unwrapKey, wrapKey } from './media-key.js';

describe('the media key', () => {
  let folder: string;
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'cloison-')); });
  afterEach(() => rm(folder, { recursive: true }));

  it('is made once, readable by its owner only, and stays', async () => {
    const path = join(folder, 'media.key');
    const keys = await Promise.all([ensureMediaKey(path, randomBytes), ensureMediaKey(path, randomBytes), ensureMediaKey(path, randomBytes)]);
    const bytes = Buffer.from(await readFile(path, 'utf8'), 'base64');
    for (const key of [...keys, await ensureMediaKey(path, randomBytes)]) expect(Buffer.from(key.bytes)).toEqual(bytes);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['media.key']);
  });

  it('is refused when others may read it', async () => {
    const path = join(folder, 'media.key');
    await ensureMediaKey(path, randomBytes);
    await chmod(path, 0o640);
    await expect(ensureMediaKey(path, randomBytes)).rejects.toThrow('chmod 600');
  });

  it('is refused when it has another length', async () => {
    const path = join(folder, 'media.key');
    await writeFile(path, randomBytes(31), { mode: 0o600 });
    await expect(ensureMediaKey(path, randomBytes)).rejects.toThrow('exactly 32 bytes');
  });

  it('unwraps what it wrapped for the same blob only', async () => {
    const mediaKey = await ensureMediaKey(join(folder, 'a.key'), randomBytes);
    const another = await ensureMediaKey(join(folder, 'b.key'), randomBytes);
    const key = randomBytes(32);
    const wrappedKey = wrapKey(mediaKey, { blobName: 'one', key }, randomBytes);
    expect(Buffer.from(unwrapKey(mediaKey, { blobName: 'one', wrappedKey }))).toEqual(key);
    expect(() => unwrapKey(mediaKey, { blobName: 'two', wrappedKey })).toThrow();
    expect(() => unwrapKey(another, { blobName: 'one', wrappedKey })).toThrow();
  });
});
