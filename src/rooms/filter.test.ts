import { describe, expect, it } from '@jest/globals';
import { letsAllPass, limitOf, passes, wantsRoom } from './filter.js';

const message = { type: 'm.room.encrypted', sender: '@a:x', hasUrl: false };

describe('a filter', () => {
  it('that is absent or empty lets all pass, and says so', () => {
    for (const filter of [undefined, {}, { limit: 3, lazy_load_members: true }]) {
      expect(passes(filter, message)).toBe(true);
      expect(letsAllPass(filter)).toBe(true);
    }
    for (const filter of [{ types: [] }, { not_types: [] }, { senders: [] }, { not_senders: [] }, { contains_url: false }]) expect(letsAllPass(filter)).toBe(false);
  });

  it.each([
    [{ types: ['m.room.encrypted'] }, true],
    [{ types: ['m.reaction'] }, false],
    [{ types: [] }, false],
    [{ types: ['m.room.*'] }, true],
    [{ types: ['*'] }, true],
    [{ types: ['m.*.encrypted'] }, true],
    [{ types: ['*.room.*ted'] }, true],
    [{ types: ['m.room.encrypted*'] }, true],
    [{ types: ['m.room.encrypted.*'] }, false],
    [{ types: ['m.room.encry*rypted'] }, false],
    [{ not_types: ['m.room.*'] }, false],
    [{ types: ['m.room.encrypted'], not_types: ['m.room.encrypted'] }, false],
    [{ senders: ['@a:x'] }, true],
    [{ senders: ['@b:x'] }, false],
    [{ senders: [] }, false],
    [{ senders: ['@a:x'], not_senders: ['@a:x'] }, false],
    [{ contains_url: true }, false],
    [{ contains_url: false }, true],
  ])('%j lets a message pass: %j', (filter, expected) => {
    expect(passes(filter, message)).toBe(expected);
  });

  it('does not hold what has no sender and no content to conditions on those', () => {
    expect(passes({ senders: ['@b:x'], contains_url: true }, { type: 'm.typing' })).toBe(true);
  });
});

it('a room is wanted when it is named or nothing is, and never when it is excluded', () => {
  expect(wantsRoom(undefined, '!a:x')).toBe(true);
  expect(wantsRoom({ rooms: ['!a:x'] }, '!a:x')).toBe(true);
  expect(wantsRoom({ rooms: ['!b:x'] }, '!a:x')).toBe(false);
  expect(wantsRoom({ rooms: ['!a:x'], not_rooms: ['!a:x'] }, '!a:x')).toBe(false);
});

it('a limit stays within reason', () => {
  expect([limitOf(undefined, 10, 100), limitOf({ limit: 0 }, 10, 100), limitOf({ limit: 50 }, 10, 100), limitOf({ limit: 5000 }, 10, 100)]).toEqual([10, 1, 50, 100]);
  expect(() => limitOf({ limit: -1 }, 10, 100)).toThrow('negative');
});
