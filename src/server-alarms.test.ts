import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { inferenceAlarm } from './server-alarms.js';
import { configOf, newHome, type Home } from './server.testing.js';

let home: Home;
beforeAll(() => { home = newHome(); });
afterAll(() => { home.remove(); });

it('warns of many inferred grants, by numbers of our own and nothing else (B15)', () => {
  const lines: string[] = [];
  const log = pino({ base: null, timestamp: false }, new Writable({ write: (chunk: Buffer, _, done) => { lines.push(chunk.toString()); done(); } }));
  const { perHour, sound } = inferenceAlarm(configOf(home), log);
  expect(perHour).toBe(30);
  sound({ readerNid: 7, forwarderNid: 9, inOneHour: 30 });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { level: 40, alarm: 'inferred grants', readerNid: 7, forwarderNid: 9, inOneHour: 30, msg: 'one person opens many files that others may have forwarded' },
  ]);
});
