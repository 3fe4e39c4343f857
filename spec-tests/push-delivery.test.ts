import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Person, type Shard } from './harness.js';
import { isFor, keyOf, pusher, pushingTo, startGateway, taken, type Gateway, type Notification } from './push-gateway.js';
import { syncCalls, type SyncCalls } from './sync-calls.js';

// https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify
let gateway: Gateway;
let shard: Shard;
let calls: SyncCalls;
let alice: Person;
let bob: Person;
let pushkey: string;
beforeAll(async () => {
  gateway = await startGateway();
  shard = await startShard(pushingTo(gateway));
  calls = syncCalls(shard);
});
beforeEach(async () => {
  gateway.answer((response) => { taken(response); });
  [alice, bob] = [await shard.register(), await shard.register()];
  pushkey = keyOf(bob);
  await setPusher(bob);
});
afterAll(async () => {
  await shard.stop();
  await gateway.stop();
  expect(shard.failures()).toEqual([]);
});

const setPusher = (person: Person, more: object = {}) => calls.call(person, 'POST', ['pushers', 'set'], pusher(gateway, keyOf(person), more));
const about = (eventId: string) => ({ event_id, devices }: Notification): boolean => event_id === eventId && devices[0]?.pushkey === pushkey;
const sentTo = (person: Person): readonly Notification[] => gateway.received.filter(isFor({ pushkey: keyOf(person) }));
const pushers = async (): Promise<readonly unknown[]> => (await calls.call<{ pushers: unknown[] }>(bob, 'GET', ['pushers'])).body.pushers;

describe('an event', () => {
  it('"only the event_id, room_id, counts, and devices" are told, with the data of the pusher "minus the url"', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const eventId = await calls.say(alice, roomId);
    const { devices, ...rest } = await gateway.next(about(eventId));
    expect(rest).toEqual({ event_id: eventId, room_id: roomId, counts: { unread: 1 }, prio: 'high' });
    expect(devices).toEqual([{ app_id: 'org.example.app', pushkey, pushkey_ts: expect.any(Number), data: { format: 'event_id_only', brand: 'app' } }]);
  });

  it('"MUST NOT notify … for events that the user has sent themselves", nor for what no rule matches, nor for what a rule mutes', async () => {
    const [roomId, muted] = [await shard.createRoom(alice, [bob]), await shard.createRoom(alice, [bob])];
    await calls.call(bob, 'PUT', ['pushrules', 'global', 'room', muted], { actions: [] });
    const { body: { event_id: topic } } = await calls.setState(alice, roomId, 'm.room.topic', { topic: 'Quiet' });
    const quiet = [topic, await calls.say(bob, roomId), await calls.say(alice, muted)];
    await gateway.next(about(await calls.say(alice, roomId)));
    expect(sentTo(bob).filter(({ event_id = '' }) => quiet.includes(event_id))).toEqual([]);
  });

  it('of an invitation the invited are told, when no default rule says otherwise', async () => {
    const roomId = await shard.createRoom(alice, [], { invite: [bob.userId] });
    expect(await gateway.next(({ room_id }) => room_id === roomId)).toMatchObject({ room_id: roomId, prio: 'high', devices: [{ pushkey }] });
  });

  it('unread counts rooms, and whoever left or logged out hears nothing more', async () => {
    const [one, two] = [await shard.createRoom(alice, [bob]), await shard.createRoom(alice, [bob])];
    for (const roomId of [one, one, two]) await calls.say(alice, roomId);
    await gateway.next(({ room_id, counts }) => room_id === two && counts?.unread === 2);
    await calls.call(bob, 'POST', ['rooms', one, 'leave'], {});
    const missed = await calls.say(alice, one);
    await gateway.next(about(await calls.say(alice, two)));
    await calls.call(bob, 'POST', ['logout'], {});
    const late = await calls.say(alice, two);
    await setPusher(alice);
    await calls.call(alice, 'POST', ['rooms', two, 'leave'], {});
    await new Promise((later) => setTimeout(later, 200));
    expect(sentTo(bob).filter(({ event_id }) => event_id === missed || event_id === late)).toEqual([]);
  });
});

describe('the count alone', () => {
  it('"numeric counts … may be sent by themselves": when it fell because something was read', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const eventId = await calls.say(alice, roomId);
    await gateway.next(about(eventId));
    const before = gateway.received.length;
    await calls.receipt(bob, roomId, eventId);
    const { devices, ...rest } = await gateway.next(isFor({ pushkey }), before);
    expect(rest).toEqual({ counts: { unread: 0 }, prio: 'low' });
    expect(devices).toMatchObject([{ pushkey }]);
    await calls.receipt(bob, roomId, await calls.say(alice, roomId));
    await calls.receipt(bob, roomId, eventId, 'm.read.private');
    const after = gateway.received.length;
    await calls.receipt(bob, roomId, eventId, 'm.read', 'main');
    await gateway.next(about(await calls.say(alice, roomId)), after);
  });
});

describe('a gateway', () => {
  it('"must cease sending notification requests for these pushkeys and remove the associated pushers"', async () => {
    gateway.answer((response, { devices }) => { taken(response, [String(devices[0]?.pushkey), 'somebody else’s']); });
    await shard.createRoom(alice, [bob]);
    await gateway.next(isFor({ pushkey }));
    for (let tries = 0; tries < 2000 && (await pushers()).length > 0; tries += 1) await new Promise((later) => setTimeout(later, 20));
    expect(await pushers()).toEqual([]);
  });

  it('"if the endpoint returns an HTTP error code, the homeserver SHOULD retry", in order, through a crash; no redirection is followed', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    gateway.answer((response) => { response.writeHead(307, { Location: `${gateway.url}/elsewhere` }).end(); });
    const [one, two] = [await calls.say(alice, roomId), await calls.say(alice, roomId)];
    // The second try of the first: by now both are written down.
    await gateway.next(about(one), gateway.received.indexOf(await gateway.next(about(one))) + 1);
    await new Promise((later) => setTimeout(later, 200));
    await shard.crash();
    const three = await calls.say(alice, roomId);
    gateway.answer((response) => { taken(response); });
    const from = gateway.received.length;
    await gateway.next(about(three), from);
    const order = gateway.received.slice(from).filter(isFor({ pushkey })).map(({ event_id }) => event_id);
    expect([...new Set(order)].filter((id) => id !== undefined)).toEqual([one, two, three]);
  });
});
