import { describe, expect, it } from '@jest/globals';
import { parseEventId, parseUserId } from '../matrix/identifiers.js';
import { StateCache, type StateEvent } from './room-state.js';

const ROOM = 1;
const event = (seq: number, name: string): StateEvent => ({ eventId: parseEventId(`$${name}`), sender: parseUserId('@alice:shard.example'), content: { name }, seq });
const at = ({ seq, eventId }: StateEvent): { seq: number; eventId: StateEvent['eventId'] } => ({ seq, eventId });
const nobodyKnows = (seq: number): { seq: number; eventId: undefined } => ({ seq, eventId: undefined });

describe('what is kept of the state of a room', () => {
  const [first, second, other, third] = [event(1, 'first'), event(2, 'second'), event(2, 'other'), event(3, 'third')];

  it('holds for the seq it was read at, and for no other', () => {
    const cache = new StateCache();
    cache.keep(ROOM, 1, new Map([['name', first]]));
    expect(cache.entriesAt(ROOM, nobodyKnows(1))?.get('name')).toBe(first);
    expect([cache.entriesAt(ROOM, nobodyKnows(2)), cache.entriesAt(2, nobodyKnows(1))]).toEqual([undefined, undefined]);
  });

  it('is taken over by the next event, but for what that one changes', () => {
    const cache = new StateCache();
    cache.keep(ROOM, 1, new Map([['name', first], ['topic', first]]));
    cache.follow(ROOM, nobodyKnows(1), second, [['name', second]]);
    expect([...cache.entriesAt(ROOM, at(second)) ?? []]).toEqual([['name', second], ['topic', first]]);
    expect(cache.entriesAt(ROOM, nobodyKnows(1))).toBeUndefined();
  });

  it('holds before the commit for who finds that very event at the end of the room, and after it for everybody', () => {
    const cache = new StateCache();
    cache.follow(ROOM, nobodyKnows(1), second, [['name', second]]);
    expect([cache.entriesAt(ROOM, nobodyKnows(2)), cache.entriesAt(ROOM, at(other))]).toEqual([undefined, undefined]);
    expect(cache.entriesAt(ROOM, at(second))?.get('name')).toBe(second);
    cache.committed(ROOM, other.eventId);
    expect(cache.entriesAt(ROOM, nobodyKnows(2))).toBeUndefined();
    cache.committed(ROOM, second.eventId);
    expect(cache.entriesAt(ROOM, nobodyKnows(2))?.get('name')).toBe(second);
  });

  it('is forgotten when its transaction came to nothing, whatever takes its seq', () => {
    const cache = new StateCache();
    cache.keep(ROOM, 1, new Map([['topic', first]]));
    cache.follow(ROOM, nobodyKnows(1), second, [['name', second]]);
    expect(cache.entriesAt(ROOM, nobodyKnows(1))).toBeUndefined();
    cache.follow(ROOM, nobodyKnows(1), other, [['topic', other]]);
    expect([...cache.entriesAt(ROOM, at(other)) ?? []]).toEqual([['topic', other]]);
    cache.committed(ROOM, other.eventId);
    cache.follow(ROOM, nobodyKnows(2), third, []);
    expect([...cache.entriesAt(ROOM, at(third)) ?? []]).toEqual([['topic', other]]);
  });

  it('is never put back by what was read before', () => {
    const cache = new StateCache();
    cache.follow(ROOM, nobodyKnows(1), second, [['name', second]]);
    cache.keep(ROOM, 1, new Map([['name', first]]));
    expect(cache.entriesAt(ROOM, at(second))?.get('name')).toBe(second);
  });

  it('has an end, however many people act in one room', () => {
    const cache = new StateCache();
    let before = first;
    for (let seq = 2; seq < 1000; seq += 1) {
      const next = event(seq, `e${seq}`);
      cache.follow(ROOM, at(before), next, [[`member ${seq}`, next]]);
      before = next;
    }
    expect(cache.entriesAt(ROOM, at(before))?.size).toBeLessThanOrEqual(256);
  });
});
