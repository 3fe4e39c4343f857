import { describe, expect, it } from '@jest/globals';
import type { EventRow } from '../rooms/events-store.js';
import { SharedTimelines } from './shared-timelines.js';
import type { Timeline } from './timelines.js';

const row = (seq: number): EventRow => ({ room_nid: 1, seq }) as EventRow;
type Timelines = ReadonlyMap<number, Timeline>;
const timelines = (seq: number): Timelines => new Map([[1, { rows: [row(seq)], limited: false, start: seq - 1 }]]);

describe('shared timelines', () => {
  it('make a text once for all who ask at one position', () => {
    const shared = new SharedTimelines();
    let made = 0;
    const make = (): string => `text ${(made += 1)}`;
    expect([shared.at(5).text([row(1)], make), shared.at(5).text([row(1)], make), shared.at(5).text([row(1), row(2)], make)]).toEqual(['text 1', 'text 1', 'text 2']);
  });

  it('are read once for all who ask at one position, even before the first of them has its answer', async () => {
    const at = new SharedTimelines().at(5);
    let reads = 0;
    const read = async (): Promise<Timelines> => {
      reads += 1;
      return timelines(1);
    };
    expect(await Promise.all([at.timelines('1/1/2', read), at.timelines('1/1/2', read)])).toEqual([timelines(1), timelines(1)]);
    expect(await at.timelines('1/1/2', read)).toEqual(timelines(1));
    expect(reads).toBe(1);
  });

  it('do not keep a failure', async () => {
    const at = new SharedTimelines().at(5);
    await expect(at.timelines('1/1/2', async () => { throw new Error('the connection is gone'); })).rejects.toThrow('gone');
    expect(await at.timelines('1/1/2', async () => timelines(1))).toEqual(timelines(1));
  });

  it('make the text of who is there once for all who are told of the same people', async () => {
    const at = new SharedTimelines().at(5);
    let made = 0;
    const make = async (): Promise<string> => `text ${(made += 1)}`;
    expect([await at.presence('1/5/0/7', make), await at.presence('1/5/0/7', make), await at.presence('1/5/0/7,8', make)]).toEqual(['text 1', 'text 1', 'text 2']);
  });

  it('take nothing over to the next position, not even from who is still at the last one', async () => {
    const shared = new SharedTimelines();
    const before = shared.at(5);
    const after = shared.at(6);
    const read = (seq: number) => async (): Promise<Timelines> => timelines(seq);
    await before.timelines('1/1/2', read(1));
    before.text([row(1)], () => 'before the redaction');
    expect(await after.timelines('1/1/2', read(2))).toEqual(timelines(2));
    expect(after.text([row(1)], () => 'after')).toBe('after');
    expect(await shared.at(5).timelines('1/1/2', read(3))).toEqual(timelines(3));
    expect(shared.at(6)).toBe(after);
  });
});
