import { describe, expect, it } from '@jest/globals';
import { CurrentStates } from './current-states.js';
import type { EventRow } from './events-store.js';

/** Reads states of so many events, and notes whose. */
function reader(size: number) {
  const asked: number[] = [];
  const read = (roomNid: number) => async () => {
    asked.push(roomNid);
    return Array.from({ length: size }, (_, i) => ({ seq: size - i }) as EventRow);
  };
  return { asked, read };
}

describe('current states', () => {
  it('are read once for a state, in order, and again when it has changed', async () => {
    const { asked, read } = reader(3);
    const states = new CurrentStates();
    expect((await states.of(1, 7, read(1))).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await states.of(1, 7, read(1));
    await states.of(1, 8, read(1));
    expect(asked).toEqual([1, 1]);
  });

  it('are not replaced by what a reader of an older snapshot read', async () => {
    const { asked, read } = reader(3);
    const states = new CurrentStates();
    for (const stateSeq of [8, 7, 8]) await states.of(1, stateSeq, read(1));
    expect(asked).toEqual([1, 1]);
  });

  it('make room for others, the oldest first, and none is kept that is larger than all the room there is', async () => {
    const { asked, read } = reader(4000);
    const states = new CurrentStates();
    for (const roomNid of [1, 2, 3, 3, 2, 1]) await states.of(roomNid, 7, read(roomNid));
    expect(asked).toEqual([1, 2, 3, 1]);
    const huge = reader(10_001);
    for (const roomNid of [4, 4]) await states.of(roomNid, 7, huge.read(roomNid));
    expect(huge.asked).toEqual([4, 4]);
  });
});
