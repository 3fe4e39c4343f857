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
    shared.at(5).keepRows('1/1/2', [row(1)]);
    expect(shared.at(5).rows('1/1/2')).toEqual([row(1)]);
  });

  it('take nothing over to the next position, not even from who is still at the last one', () => {
    const shared = new SharedTimelines();
    const before = shared.at(5);
    const after = shared.at(6);
    before.keepRows('1/1/2', [row(1)]);
    before.text([row(1)], () => 'before the redaction');
    expect(after.rows('1/1/2')).toBeUndefined();
    expect(after.text([row(1)], () => 'after')).toBe('after');
    expect(shared.at(5).rows('1/1/2')).toBeUndefined();
    expect(shared.at(6)).toBe(after);
  });
});
