import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { newUserId } from '../matrix/identifiers.js';
import { engines } from '../storage/engines.testing.js';
import { hideUser } from './people-store.js';
import { openDirectory, type Directory } from './shard.testing.js';

const SAMPLES = 500;
const ROUNDS = 4;
/** Of two alike, the share of pairs in which the first is longer strays from a half by less than this: four sigmas are 0.09. */
const STRAY = 0.1;

// Another id each time, so that every question is charged: what the black-box test repeats is charged once.
describe('what is asked for the first time', () => {
  let shard: Directory;
  let eve: Session;
  beforeEach(async () => {
    const [engine] = engines;
    if (engine === undefined) throw new Error('there is no engine');
    shard = await openDirectory(engine, { perDay: 1e6, perWeek: 1e6 });
    eve = await shard.person('eve');
    await shard.db.transaction(async (tx) => {
      for (let i = 0; i < SAMPLES * ROUNDS; i += 1) await hideUser(tx, await shard.account(tx, `hidden${i}`), 0);
    });
  });
  afterEach(() => shard.drop());

  it('takes as long when it is hidden as when it is nobody: a search', async () => {
    const timed = async (name: string): Promise<number> => {
      const started = performance.now();
      expect(await shard.search(eve, newUserId(name, shard.deps.serverName))).toEqual([]);
      return performance.now() - started;
    };
    const times: [number, number][] = [];
    const stray = (): number => Math.abs(times.filter(([hidden, nobody]) => hidden > nobody).length / times.length - 0.5);
    // What a busy machine did to one round is lost among the others, and a difference that is there stays.
    for (let i = 0; i < SAMPLES || (i < SAMPLES * ROUNDS && (i % SAMPLES > 0 || stray() >= STRAY)); i += 1) {
      const isFirst = i % 2 === 0;
      const early = await timed(isFirst ? `hidden${i}` : `nobody${i}`);
      const late = await timed(isFirst ? `nobody${i}` : `hidden${i}`);
      times.push(isFirst ? [early, late] : [late, early]);
    }
    expect(stray()).toBeLessThan(STRAY);
  });
});
