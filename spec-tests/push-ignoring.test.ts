import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Person, type Shard } from './harness.js';
import { isFor, keyOf, pusher, pushingTo, startGateway, taken, type Gateway } from './push-gateway.js';
import { joined, syncCalls, timelineIds, type SyncCalls } from './sync-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#ignoring-users, #invite-permission
let gateway: Gateway;
let shard: Shard;
let calls: SyncCalls;
let alice: Person;
let bob: Person;
let carol: Person;
beforeAll(async () => {
  gateway = await startGateway();
  gateway.answer((response) => { taken(response); });
  shard = await startShard(pushingTo(gateway));
  calls = syncCalls(shard);
});
beforeEach(async () => {
  [alice, bob, carol] = [await shard.register(), await shard.register(), await shard.register()];
});
afterAll(async () => {
  await shard.stop();
  await gateway.stop();
  expect(shard.failures()).toEqual([]);
});

const ignore = (person: Person, ...ignored: readonly Person[]): Promise<void> =>
  calls.accountData(person, 'm.ignored_user_list', { ignored_users: Object.fromEntries(ignored.map(({ userId }) => [userId, {}])) });
const invites = async (person: Person): Promise<readonly string[]> => Object.keys((await calls.poll(person)).rooms?.invite ?? {});

describe('m.ignored_user_list', () => {
  it('"the client will no longer receive events sent by that user, with the exception of state events", at once', async () => {
    const roomId = await shard.createRoom(alice, [bob, carol]);
    await calls.say(alice, roomId);
    await ignore(bob, alice);
    const { next_batch: since } = await calls.poll(bob);
    const hidden = await calls.say(alice, roomId);
    const { body: { event_id: topic } } = await calls.setState(alice, roomId, 'm.room.topic', { topic: 'Shown' });
    const shown = await calls.say(carol, roomId);
    expect(timelineIds(joined(await calls.poll(bob, { since }), roomId))).toEqual([topic, shown]);
    expect(timelineIds(joined(await calls.poll(bob), roomId))).not.toContain(hidden);
    expect(timelineIds(joined(await calls.poll(carol), roomId))).toContain(hidden);
    await ignore(bob);
    expect(timelineIds(joined(await calls.poll(bob), roomId))).toContain(hidden);
  });

  it('a message of somebody ignored wakes nobody, pushes nothing and is not counted', async () => {
    const roomId = await shard.createRoom(alice, [bob, carol]);
    await ignore(bob, alice);
    await calls.call(bob, 'POST', ['pushers', 'set'], pusher(gateway, keyOf(bob)));
    const { next_batch: since } = await calls.poll(bob);
    const waiting = calls.wait(bob, since, 400);
    const hidden = await calls.say(alice, roomId);
    const { answer } = await waiting;
    expect(answer.rooms?.join ?? {}).toEqual({});
    const shown = await calls.say(carol, roomId);
    await gateway.next(({ event_id, devices }) => event_id === shown && devices[0]?.pushkey === keyOf(bob));
    expect(gateway.received.filter(isFor({ pushkey: keyOf(bob) })).map(({ event_id }) => event_id)).not.toContain(hidden);
    expect(joined(await calls.poll(bob), roomId).unread_notifications).toEqual({ notification_count: 1, highlight_count: 0 });
  });

  it('"servers must not send room invites from ignored users to clients"', async () => {
    await ignore(bob, alice);
    await calls.call(bob, 'POST', ['pushers', 'set'], pusher(gateway, keyOf(bob)));
    const unwanted = await shard.createRoom(alice, [], { invite: [bob.userId] });
    const wanted = await shard.createRoom(carol, [], { invite: [bob.userId] });
    expect(await invites(bob)).toEqual([wanted]);
    await gateway.next(({ room_id, devices }) => room_id === wanted && devices[0]?.pushkey === keyOf(bob));
    expect(gateway.received.filter(({ room_id }) => room_id === unwanted)).toEqual([]);
    await ignore(bob);
    expect(await invites(bob)).toEqual(expect.arrayContaining([wanted, unwanted]));
  });

  it('has an end, and its deletion ends it', async () => {
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`@nobody-${n}:localhost`, {}]));
    const path = ['user', bob.userId, 'account_data', 'm.ignored_user_list'];
    expect(await calls.call(bob, 'PUT', path, { ignored_users: many })).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
    expect((await calls.call(bob, 'GET', path)).status).toBe(404);
    await ignore(bob, alice);
    const roomId = await shard.createRoom(alice, [bob]);
    expect((await shard.request('DELETE', `/_matrix/client/unstable/org.matrix.msc3391/user/${encodeURIComponent(bob.userId)}/account_data/m.ignored_user_list`, { token: bob.token })).status).toBe(200);
    const shown = await calls.say(alice, roomId);
    expect(timelineIds(joined(await calls.poll(bob), roomId))).toContain(shown);
    expect(joined(await calls.poll(bob), roomId).unread_notifications?.notification_count).toBe(1);
  });
});

describe('m.invite_permission_config', () => {
  const blocked = { status: 403, body: { errcode: 'M_INVITE_BLOCKED' } };
  const block = (person: Person, content: object = { default_action: 'block' }): Promise<void> => calls.accountData(person, 'm.invite_permission_config', content);

  it('"the user’s homeserver MUST respond … M_INVITE_BLOCKED, if the user is invited": by invite, by createRoom, by state', async () => {
    const roomId = await shard.createRoom(alice);
    // Of strangers nothing is told (RULES D5).
    await shard.createRoom(alice, [bob]);
    await block(bob);
    expect(await calls.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: bob.userId })).toMatchObject(blocked);
    expect(await calls.call(alice, 'POST', ['createRoom'], { invite: [bob.userId] })).toMatchObject(blocked);
    expect(await calls.setState(alice, roomId, 'm.room.member', { membership: 'invite' }, bob.userId)).toMatchObject(blocked);
    expect((await calls.call(alice, 'GET', ['rooms', roomId, 'state', 'm.room.member', bob.userId])).status).toBe(404);
    await block(bob, {});
    expect((await calls.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: bob.userId })).status).toBe(200);
  });

  it('"invite events for this user already in the database … MUST NOT be served over client synchronisation endpoints"', async () => {
    const roomId = await shard.createRoom(alice, [], { invite: [bob.userId] });
    expect(await invites(bob)).toEqual([roomId]);
    await block(bob);
    expect(await invites(bob)).toEqual([]);
    await block(bob, { default_action: 'something else' });
    expect(await invites(bob)).toEqual([roomId]);
  });
});

describe('room account data', () => {
  it('m.marked_unread is kept like any other, m.fully_read "cannot be set" there', async () => {
    const roomId = await shard.createRoom(alice);
    await calls.accountData(alice, 'm.marked_unread', { unread: true }, roomId);
    expect((joined(await calls.poll(alice), roomId).account_data?.events ?? [])).toContainEqual({ type: 'm.marked_unread', content: { unread: true } });
    const put = await calls.call(alice, 'PUT', ['user', alice.userId, 'rooms', roomId, 'account_data', 'm.fully_read'], { event_id: '$a' });
    expect(put).toMatchObject({ status: 405, body: { errcode: 'M_BAD_JSON' } });
  });
});
