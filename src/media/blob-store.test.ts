import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { directoryStore, type BlobStore } from './blob-store.js';

async function* chunks(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(store: BlobStore, name: string): Promise<string> {
  const blob = await store.open(name);
  const memory = Buffer.alloc(4);
  let text = '';
  for (let length = memory.length; length === memory.length; ) {
    length = await blob.read(memory);
    text += memory.toString('utf8', 0, length);
  }
  await blob.close();
  await blob.close();
  return text;
}

async function namesIn(store: BlobStore): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const blob of store.list()) names.push(blob.name);
  return names.sort();
}

describe('the directory store', () => {
  let root: string;
  let store: BlobStore;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'cloison-'));
    store = await directoryStore(join(root, 'media'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('gives back what was put, piece by piece, from files only their owner may read', async () => {
    await store.put('abcdefgh', chunks('one ', 'two'));
    await store.put('-_345678', chunks());
    expect(await textOf(store, 'abcdefgh')).toBe('one two');
    expect(await textOf(store, '-_345678')).toBe('');
    expect((await stat(join(root, 'media', 'ab', 'abcdefgh'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(root, 'media', 'ab'))).mode & 0o777).toBe(0o700);
    expect(await namesIn(store)).toEqual(['-_345678', 'abcdefgh']);
  });

  it('leaves nothing of content that breaks off', async () => {
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('half');
      throw new Error('gone');
    };
    await expect(store.put('abcdefgh', broken())).rejects.toThrow('gone');
    expect(await readdir(join(root, 'media', 'ab'))).toEqual([]);
    await expect(store.open('abcdefgh')).rejects.toThrow('ENOENT');
  });

  it('deletes, also what is not there', async () => {
    await store.put('abcdefgh', chunks('x'));
    await store.delete('abcdefgh');
    await store.delete('abcdefgh');
    expect(await namesIn(store)).toEqual([]);
  });

  it.each(['../../etc/passwd', 'abcdefg/', 'abcdefg\0', '', '.', 'abcdefgh.part'])('takes no name such as %j', async (name) => {
    await expect(store.put(name, chunks('x'))).rejects.toThrow('blob name');
    await expect(store.open(name)).rejects.toThrow('blob name');
    await expect(store.delete(name)).rejects.toThrow('blob name');
  });
});
