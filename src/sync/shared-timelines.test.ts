import { describe, expect, it } from '@jest/globals';
import type { EventRow } from '../rooms/events-store.js';
import { SharedTimelines } from './shared-timelines.js';

const row = (seq: number): EventRow => ({ room_nid: 1, seq }) as EventRow;

describe('shared timelines', () => {
  it('make a text once for all who ask at one position', () => {
    const shared = new SharedTimelines();
    let made = 0;
    const make = (): string => `text ${(made += 1)}`;
    expect([shared.at(5).text([row(1)], make), shared.at(5).text([row(1)], make), shared.at(5).text([row(1), row(2)], make)]).toEqual(['text 1', 'text 1', 'text 2']);
  });

  it('read rows once for all who ask at one position, even before the first of them has its answer', async () => {
    const at = new SharedTimelines().at(5);
    let reads = 0;
    const read = async (): Promise<readonly EventRow[]> => {
      reads += 1;
      return [row(1)];
    };
    expect(await Promise.all([at.rows('1/1/2', read), at.rows('1/1/2', read)])).toEqual([[row(1)], [row(1)]]);
    expect(await at.rows('1/1/2', read)).toEqual([row(1)]);
    expect(reads).toBe(1);
  });

  it('do not keep a failure', async () => {
    const at = new SharedTimelines().at(5);
    await expect(at.rows('1/1/2', async () => { throw new Error('the connection is gone'); })).rejects.toThrow('gone');
    expect(await at.rows('1/1/2', async () => [row(1)])).toEqual([row(1)]);
  });

  it('take nothing over to the next position, not even from who is still at the last one', async () => {
    const shared = new SharedTimelines();
    const before = shared.at(5);
    const after = shared.at(6);
    const read = (seq: number) => async (): Promise<readonly EventRow[]> => [row(seq)];
    await before.rows('1/1/2', read(1));
    before.text([row(1)], () => 'before the redaction');
    expect(await after.rows('1/1/2', read(2))).toEqual([row(2)]);
    expect(after.text([row(1)], () => 'after')).toBe('after');
    expect(await shared.at(5).rows('1/1/2', read(3))).toEqual([row(3)]);
    expect(shared.at(6)).toBe(after);
  });
});
