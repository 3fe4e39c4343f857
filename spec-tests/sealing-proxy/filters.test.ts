import { describe, expect, it } from '@jest/globals';
import { inlineFilter, passes, timelineFilter, widened, widenedForSync } from './filters.js';

describe('What the server is asked for', () => {
  it('has ciphertext among the types that may come, if any may', () => {
    expect(widened({ types: ['m.room.message'], limit: 3 })).toEqual({ types: ['m.room.message', 'm.room.encrypted'], limit: 3 });
    expect(widened({ types: ['m.room.*'] })).toEqual({ types: ['m.room.*'] });
    expect(widened({ types: [] })).toEqual({ types: [] });
  });

  it('does not refuse ciphertext, nor asks for a url in it', () => {
    expect(widened({ not_types: ['m.room.*', 'm.dummy'], contains_url: true })).toEqual({ not_types: ['m.dummy'] });
  });

  it('keeps what the server must refuse', () => {
    expect(widened({ types: 'all', not_types: 7, contains_url: 'yes' })).toEqual({ types: 'all', not_types: 7, contains_url: 'yes' });
  });

  it('of a sync is the same but for the timeline', () => {
    const filter = { room: { state: { types: ['m.room.name'] }, timeline: { types: ['m.room.message'] } }, presence: { types: [] } };
    expect(widenedForSync(filter)).toEqual({ ...filter, room: { ...filter.room, timeline: { types: ['m.room.message', 'm.room.encrypted'] } } });
    expect(timelineFilter({ room: { timeline: { limit: 1 } } })).toBeUndefined();
  });
});

describe('An opened event', () => {
  const message = { type: 'm.room.message', content: { url: 'mxc://a/b' } };

  it.each([
    [{ types: ['m.room.message'] }, true], [{ types: ['m.room.*'] }, true], [{ types: ['m.room'] }, false], [{ types: ['m?room.message'] }, false], [{ types: [] }, false],
    [{ not_types: ['m.room.message'] }, false], [{ not_types: ['m.dummy'] }, true], [{ types: ['*'], not_types: ['*.message'] }, false],
    [{ contains_url: true }, true], [{ contains_url: false }, false], [{}, true],
  ])('against %j: %s', (filter, outcome) => {
    expect(passes(filter, message)).toBe(outcome);
  });
});

it('tells a filter from the id of one', () => {
  expect([inlineFilter('{"a":1}'), inlineFilter('7'), inlineFilter('abc'), inlineFilter(null)]).toEqual([{ a: 1 }, undefined, undefined, undefined]);
});
