import { afterAll, expect } from '@jest/globals';
import { startShard, type Person, type Shard } from './harness.js';

interface ShardOfThree {
  readonly shard: Shard;
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
}

/** A server with three people on it for the whole of a test file, which at its end may not have failed at anything. */
export async function shardOfThree(): Promise<ShardOfThree> {
  const shard = await startShard();
  afterAll(async () => {
    await shard.stop();
    expect(shard.failures()).toEqual([]);
  });
  const [alice, bob, carol] = [await shard.register(), await shard.register(), await shard.register()];
  return { shard, alice, bob, carol };
}
