import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Transform } from 'node:stream';
import { beforeAll, describe, expect, it } from '@jest/globals';
import sodium from 'libsodium-wrappers';
import { sealing, unsealing } from './sealing.js';

const HEADER = 24;
const SEALED_PIECE = 65_536 + 17;
const key = randomBytes(32);

beforeAll(() => sodium.ready);

async function through(transform: Transform, chunks: readonly Uint8Array[]): Promise<Buffer> {
  const out: Buffer[] = [];
  await pipeline(Readable.from(chunks), transform, async (result: AsyncIterable<Buffer>) => {
    for await (const chunk of result) out.push(chunk);
  });
  return Buffer.concat(out);
}

function cut(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

describe('C5: a sealed blob', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 131_072, 300_001])('of %i bytes unseals to what was sealed, however it is cut', async (size) => {
    const plain = randomBytes(size);
    const sealed = await through(sealing(key), cut(plain, 10_007));
    expect(sealed.length).toBe(HEADER + size + 17 * Math.max(1, Math.ceil(size / 65_536)));
    expect((await through(unsealing(key), cut(sealed, 70_001))).equals(plain)).toBe(true);
    expect((await through(unsealing(key), cut(sealed, 333))).equals(plain)).toBe(true);
  });

  it('is not what was sealed', async () => {
    const sealed = await through(sealing(key), [Buffer.alloc(200_000, 'plaintext ')]);
    expect(sealed.includes('plaintext')).toBe(false);
  });

  it.each([0, HEADER, HEADER + 5, HEADER + SEALED_PIECE, HEADER + 2 * SEALED_PIECE + 3])('with byte %i changed does not unseal', async (at) => {
    const sealed = await through(sealing(key), [randomBytes(140_000)]);
    sealed[at] = (sealed[at] ?? 0) ^ 1;
    await expect(through(unsealing(key), [sealed])).rejects.toThrow('damaged');
  });

  it.each([0, 10, HEADER, HEADER + 16, HEADER + 17, HEADER + 1000, HEADER + SEALED_PIECE, HEADER + 2 * SEALED_PIECE, HEADER + 2 * SEALED_PIECE + 20])(
    'that ends after %i bytes fails instead of ending',
    async (length) => {
      const sealed = await through(sealing(key), [randomBytes(140_000)]);
      await expect(through(unsealing(key), [sealed.subarray(0, length)])).rejects.toThrow(/truncated|damaged|header/);
    },
  );

  it('whose pieces are exchanged, repeated or left out does not unseal', async () => {
    const sealed = await through(sealing(key), [randomBytes(3 * 65_536)]);
    const header = sealed.subarray(0, HEADER);
    const [a, b, c] = cut(sealed.subarray(HEADER), SEALED_PIECE) as [Buffer, Buffer, Buffer];
    for (const pieces of [[b, a, c], [a, a, b, c], [a, c], [c], [a, b, c, c]]) {
      await expect(through(unsealing(key), [header, ...pieces])).rejects.toThrow(/damaged|after its end/);
    }
  });

  it('with bytes after its end does not unseal', async () => {
    const sealed = await through(sealing(key), [randomBytes(65_536)]);
    await expect(through(unsealing(key), [sealed, Buffer.from([0])])).rejects.toThrow(/damaged|after its end/);
  });

  it('does not unseal under another key', async () => {
    const sealed = await through(sealing(key), [randomBytes(10)]);
    await expect(through(unsealing(randomBytes(32)), [sealed])).rejects.toThrow('damaged');
  });

  it('leaves no state behind in libsodium', async () => {
    const { libsodium } = sodium as unknown as { libsodium: { _malloc(bytes: number): number; _free(address: number): void } };
    const stateAddress = (): number => {
      const address = libsodium._malloc(52);
      libsodium._free(address);
      return address;
    };
    const before = stateAddress();
    for (let i = 0; i < 500; i += 1) await through(unsealing(key), [await through(sealing(key), [Buffer.alloc(10)])]);
    expect(stateAddress()).toBe(before);
  });
});
