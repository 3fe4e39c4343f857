import { expect, it } from '@jest/globals';
import { relationOf, threadRootOf } from './relations.js';

it('reads what an event points at', () => {
  expect(relationOf({ 'm.relates_to': { rel_type: 'm.replace', event_id: '$a' } })).toEqual({ relType: 'm.replace', targetId: '$a' });
  expect(relationOf({ 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key: '👍' } })).toEqual({ relType: 'm.annotation', targetId: '$a', key: '👍' });
});

it('a key belongs to annotations only', () => {
  expect(relationOf({ 'm.relates_to': { rel_type: 'm.thread', event_id: '$a', key: 'x' } })).toEqual({ relType: 'm.thread', targetId: '$a' });
  expect(relationOf({ 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key: 7 } })).toEqual({ relType: 'm.annotation', targetId: '$a' });
});

it.each([
  [{}],
  [{ 'm.relates_to': null }],
  [{ 'm.relates_to': 'm.thread' }],
  [{ 'm.relates_to': [{ rel_type: 'm.thread', event_id: '$a' }] }],
  [{ 'm.relates_to': { event_id: '$a' } }],
  [{ 'm.relates_to': { rel_type: 'm.thread' } }],
  [{ 'm.relates_to': { rel_type: 1, event_id: '$a' } }],
  [{ 'm.relates_to': { 'm.in_reply_to': { event_id: '$a' } } }],
])('%j points at nothing', (content) => {
  expect(relationOf(content)).toBeUndefined();
  expect(threadRootOf(content)).toBeUndefined();
});

it('only m.thread makes a thread', () => {
  expect(threadRootOf({ 'm.relates_to': { rel_type: 'm.thread', event_id: '$root', is_falling_back: true, 'm.in_reply_to': { event_id: '$last' } } })).toBe('$root');
  expect(threadRootOf({ 'm.relates_to': { rel_type: 'm.reference', event_id: '$root' } })).toBeUndefined();
});
