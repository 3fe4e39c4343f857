import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createAppServices } from '../auth/app-services.js';
import type { Session } from '../auth/session.js';
import { parseServerName, type EventId } from '../matrix/identifiers.js';
import { sql, type Sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import type { AppServiceCalls, ReachableService } from './app-service-calls.js';
import { startTelling, tellAppServices } from './app-services.js';
import { openConversation, type Conversation } from './conversation.testing.js';

const serviceCalled = (id: string): ReachableService => {
  const registration = { file: id, id, url: 'http://127.0.0.1:9', asToken: `${id} as`, hsToken: `${id} hs`, senderLocalpart: `${id}-bot`, namespaces: { users: [], rooms: [], aliases: [] }, isRateLimited: false };
  const [service] = createAppServices([registration], parseServerName('shard.example')).all;
  if (service === undefined) throw new Error('a registration makes a service');
  return { ...service, url: registration.url };
};
const [irc, xmpp] = [serviceCalled('irc'), serviceCalled('xmpp')];

interface Sent {
  readonly id: string;
  readonly txnId: string;
  readonly events: readonly { readonly event_id: EventId; readonly type: string; readonly content: { readonly membership?: string; readonly ciphertext?: string } }[];
}

describe.each(engines)('events for application services on $name', (engine) => {
  let talk: Conversation;
  let alice: Session;
  let ghost: Session;
  let sent: Sent[];
  let status: number;
  let telling: { stop(): Promise<void> };

  beforeEach(async () => {
    talk = await openConversation(engine, [tellAppServices([irc, xmpp])]);
    [alice, ghost] = [await talk.person('alice'), await userOf(irc, 'ghost')];
    [sent, status] = [[], 200];
    telling = await start();
  });
  afterEach(async () => {
    await telling.stop();
    await talk.drop();
  });

  const calls: AppServiceCalls = {
    sendTransaction: async ({ id }, txnId, events) => {
      sent.push({ id, txnId, events: events.map((text) => JSON.parse(text) as Sent['events'][0]) });
      return { status, text: '{}' };
    },
    ping: () => Promise.reject(new Error('nobody pings')),
  };
  const start = (services = [irc, xmpp], now = 1_000_000) => startTelling({ db: talk.db, clock: () => now, services, calls, report: () => undefined });
  const write = (query: Sql) => talk.db.transaction((tx) => tx.run(query));
  const waiting = () => talk.db.read((tx) => tx.all<{ app_service_id: string }>(sql`SELECT app_service_id FROM app_service_events`));
  const told = (id: string): readonly EventId[] => sent.filter((one) => one.id === id).flatMap(({ events }) => events.map(({ event_id }) => event_id));

  async function userOf({ id }: ReachableService, name: string): Promise<Session> {
    const session = await talk.person(name);
    await write(sql`UPDATE users SET password_hash = NULL, app_service_id = ${id} WHERE user_nid = ${session.userNid}`);
    return session;
  }

  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((later) => setTimeout(later, 10));
  }
  const allTold = () => until(async () => (await waiting()).length === 0);

  it('come in order, of rooms that a user of the service is in, and to that service alone', async () => {
    const [roomId, theirs] = [await talk.room(alice, ghost), await talk.room(alice)];
    const said = [await talk.say(alice, roomId), await talk.say(ghost, roomId), await talk.say(alice, theirs), await talk.say(alice, roomId)];
    await talk.leave(ghost, roomId);
    const late = await talk.say(alice, roomId);
    await allTold();
    expect(told('irc').filter((id) => said.includes(id) || id === late)).toEqual([said[0], said[1], said[3]]);
    expect(sent.flatMap(({ events }) => events.map(({ content, type }) => content.membership ?? type))).toEqual([
      'invite', 'join', 'm.room.encrypted', 'm.room.encrypted', 'm.room.encrypted', 'leave',
    ]);
    expect(told('xmpp')).toEqual([]);
  });

  it('of a room that a user of the service founds come from its creation on', async () => {
    await talk.room(ghost);
    await allTold();
    expect(sent.flatMap(({ events }) => events.map(({ type }) => type)).slice(0, 4)).toEqual(['m.room.create', 'm.room.member', 'm.room.power_levels', 'm.room.encryption']);
  });

  it('of rooms of a user who is locked do not come', async () => {
    const roomId = await talk.room(alice, ghost);
    await write(sql`UPDATE users SET is_locked = 1 WHERE user_nid = ${ghost.userNid}`);
    const eventId = await talk.say(alice, roomId);
    await allTold();
    expect(told('irc')).not.toContain(eventId);
  });

  it('that were not taken come again in the same transaction, unaltered, and the next in the next, by whichever process', async () => {
    const roomId = await talk.room(alice, ghost);
    await allTold();
    [sent, status] = [[], 500];
    const one = await talk.say(alice, roomId);
    await until(() => sent.length === 1);
    const two = await talk.say(alice, roomId);
    await telling.stop();
    status = 200;
    telling = await start([irc, xmpp], 2_000_000);
    await allTold();
    expect(sent.map(({ events }) => events.map(({ event_id }) => event_id))).toEqual([[one], [one], [two]]);
    expect(sent[1]?.txnId).toBe(sent[0]?.txnId);
    expect(sent[2]?.txnId).not.toBe(sent[0]?.txnId);
  });

  it('that wait are no copies: what is redacted meanwhile comes without what it said', async () => {
    const roomId = await talk.room(alice, ghost);
    await allTold();
    await telling.stop();
    const eventId = await talk.say(alice, roomId);
    await talk.redact(alice, roomId, eventId);
    sent = [];
    telling = await start();
    await allTold();
    expect(sent.flatMap(({ events }) => events)).toMatchObject([{ event_id: eventId, content: {} }, { type: 'm.room.redaction' }]);
    expect(sent.flatMap(({ events }) => events)[0]?.content).toEqual({});
  });

  it('are a hundred a transaction at most', async () => {
    const roomId = await talk.room(alice, ghost);
    await allTold();
    await telling.stop();
    sent = [];
    const said: EventId[] = [];
    for (let n = 0; n < 101; n += 1) said.push(await talk.say(alice, roomId));
    telling = await start();
    await allTold();
    expect(sent.map(({ events }) => events.length)).toEqual([100, 1]);
    expect(told('irc')).toEqual(said);
  });

  it('wait for nobody who is told of nothing any more, and then for whoever is told again', async () => {
    const [roomId, other] = [await talk.room(alice, ghost), await userOf(xmpp, 'other')];
    const both = await talk.room(alice, ghost, other);
    await allTold();
    await telling.stop();
    const eventId = await talk.say(alice, both);
    telling = await start([xmpp]);
    await allTold();
    expect([told('irc').includes(eventId), told('xmpp').includes(eventId)]).toEqual([false, true]);
    await telling.stop();
    telling = await start();
    const again = await talk.say(alice, roomId);
    const tasks = await talk.db.read((tx) => tx.all(sql`SELECT task_nid FROM outbox WHERE kind = 'app-service/irc'`));
    expect(tasks.length).toBeLessThanOrEqual(1);
    await allTold();
    expect(told('irc')).toContain(again);
  });
});
