import { describe, expect, it } from '@jest/globals';
import { CurrentStates } from './current-states.js';
import type { EventRow } from './events-store.js';

/** Reads states of so many events, and notes whose. */
function reader(size: number) {
  const asked: number[] = [];
  const read = (roomNid: number) => async () => {
    asked.push(roomNid);
    return Array.from({ length: size }, (_, i) => ({ seq: size - i, json: '{}', asides: null }) as EventRow);
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
});
