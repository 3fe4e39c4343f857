import { describe, expect, it } from '@jest/globals';
import { createPasswords } from './passwords.js';

const SECRET = Buffer.alloc(32, 1);
const SOMEBODY = '@somebody:shard.example';

describe('passwords', () => {
  it('are kept as Argon2id of 19 MiB, two passes, one lane, and found again', async () => {
    const { hashPassword, verifyPassword } = createPasswords(1, SECRET);
    const hash = await hashPassword('correct horse');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
    expect(await verifyPassword('correct horse', SOMEBODY, hash)).toBe(true);
    expect(await verifyPassword('Correct horse', SOMEBODY, hash)).toBe(false);
  });

  it('are never right for somebody without a hash, which takes as long to say', async () => {
    const { hashPassword, verifyPassword } = createPasswords(1, SECRET);
    const hash = await hashPassword('correct horse');
    expect(await verifyPassword('', SOMEBODY, undefined)).toBe(false);
    // In turns, the fastest of each: whatever else the machine does only adds to it, so more tries come closer to what it costs.
    let [known, unknown] = [Infinity, Infinity];
    for (let i = 0; i < 5 || (i < 60 && !isAlike(known, unknown)); i += 1) {
      known = Math.min(known, await timed(() => verifyPassword('wrong', SOMEBODY, hash)));
      unknown = Math.min(unknown, await timed(() => verifyPassword('wrong', SOMEBODY, undefined)));
    }
    expect({ known, unknown, isAlike: isAlike(known, unknown) }).toMatchObject({ isAlike: true });
  });

  it('wait for their turn in order, and are refused when too many wait', async () => {
    const { verifyPassword } = createPasswords(1, SECRET);
    const answered: number[] = [];
    const calls = Array.from({ length: 5 }, async (_, i) => { await verifyPassword('x', SOMEBODY, null); answered.push(i); });
    await Promise.all(calls);
    expect(answered).toEqual([0, 1, 2, 3, 4]);

    const unreadable = (): Promise<unknown> => verifyPassword('x', SOMEBODY, 'no hash at all').catch((error: { errcode?: string }) => error.errcode);
    const storm = await Promise.all(Array.from({ length: 203 }, unreadable));
    expect(storm.map((errcode, i) => (errcode === undefined ? undefined : i)).filter((i) => i !== undefined)).toEqual([201, 202]);
    expect(storm.at(-1)).toBe('M_LIMIT_EXCEEDED');
  });

  it('leave no turn taken when a stored hash cannot be read', async () => {
    const { verifyPassword } = createPasswords(1, SECRET);
    await expect(verifyPassword('x', SOMEBODY, 'no hash at all')).rejects.toThrow();
    expect(await verifyPassword('x', SOMEBODY, null)).toBe(false);
  });
});

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function isAlike(known: number, unknown: number): boolean {
  return unknown / known > 0.5 && unknown / known < 2;
}
