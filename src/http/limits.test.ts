import { describe, expect, it } from '@jest/globals';
import { MatrixError } from '../matrix/errors.js';
import { createBuckets, createSpend } from './limits.js';
import { noLimits } from './limits.testing.js';

const waitOf = (act: () => void): unknown => {
  try {
    act();
  } catch (error) {
    return error instanceof MatrixError ? error.details.body?.['retry_after_ms'] : error;
  }
  return undefined;
};

describe('a bucket', () => {
  it('lets a burst through, then so many a second, and says when to come back', () => {
    let now = 0;
    const buckets = createBuckets(() => now, { perSecond: 0.5, burst: 3 });
    for (let i = 0; i < 3; i += 1) buckets.spend('a');
    expect(waitOf(() => { buckets.spend('a'); })).toBe(2000);
    expect(waitOf(() => { buckets.spend('b'); })).toBeUndefined();
    now = 1999;
    expect(waitOf(() => { buckets.check('a'); })).toBe(1);
    now = 2000;
    expect(waitOf(() => { buckets.spend('a'); })).toBeUndefined();
    expect(waitOf(() => { buckets.spend('a'); })).toBe(2000);
  });

  it('that never refills still answers with a number', () => {
    const buckets = createBuckets(() => 0, { perSecond: 0, burst: 1 });
    buckets.spend('a');
    expect(waitOf(() => { buckets.spend('a'); })).toBe(3_600_000);
  });
});

it('a limit by several keys takes from all or from none', () => {
  const spend = createSpend(() => 0, {
    ...noLimits,
    join: [{ by: 'user', perSecond: 1, burst: 1 }, { by: 'room', perSecond: 1, burst: 1 }],
  });
  spend('join', { user: 'u1', address: 'a', room: 'r1' });
  expect(waitOf(() => { spend('join', { user: 'u2', address: 'a', room: 'r1' }); })).toBe(1000);
  expect(waitOf(() => { spend('join', { user: 'u2', address: 'a', room: 'r2' }); })).toBeUndefined();
  spend('send', { user: 'u1', address: 'a', room: 'r1' });
});
