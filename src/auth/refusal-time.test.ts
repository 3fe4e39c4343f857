import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { parseDeviceId, parseUserId } from '../matrix/identifiers.js';
import { refusingInTime } from './refusal-time.js';
import type { Session } from './session.js';
import { sessionOf } from './session.testing.js';

const sessionWith = (deviceNid: number): Session =>
  sessionOf({ userNid: 1, userId: parseUserId('@a:shard.example'), deviceNid, deviceId: parseDeviceId('A') });

it('begins a session’s look only when the refusal before it is due, and holds up no other session', async () => {
  const began = new Map<string, number>();
  const ask = (session: Session, name: string, refuses: boolean): Promise<void> => refusingInTime(session, async () => {
    began.set(name, performance.now());
    await wait(1);
    if (refuses) throw new Error(name);
  }).catch(() => undefined);
  const one = sessionWith(1);
  await Promise.all([ask(one, 'a', true), ask(one, 'b', true), ask(one, 'c', false), ask(sessionWith(2), 'd', false)]);
  expect([...began.keys()]).toEqual(['a', 'd', 'b', 'c']);
  const [a = NaN, d = NaN, b = NaN, c = NaN] = began.values();
  expect(d - a).toBeLessThan(b - a);
  for (const gap of [b - a, c - b]) expect(gap).toBeGreaterThan(9);
});

it('takes as long for many refusals at once whatever their looks take', async () => {
  const refuse = async (ms: number): Promise<number> => {
    const started = performance.now();
    const looks = Array.from({ length: 8 }, () => refusingInTime(sessionWith(3), async () => {
      await wait(ms);
      throw new Error('no');
    }).catch(() => undefined));
    await Promise.all(looks);
    return performance.now() - started;
  };
  // Eight waits of ten each, though the looks alone are over at once.
  expect(await refuse(0)).toBeGreaterThan(72);
  expect(await refuse(4)).toBeGreaterThan(72);
});
