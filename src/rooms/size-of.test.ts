import { describe, expect, it } from '@jest/globals';
import type { EventRow } from './events-store.js';
import { sizeOf } from './size-of.js';

describe('the size of what is kept of rooms', () => {
  it('counts an event by its texts', () => {
    const row = (json: string, asides: string | null): EventRow => ({ json, asides }) as EventRow;
    expect(sizeOf([row('x'.repeat(60_000), null)])).toBeGreaterThan(60_000);
    expect(sizeOf([row('', 'y'.repeat(60_000)), row('', null)])).toBeGreaterThan(60_000);
  });
});
