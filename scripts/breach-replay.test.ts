import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Attack } from './breach-replay/attack.js';
import { attacks } from './breach-replay/attacks.js';
import { fill } from './breach-replay/fill.js';
import type { Ministry } from './breach-replay/ministry.js';
import { controls, isServed, replay, type Control, type Outcome } from './breach-replay/replay.js';
import { summarise } from './breach-replay/report.js';
import { startCloison, type Target } from './breach-replay/servers.js';

/** Fewer than there are strangers, and enough for founders to invite their colleagues. */
const ALLOWED_INTRODUCTIONS = 8;
/** What a server says to a request that it did not understand; refused for that reason, an attack proves nothing. */
const MALFORMED = /^(?:400|405|411|413|415|5\d\d)/;

let target: Target;
let ministry: Ministry;
let outcomes: readonly Outcome[];
let legitimate: readonly Control[];

beforeAll(async () => {
  target = await startCloison(ALLOWED_INTRODUCTIONS);
  ministry = await fill(target, { users: 18, rooms: 16, files: 20, messagesPerRoom: 4 });
  outcomes = await replay(target.baseUrl, ministry);
  legitimate = await controls(target.baseUrl, ministry);
});
afterAll(() => target.stop());

describe('a stolen account', () => {
  it('meets no more people by their full id than introductions are allowed', () => {
    const { introduced, outOf } = summarise(ministry, outcomes, ALLOWED_INTRODUCTIONS);
    expect(introduced).toBeLessThanOrEqual(ALLOWED_INTRODUCTIONS);
    expect(introduced).toBeGreaterThan(0);
    expect(outOf.people).toBeGreaterThan(ALLOWED_INTRODUCTIONS);
  });

  it('reaches no room, no message, no file and nobody but what was its own', () => {
    expect(outcomes.filter(({ attack }) => attack.introduces !== true).flatMap(({ attack, stolen }) => reachedBy(attack.path, stolen))).toEqual([]);
    const none = { rooms: 0, messages: 0, files: 0, people: 0, hints: 0, doors: 0 };
    const { stolen, anonymous, outOf, isClean } = summarise(ministry, outcomes, ALLOWED_INTRODUCTIONS);
    expect({ stolen, anonymous, isClean }).toEqual({ stolen: none, anonymous: none, isClean: true });
    for (const kind of ['rooms', 'messages', 'files', 'people'] as const) expect(outOf[kind]).toBeGreaterThan(5);
  });

  it('is refused, not misunderstood', () => {
    expect(outcomes.flatMap(({ attack, stolen }) => misunderstood(attack, stolen))).toEqual([]);
  });
});

it('lets somebody without an account reach nothing', () => {
  expect(outcomes.flatMap(({ attack, anonymous }) => reachedBy(attack.path, anonymous))).toEqual([]);
});

describe('the founder of a room', () => {
  it.each(attacks.filter((attack) => attack.reachedBy === 'members').map((attack) => [attack.path, attack] as const))(
    'reaches what is theirs by %s, so that a stranger who does not is refused', (_, attack) => {
      const tally = legitimate.find((control) => control.attack === attack)?.tally;
      if (tally !== undefined && isServed(tally)) expect(tally.reached.size).toBeGreaterThan(0);
    },
  );

  it('reaches nothing by the ways that are closed to everybody', () => {
    const closed = legitimate.filter(({ attack }) => attack.reachedBy === 'nobody');
    expect(closed.flatMap(({ attack, tally }) => reachedBy(attack.path, tally))).toEqual([]);
    expect(closed.flatMap(({ attack, tally }) => misunderstood(attack, tally))).toEqual([]);
  });
});

function reachedBy(path: string, { reached }: Control['tally']): readonly string[] {
  return [...reached.keys()].map((key) => `${path}: ${key}`);
}

function misunderstood({ path, refusal }: Attack, { answers }: Control['tally']): readonly string[] {
  return [...answers.keys()].filter((answer) => MALFORMED.test(answer) && answer !== refusal).map((answer) => `${path}: ${answer}`);
}
