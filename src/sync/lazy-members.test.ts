import { beforeEach, describe, expect, it } from '@jest/globals';
import { LazyMembers } from './lazy-members.js';

const DEVICE = 7;

describe('lazily loaded members', () => {
  let lazy: LazyMembers;
  beforeEach(() => { lazy = new LazyMembers(); });
  const has = (member: string): boolean => lazy.has(DEVICE, member);

  it('count as sent once the device comes with the token of their answer', () => {
    lazy.tell(DEVICE, ['1/@a'], 10);
    expect(has('1/@a')).toBe(false);
    lazy.received(DEVICE, 5);
    expect(has('1/@a')).toBe(false);
    lazy.received(DEVICE, 10);
    expect(has('1/@a')).toBe(true);
    lazy.received(DEVICE, 20);
    expect([has('1/@a'), has('2/@a'), lazy.has(8, '1/@a')]).toEqual([true, false, false]);
  });

  it('do not when a later answer, which did not tell of them, arrived instead', () => {
    lazy.tell(DEVICE, ['1/@a'], 10);
    lazy.tell(DEVICE, ['1/@b'], 12);
    lazy.received(DEVICE, 12);
    expect([has('1/@a'), has('1/@b')]).toEqual([false, true]);
    lazy.received(DEVICE, 10);
    expect([has('1/@a'), has('1/@b')]).toEqual([false, false]);
  });

  it('are forgotten when the device goes back to before it was told', () => {
    lazy.tell(DEVICE, ['1/@a'], 10);
    lazy.received(DEVICE, 10);
    lazy.tell(DEVICE, ['1/@b'], 20);
    lazy.received(DEVICE, 20);
    lazy.received(DEVICE, 15);
    expect([has('1/@a'), has('1/@b')]).toEqual([true, false]);
    lazy.received(DEVICE, 20);
    expect(has('1/@b')).toBe(false);
  });

  it('begin anew with a device, or with a room it comes back to', () => {
    lazy.tell(DEVICE, ['1/@a', '12/@a'], 10);
    lazy.received(DEVICE, 10);
    lazy.forgetRoom(DEVICE, 1);
    expect([has('1/@a'), has('12/@a')]).toEqual([false, true]);
    lazy.forget(DEVICE);
    expect(has('12/@a')).toBe(false);
  });

  it('take only so much memory', () => {
    for (let upTo = 1; upTo <= 20; upTo += 1) lazy.tell(DEVICE, ['1/@a'], upTo);
    lazy.received(DEVICE, 1);
    expect(has('1/@a')).toBe(false);
    lazy.received(DEVICE, 20);
    expect(has('1/@a')).toBe(true);
    lazy.tell(DEVICE, Array.from({ length: 6000 }, (_, i) => `2/@${i}`), 30);
    lazy.received(DEVICE, 30);
    expect(has('2/@1')).toBe(false);
  });
});
