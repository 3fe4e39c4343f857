import { describe, expect, it } from '@jest/globals';
import { verify } from 'argon2';
import { nobodysHash } from './nobodys-hash.js';
import { createPasswords } from './passwords.js';

const SECRET = Buffer.alloc(32, 1);
const saltOf = (hash: string) => hash.split('$')[4];

describe('the hash of an id that nobody has', () => {
  it('is of the cost of every other, and of no password', async () => {
    const hash = nobodysHash(SECRET, '@nobody:shard.example');
    const real = await createPasswords(1, SECRET).hashPassword('correct horse');
    const costOf = (of: string) => of.split('$').slice(1, 4).map((part) => part.split(',').sort());
    expect(costOf(hash)).toEqual(costOf(real));
    expect([saltOf(hash)?.length, hash.length]).toEqual([saltOf(real)?.length, real.length]);
    expect(await verify(hash, '')).toBe(false);
  });

  it('has a salt of its own, which only another secret changes', () => {
    const [one, again, other, elsewhere] = [['@a:x', 1], ['@a:x', 1], ['@b:x', 1], ['@a:x', 2]].map(([id, byte]) => nobodysHash(Buffer.alloc(32, Number(byte)), String(id)));
    expect(again).toBe(one);
    expect(new Set([one, other, elsewhere].map((hash) => saltOf(hash ?? ''))).size).toBe(3);
  });
});
