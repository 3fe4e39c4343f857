import { describe, expect, it } from '@jest/globals';
import type { StateStretch } from './state-store.js';
import { visibilityOf, visibleWithin } from './visibility.js';

const stretch = (type: string, content: object, since_seq: number, until_seq: number | null): StateStretch =>
  ({ room_nid: 1, type, content: JSON.stringify(content), since_seq, until_seq });
const member = (membership: string, since: number, until: number | null) => stretch('m.room.member', { membership }, since, until);
const history = (history_visibility: string, since: number, until: number | null) => stretch('m.room.history_visibility', { history_visibility }, since, until);

/** Invited at 10, joined at 20, left at 30; invited again at 40, joined at 50. */
const twice = [member('invite', 10, 20), member('join', 20, 30), member('leave', 30, 40), member('invite', 40, 50), member('join', 50, null)];
const FIRST = history('shared', 5, 5);
const seen = (stretches: readonly StateStretch[], seqs: readonly number[]) => seqs.filter((seq) => visibilityOf(stretches).sees(seq));

describe('history visibility', () => {
  it('shared: all of it to who joined at any point after', () => {
    expect(seen([history('shared', 5, null), ...twice], [1, 5, 10, 20, 30, 35, 45, 60])).toEqual([1, 5, 10, 20, 30, 35, 45, 60]);
  });

  it('shared: up to one\'s leaving, which one sees', () => {
    const left = [history('shared', 5, null), member('join', 20, 30), member('leave', 30, null)];
    expect(seen(left, [1, 20, 29, 30, 31])).toEqual([1, 20, 29, 30]);
  });

  it('invited: from invitations on, not what came between', () => {
    expect(seen([history('invited', 5, null), ...twice], [6, 9, 10, 15, 20, 30, 31, 39, 40, 45, 50, 60])).toEqual([10, 15, 20, 30, 40, 45, 50, 60]);
  });

  it('joined: while joined', () => {
    expect(seen([history('joined', 5, null), ...twice], [6, 10, 19, 20, 30, 31, 49, 50, 60])).toEqual([20, 30, 50, 60]);
  });

  it('what a state event took the place of is known to who sees that, saw it in force, or was it', () => {
    const known = (visibility: string, seq: number, replaces_seq: number) => visibilityOf([history(visibility, 5, null), ...twice]).knowsReplaced({ seq, replaces_seq });
    expect([known('joined', 25, 8), known('joined', 45, 25), known('joined', 45, 35), known('joined', 60, 55)]).toEqual([true, true, false, true]);
    expect([known('joined', 51, 45), known('joined', 50, 40), known('joined', 20, 10)]).toEqual([true, true, true]);
    expect([known('invited', 45, 35), known('shared', 45, 35)]).toEqual([false, true]);
  });

  it('without a visibility it is shared', () => {
    expect(seen([member('join', 20, null)], [1, 19, 20])).toEqual([1, 19, 20]);
    expect(seen([FIRST, history('joined', 5, null), member('join', 20, null)], [1, 4, 6, 19, 20])).toEqual([1, 4, 20]);
  });

  it('the event that changes it is judged by both', () => {
    const changed = [history('shared', 5, 12), history('joined', 12, 16), history('shared', 16, null), member('join', 20, null)];
    expect(seen(changed, [11, 12, 13, 15, 16, 17])).toEqual([11, 12, 16, 17]);
  });

  it('nothing to who never joined, whatever else they are', () => {
    for (const membership of ['invite', 'knock', 'leave', 'ban']) expect(visibilityOf([history('shared', 5, null), member(membership, 10, null)]).ranges).toEqual([]);
    expect(visibilityOf([]).ranges).toEqual([]);
  });

  it('an invitation after one left for good opens nothing', () => {
    const again = [history('invited', 5, null), member('join', 20, 30), member('leave', 30, 40), member('invite', 40, null)];
    expect(seen(again, [20, 30, 31, 40, 41])).toEqual([20, 30]);
  });

  it('a change of name in between is no gap', () => {
    expect(visibilityOf([history('joined', 5, null), member('join', 20, 25), member('join', 25, 30), member('leave', 30, null)]).ranges).toContainEqual({ from: 20, to: 30 });
  });
});

it('visibleWithin cuts the visible out of a stretch, lowest first', () => {
  const visibility = visibilityOf([history('joined', -10, null), ...twice]);
  expect(visibleWithin(visibility, 25, 55)).toEqual([{ from: 25, to: 30 }, { from: 50, to: 55 }]);
  expect(visibleWithin(visibility, 31, 49)).toEqual([]);
});

it('membershipAt is what one was just after an event, and `leave` before anything', () => {
  const { membershipAt } = visibilityOf(twice);
  expect([9, 10, 19, 20, 30, 40, 50, 99].map(membershipAt)).toEqual(['leave', 'invite', 'invite', 'join', 'leave', 'invite', 'join', 'join']);
});
