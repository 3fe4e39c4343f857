import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import sodium from 'libsodium-wrappers';
import type { SealedBlob } from './blob-store.js';
import { libsodium, sealing } from './sealing.js';
import { unsealed } from './unsealing.js';

const HEADER = 24;
const SEALED_PIECE = 65_536 + 17;
const key = randomBytes(32);

beforeAll(() => sodium.ready);

async function seal(chunks: readonly Uint8Array[]): Promise<Buffer> {
  const out: Buffer[] = [];
  await pipeline(Readable.from(chunks), sealing(key), async (result: AsyncIterable<Buffer>) => {
    for await (const chunk of result) out.push(chunk);
  });
  return Buffer.concat(out);
}

function blobOf(bytes: Buffer): SealedBlob & { readonly closed: () => number } {
  let at = 0;
  let closed = 0;
  return {
    read: async (into) => {
      const read = bytes.copy(into, 0, at);
      at += read;
      return read;
    },
    close: async () => { closed += 1; },
    closed: () => closed,
  };
}

async function unseal(bytes: Buffer, withKey: Uint8Array = key): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const piece of unsealed(blobOf(bytes), withKey)) out.push(Buffer.from(piece));
  return Buffer.concat(out);
}

function cut(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

describe('C5: a sealed blob', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 262_144, 300_001])('of %i bytes unseals to what was sealed, however it is cut', async (size) => {
    const plain = randomBytes(size);
    const sealed = await seal(cut(plain, 10_007));
    expect(sealed.length).toBe(HEADER + size + 17 * Math.max(1, Math.ceil(size / 65_536)));
    expect((await unseal(sealed)).equals(plain)).toBe(true);
  });

  it('unseals to what libsodium itself unseals it to', async () => {
    const sealed = await seal([randomBytes(65_536), randomBytes(1000)]);
    const state = sodium.crypto_secretstream_xchacha20poly1305_init_pull(sealed.subarray(0, HEADER), key);
    const opened = cut(sealed.subarray(HEADER), SEALED_PIECE).map((piece) => {
      const result = sodium.crypto_secretstream_xchacha20poly1305_pull(state, piece, null);
      if (result === false) throw new Error('libsodium does not unseal it');
      return result.message;
    });
    expect((await unseal(sealed)).equals(Buffer.concat(opened))).toBe(true);
  });

  it('is not what was sealed', async () => {
    const sealed = await seal([Buffer.alloc(200_000, 'plaintext ')]);
    expect(sealed.includes('plaintext')).toBe(false);
  });

  it.each([0, HEADER, HEADER + 5, HEADER + SEALED_PIECE, HEADER + 2 * SEALED_PIECE + 3])('with byte %i changed does not unseal', async (at) => {
    const sealed = await seal([randomBytes(140_000)]);
    sealed[at] = (sealed[at] ?? 0) ^ 1;
    await expect(unseal(sealed)).rejects.toThrow('damaged');
  });

  it.each([0, 10, HEADER, HEADER + 16, HEADER + 17, HEADER + 1000, HEADER + SEALED_PIECE, HEADER + 2 * SEALED_PIECE, HEADER + 2 * SEALED_PIECE + 20])(
    'that ends after %i bytes fails instead of ending',
    async (length) => {
      const sealed = await seal([randomBytes(140_000)]);
      await expect(unseal(sealed.subarray(0, length))).rejects.toThrow(/truncated|damaged|header/);
    },
  );

  it('whose pieces are exchanged, repeated or left out does not unseal', async () => {
    const sealed = await seal([randomBytes(3 * 65_536)]);
    const header = sealed.subarray(0, HEADER);
    const [a, b, c] = cut(sealed.subarray(HEADER), SEALED_PIECE) as [Buffer, Buffer, Buffer];
    for (const pieces of [[b, a, c], [a, a, b, c], [a, c], [c], [a, b, c, c]]) {
      await expect(unseal(Buffer.concat([header, ...pieces]))).rejects.toThrow(/damaged|after its end/);
    }
  });

  it.each([65_536, 131_072, 200_000])('of %i bytes with bytes after its end does not unseal', async (size) => {
    const sealed = await seal([randomBytes(size)]);
    for (const after of [1, SEALED_PIECE]) await expect(unseal(Buffer.concat([sealed, Buffer.alloc(after)]))).rejects.toThrow(/damaged|after its end/);
  });

  it('gives its memory to another blob only when all of it was taken', async () => {
    const [left, other] = [randomBytes(300_000), randomBytes(300_000)];
    const reading = unsealed(blobOf(await seal([left])), key)[Symbol.asyncIterator]();
    const { value: first } = (await reading.next()) as { value: Uint8Array };
    await reading.return?.();
    expect((await unseal(await seal([other]))).equals(other)).toBe(true);
    expect(left.subarray(0, first.length).equals(first)).toBe(true);
  });

  it('does not unseal under another key', async () => {
    const sealed = await seal([randomBytes(10)]);
    await expect(unseal(sealed, randomBytes(32))).rejects.toThrow('damaged');
  });

  it('is closed when it was read to its end, failed on the way, was read in part or not at all', async () => {
    const sealed = await seal([randomBytes(300_000)]);
    const readToEnd = blobOf(sealed);
    for await (const piece of unsealed(readToEnd, key)) expect(piece.length).toBeGreaterThan(0);
    const failed = blobOf(sealed.subarray(0, 200_000));
    await expect((async () => { for await (const piece of unsealed(failed, key)) expect(piece.length).toBeGreaterThan(0); })()).rejects.toThrow();
    const inPart = blobOf(sealed);
    for await (const piece of unsealed(inPart, key)) if (piece.length > 0) break;
    const notAtAll = blobOf(sealed);
    await unsealed(notAtAll, key).close();
    expect([readToEnd, failed, inPart, notAtAll].map((blob) => blob.closed())).toEqual([1, 1, 1, 1]);
  });

  it('leaves nothing behind in libsodium', async () => {
    const freeAddresses = (): number[] => [52, 200_000].map((bytes) => {
      const address = libsodium()._malloc(bytes);
      libsodium()._free(address);
      return address;
    });
    await unseal(await seal([Buffer.alloc(10)]));
    const before = freeAddresses();
    for (let i = 0; i < 500; i += 1) await unseal(await seal([Buffer.alloc(10)]));
    expect(freeAddresses()).toEqual(before);
  });
});
