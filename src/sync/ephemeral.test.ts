import { describe, expect, it } from '@jest/globals';
import type { ReceiptRow } from '../rooms/receipts-store.js';
import { ephemeralOf } from './ephemeral.js';

const receipt = (user: string, event: string, thread = '', type = 'm.read'): ReceiptRow =>
  ({ room_nid: 1, user_id: user, receipt_type: type, thread_id: thread, event_id: event, ts: 9 }) as unknown as ReceiptRow;
const nothing = new Set<number>();
const all = new Set([1, 2]);
const parsed = (texts: readonly string[] | undefined) => (texts ?? []).map((text) => JSON.parse(text) as unknown);

describe('ephemeral events', () => {
  it('are one m.receipt a room, by event, type and person', () => {
    const receipts = [receipt('@a:x', '$1'), receipt('@b:x', '$1', 'main'), receipt('@a:x', '$2', '', 'm.read.private')];
    expect(parsed(ephemeralOf(receipts, [], { fresh: nothing, told: all }).get(1))).toEqual([
      { type: 'm.receipt', content: { $1: { 'm.read': { '@a:x': { ts: 9 }, '@b:x': { ts: 9, thread_id: 'main' } } }, $2: { 'm.read.private': { '@a:x': { ts: 9 } } } } },
    ]);
  });

  it.each([[['', '$root']], [['$root', '']]])('tell of the unthreaded receipt where two meet, in the order %j', ([first = '', second = '']) => {
    const texts = ephemeralOf([receipt('@a:x', '$1', first), receipt('@a:x', '$1', second)], [], { fresh: nothing, told: all });
    expect(parsed(texts.get(1))).toMatchObject([{ content: { $1: { 'm.read': { '@a:x': { ts: 9 } } } } }]);
    expect(texts.get(1)?.[0]).not.toContain('thread_id');
  });

  it('say that nobody types any more, but not to who knew of nobody', () => {
    const typing = [{ room_nid: 1, user_id: null }, { room_nid: 2, user_id: null }, { room_nid: 2, user_id: '@a:x' }];
    const texts = ephemeralOf([], typing, { fresh: new Set([1]), told: all });
    expect(texts.get(1)).toBeUndefined();
    expect(parsed(texts.get(2))).toEqual([{ type: 'm.typing', content: { user_ids: ['@a:x'] } }]);
    expect(parsed(ephemeralOf([], typing, { fresh: nothing, told: all }).get(1))).toEqual([{ type: 'm.typing', content: { user_ids: [] } }]);
  });

  it('are left out of rooms a filter leaves out', () => {
    expect(ephemeralOf([receipt('@a:x', '$1')], [], { fresh: nothing, told: new Set([2]) }).size).toBe(0);
  });
});
