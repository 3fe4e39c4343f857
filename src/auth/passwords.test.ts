import { describe, expect, it } from '@jest/globals';
import { createPasswords } from './passwords.js';

describe('passwords', () => {
  it('are kept as Argon2id of 19 MiB, two passes, one lane, and found again', async () => {
    const { hashPassword, verifyPassword } = createPasswords(1);
    const hash = await hashPassword('correct horse');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
    expect(await verifyPassword('correct horse', hash)).toBe(true);
    expect(await verifyPassword('Correct horse', hash)).toBe(false);
  });

  it('are never right for somebody without a hash, which takes as long to say', async () => {
    const { hashPassword, verifyPassword } = createPasswords(1);
    const hash = await hashPassword('correct horse');
    const known = await fastest(() => verifyPassword('wrong', hash));
    const unknown = await fastest(() => verifyPassword('wrong', undefined));
    expect(await verifyPassword('', undefined)).toBe(false);
    expect(unknown / known).toBeGreaterThan(0.5);
    expect(unknown / known).toBeLessThan(2);
  });

  it('wait for their turn in order, and are refused when too many wait', async () => {
    const { verifyPassword } = createPasswords(1);
    const answered: number[] = [];
    const calls = Array.from({ length: 5 }, async (_, i) => { await verifyPassword('x', null); answered.push(i); });
    await Promise.all(calls);
    expect(answered).toEqual([0, 1, 2, 3, 4]);

    const unreadable = (): Promise<unknown> => verifyPassword('x', 'no hash at all').catch((error: { errcode?: string }) => error.errcode);
    const storm = await Promise.all(Array.from({ length: 203 }, unreadable));
    expect(storm.map((errcode, i) => (errcode === undefined ? undefined : i)).filter((i) => i !== undefined)).toEqual([201, 202]);
    expect(storm.at(-1)).toBe('M_LIMIT_EXCEEDED');
  });

  it('leave no turn taken when a stored hash cannot be read', async () => {
    const { verifyPassword } = createPasswords(1);
    await expect(verifyPassword('x', 'no hash at all')).rejects.toThrow();
    expect(await verifyPassword('x', null)).toBe(false);
  });
});

async function fastest(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}
