import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import type { RoomId } from '../matrix/identifiers.js';
import { sql, type Database, type ReadTransaction, type Sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { openConversation, type Conversation } from './conversation.testing.js';
import { startPushing } from './deliver.js';
import { listNotifications } from './notifications.js';
import { listPushers, setPusher } from './pushers.js';

describe.each(engines)('pushes on $name', (engine) => {
  let talk: Conversation;
  let alice: Session;
  let bob: Session;
  let roomId: RoomId;
  let pushing: { stop(): Promise<void> };
  let sent: { event_id?: string; counts: { unread?: number } }[];
  let outcome: () => readonly string[];
  let wanted: boolean;
  const wantsInvites = async (): Promise<boolean> => wanted;

  beforeEach(async () => {
    talk = await openConversation(engine);
    [alice, bob] = [await talk.person('alice'), await talk.person('bob')];
    roomId = await talk.room(alice, bob);
    await putPusher(bob, 'key');
    sent = [];
    outcome = () => [];
    wanted = true;
    const notify = async (_: string, message: object): Promise<readonly string[]> => {
      sent.push((message as { notification: (typeof sent)[0] }).notification);
      return outcome();
    };
    pushing = startPushing({ ...talk, notify, wantsInvites, isEnabled: true, groupByRoom: true, report: () => undefined });
  });
  afterEach(async () => {
    await pushing.stop();
    await talk.drop();
  });

  const putPusher = async (session: Session, pushkey: string): Promise<void> => {
    const data = { url: 'https://push.example/_matrix/push/v1/notify' };
    const body = { kind: 'http', app_id: 'app', pushkey, app_display_name: 'App', device_display_name: 'It', lang: 'en', data };
    await setPusher({ ...talk, gateways: ['https://push.example'] }, { session, body });
  };

  const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
    while (!(await holds())) await new Promise((later) => setTimeout(later, 10));
  };

  const allIsPushed = async (): Promise<boolean> => (await talk.db.read((tx) => tx.all(sql`SELECT task_nid FROM outbox WHERE kind = 'push'`))).length === 0;

  it('an event, and the count when it was read', async () => {
    const eventId = await talk.say(alice, roomId);
    await until(() => sent.some(({ event_id, counts }) => event_id === eventId && counts.unread === 1));
    await talk.read(bob, roomId, eventId);
    await until(() => sent.some(({ event_id, counts }) => event_id === undefined && counts.unread === 0));
    const { text } = await listNotifications(talk, { session: bob, query: {} });
    expect(JSON.parse(text)).toMatchObject({ notifications: [{ read: true, event: { event_id: eventId } }] });
  });

  it('nothing to a pusher set by a session that has ended, though its device has another', async () => {
    await putPusher({ ...bob, sessionNid: bob.sessionNid - 1 }, 'of a thief');
    expect(((await listPushers(talk, { session: bob })) as { pushers: readonly object[] }).pushers).toMatchObject([{ pushkey: 'key' }]);
  });

  it('what fails waits, and a rejected key goes', async () => {
    outcome = () => { throw new Error('down'); };
    const one = await talk.say(alice, roomId);
    await until(() => sent.some(({ event_id }) => event_id === one));
    const two = await talk.say(alice, roomId);
    await new Promise((later) => setTimeout(later, 200));
    expect(sent.some(({ event_id }) => event_id === two)).toBe(false);
    outcome = () => ['key'];
    await pushing.stop();
    pushing = startPushing({ ...talk, clock: () => 2_000_000, wantsInvites, notify: async () => ['key'], isEnabled: true, groupByRoom: true, report: () => undefined });
    await until(async () => ((await listPushers(talk, { session: bob })) as { pushers: readonly unknown[] }).pushers.length === 0);
  });

  it('an invitation to nobody who wants none, not even when it waited for the gateway', async () => {
    const [another, settled] = [await talk.room(alice), await talk.room(alice, bob)];
    // The gateway takes the invitation to the second room, or two of them would wait.
    await until(allIsPushed);
    outcome = () => { throw new Error('down'); };
    await talk.invite(alice, another, bob);
    await until(async () => (await talk.db.read((tx) => tx.all(sql`SELECT pusher_nid FROM waiting_pushes`))).length === 1);
    const tried = sent.length;
    wanted = false;
    await pushing.stop();
    const notify = async (_: string, message: object): Promise<readonly string[]> => {
      sent.push((message as { notification: (typeof sent)[0] }).notification);
      return [];
    };
    pushing = startPushing({ ...talk, clock: () => 2_000_000, wantsInvites, notify, isEnabled: true, groupByRoom: true, report: () => undefined });
    await until(async () => (await talk.db.read((tx) => tx.all(sql`SELECT pusher_nid FROM waiting_pushes`))).length === 0);
    const third = await talk.room(alice);
    await talk.invite(alice, third, bob);
    const eventId = await talk.say(alice, settled);
    await until(() => sent.some(({ event_id }) => event_id === eventId));
    await until(allIsPushed);
    expect(sent.slice(tried).map(({ event_id }) => event_id)).toEqual([eventId]);
  });

  it('to a room full of telephones, and what they fail to take, cost as many statements as to one', async () => {
    await pushing.stop();
    let statements = 0;
    const notify = async (_: string, message: object): Promise<readonly string[]> => {
      sent.push((message as { notification: (typeof sent)[0] }).notification);
      return outcome();
    };
    pushing = startPushing({ ...talk, db: counting(talk.db, () => { statements += 1; }), notify, wantsInvites, isEnabled: true, groupByRoom: true, report: () => undefined });
    const costOf = async (room: RoomId): Promise<number> => {
      const before = statements;
      await talk.say(alice, room);
      await until(allIsPushed);
      return statements - before;
    };
    const costs: number[][] = [];
    for (const count of [1, 12]) {
      const readers: Session[] = [];
      for (let i = 0; i < count; i += 1) readers.push(await talk.person(`reader${count}of${i}`));
      const room = await talk.room(alice, ...readers);
      for (const reader of readers) await putPusher(reader, reader.userId);
      [sent, outcome] = [[], () => []];
      const taken = await costOf(room);
      expect(sent.map(({ counts }) => counts.unread)).toEqual(Array<number>(count).fill(1));
      outcome = () => { throw new Error('down'); };
      await costOf(room);
      costs.push([taken, await costOf(room)]);
      expect((await talk.db.read((tx) => tx.all(sql`SELECT pusher_nid FROM waiting_pushes`))).length).toBeGreaterThanOrEqual(2 * count);
    }
    expect(costs[1]).toEqual(costs[0]);
  });
});

/** A database that tells of each statement, but for those by which workers look for work. */
function counting(db: Database, onStatement: () => void): Database {
  const count = (query: Sql): Sql => {
    if (!query.strings.join('').includes('outbox')) onStatement();
    return query;
  };
  const read = (tx: ReadTransaction): ReadTransaction => ({ all: (query) => tx.all(count(query)), one: (query) => tx.one(count(query)) });
  return {
    engine: db.engine,
    read: (work) => db.read((tx) => work(read(tx))),
    transaction: (work) => db.transaction((tx) => work({
      ...read(tx),
      run: (query) => tx.run(count(query)),
      lock: (name) => tx.lock(name),
      draw: (drawn) => { onStatement(); return tx.draw(drawn); },
      afterCommit: (effect) => { tx.afterCommit(effect); },
      announce: (position, topics) => { tx.announce(position, topics); },
    })),
    listen: (listener) => { db.listen(listener); },
    close: () => db.close(),
  };
}
