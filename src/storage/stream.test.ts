import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Announcement, Database } from './database.js';
import { engines } from './engines.testing.js';
import { advance, currentPosition, newNid, Notifier } from './stream.js';

type Listener = Parameters<Database['listen']>[0];

/** Only what a Notifier asks of a database: what it hears is said by the test. */
function quietDatabase(): { db: Database; say: (announcement: Announcement) => void; lose: (position: number) => void } {
  const listeners: Listener[] = [];
  const refuse = () => { throw new Error('a notifier asks nothing of the database'); };
  return {
    db: { engine: 'sqlite', read: refuse, transaction: refuse, close: refuse, listen: (listener) => { listeners.push(listener); } },
    say: (announcement) => { for (const listener of listeners) listener.heard(announcement); },
    lose: (position) => { for (const listener of listeners) listener.lost(position); },
  };
}

const turn = () => new Promise((resolve) => { setImmediate(resolve); });

describe('the notifier', () => {
  it('counts as moved what moved since, and everything from before it began', () => {
    const { db, say } = quietDatabase();
    const notifier = new Notifier(db, 10);
    say({ position: 12, topics: ['timeline/1'] });
    expect(notifier.newest).toBe(12);
    expect(notifier.movedSince('timeline', 1, 11)).toBe(true);
    expect(notifier.movedSince('timeline', 1, 12)).toBe(false);
    expect(notifier.movedSince('timeline', 2, 10)).toBe(false);
    expect(notifier.movedSince('timeline', 2, 9)).toBe(true);
  });

  it('leaves to others what is not of the stream, and misses nothing announced with it', () => {
    const { db, say } = quietDatabase();
    const notifier = new Notifier(db, 10);
    say({ position: 12, topics: ['outbox/push', 'timeline/1'] });
    expect(notifier.newest).toBe(12);
    expect(notifier.movedSince('timeline', 1, 11)).toBe(true);
  });

  it('counts everything as moved when announcements were lost, and wakes everybody', async () => {
    const { db, lose } = quietDatabase();
    const notifier = new Notifier(db, 10);
    let woken = 0;
    notifier.subscribe({ rooms: [1], userNid: 2, deviceNid: 3 }, () => { woken += 1; });
    lose(20);
    await turn();
    expect(woken).toBe(1);
    expect(notifier.newest).toBe(20);
    expect(notifier.movedSince('members', 7, 19)).toBe(true);
    expect(notifier.movedSince('members', 7, 20)).toBe(false);
  });

  it('forgets nothing it knows when an older loss is reported', () => {
    const { db, lose } = quietDatabase();
    const notifier = new Notifier(db, 10);
    lose(5);
    expect(notifier.newest).toBe(10);
    expect(notifier.movedSince('timeline', 1, 9)).toBe(true);
  });

  it('wakes a waiter once for all that moved in one turn, and not after it left', async () => {
    const { db, say } = quietDatabase();
    const notifier = new Notifier(db, 0);
    let woken = 0;
    const leave = notifier.subscribe({ rooms: [1], userNid: 2, deviceNid: 3 }, () => { woken += 1; });
    say({ position: 1, topics: ['timeline/1', 'account/2'] });
    say({ position: 2, topics: ['timeline/1'] });
    await turn();
    expect(woken).toBe(1);
    say({ position: 3, topics: ['timeline/1'] });
    leave();
    await turn();
    expect(woken).toBe(1);
  });

  it('wakes at most 200 waiters in one turn, and leaves none out', async () => {
    const { db, say } = quietDatabase();
    const notifier = new Notifier(db, 0);
    let woken = 0;
    for (let i = 0; i < 450; i += 1) notifier.subscribe({ rooms: [1], userNid: 2, deviceNid: 3 }, () => { woken += 1; });
    say({ position: 1, topics: ['timeline/1'] });
    const perTurn: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      await turn();
      perTurn.push(woken);
    }
    expect(perTurn).toEqual([200, 400, 450, 450]);
  });
});

describe.each(engines)('positions on $name', ({ open }) => {
  let db: Database;
  let drop: () => Promise<void>;
  beforeEach(async () => { ({ db, drop } = await open()); });
  afterEach(() => drop());

  it('are drawn without gaps: a failed transaction gives its own back', async () => {
    const draw = (fails: boolean) => db.transaction(async (tx) => {
      const position = await advance(tx, ['timeline/1'], 2);
      if (fails) throw new Error('no');
      return position;
    });
    const results = await Promise.allSettled([draw(false), draw(true), draw(false), draw(true), draw(false)]);
    const drawn = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(drawn.sort((a, b) => a - b)).toEqual([3, 5, 7]);
    expect(await db.read(currentPosition)).toBe(7);
  });

  it('have been heard by the notifier when the transaction resolves', async () => {
    const notifier = new Notifier(db, await db.read(currentPosition));
    const position = await db.transaction((tx) => advance(tx, ['timeline/1']));
    expect(notifier.newest).toBe(position);
    expect(notifier.movedSince('timeline', 1, position - 1)).toBe(true);
    expect(await db.transaction(newNid)).toBe(position + 1);
    expect(notifier.newest).toBe(position + 1);
  });
});
