import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { directoryCalls, type DirectoryCalls } from './directory-calls.js';
import { startShard, type Person, type Shard } from './harness.js';
import { absent, roomCalls, type RoomCalls } from './rooms-calls.js';

// What Element does when somebody types a colleague's id: RULES D2 to D5.
let shard: Shard;
let directory: DirectoryCalls;
let rooms: RoomCalls;
beforeAll(async () => {
  shard = await startShard({ cloison: { introductions: { per_day: 4, per_week: 8 } } });
  directory = directoryCalls(shard);
  rooms = roomCalls(shard);
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

/** Somebody with a name and a device whose keys are there to ask for. */
async function newcomer(displayname: string): Promise<Person> {
  const person = await shard.register();
  await directory.rename(person, displayname);
  const { userId, deviceId } = person;
  const device_keys = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2'],
    keys: { [`curve25519:${deviceId}`]: 'c', [`ed25519:${deviceId}`]: 'e' },
    signatures: { [userId]: { [`ed25519:${deviceId}`]: 's' } },
  };
  const one_time_keys = { 'signed_curve25519:AAA': { key: 'k', signatures: { [userId]: { [`ed25519:${deviceId}`]: 's' } } } };
  await rooms.call(person, 'POST', ['keys', 'upload'], { device_keys, one_time_keys });
  return person;
}

const claim = async (person: Person, { userId, deviceId }: Person) =>
  (await rooms.call<{ one_time_keys: object }>(person, 'POST', ['keys', 'claim'], { one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } } })).body.one_time_keys;
const keysLeft = async (person: Person) => (await rooms.sync(person)).device_one_time_keys_count?.['signed_curve25519'];
const direct = (person: Person, ...invite: readonly string[]) =>
  rooms.call<{ room_id: string }>(person, 'POST', ['createRoom'], { preset: 'trusted_private_chat', is_direct: true, invite });

describe('somebody new', () => {
  it('starts a chat by typing a colleague’s whole id: search, profile, room, keys, first message', async () => {
    const [alice, bob] = [await newcomer('Alice'), await newcomer('Bob')];
    expect(await directory.profile(alice, bob.userId)).toMatchObject(absent);
    expect((await directory.search(alice, bob.userId, 10)).body.results).toEqual([{ user_id: bob.userId, display_name: 'Bob' }]);
    expect(await directory.profile(alice, bob.userId)).toMatchObject({ status: 200, body: { displayname: 'Bob' } });
    expect(await rooms.call(alice, 'GET', ['profile', bob.userId, 'displayname'])).toMatchObject({ status: 200, body: { displayname: 'Bob' } });
    expect(await directory.keysOf(alice, bob.userId)).toEqual([bob.userId]);
    const { status, body: { room_id: roomId } } = await direct(alice, bob.userId);
    expect(status).toBe(200);
    expect(await claim(alice, bob)).toMatchObject({ [bob.userId]: { [bob.deviceId]: { 'signed_curve25519:AAA': { key: 'k' } } } });
    await directory.sendToDevice(alice, bob.userId);
    await rooms.say(alice, roomId);
    const { rooms: seen } = await rooms.sync(bob);
    expect(seen?.invite?.[roomId]?.invite_state.events).toContainEqual(expect.objectContaining({ type: 'm.room.member', sender: alice.userId }));
    expect(await directory.received(bob)).toEqual([{ type: 'm.room.encrypted', sender: alice.userId }]);
    expect(await directory.profile(bob, alice.userId)).toMatchObject({ status: 200, body: { displayname: 'Alice' } });
    await rooms.call(bob, 'POST', ['join', roomId], {});
    const { body: { chunk } } = await rooms.call<{ chunk: readonly { content: object }[] }>(alice, 'GET', ['rooms', roomId, 'members']);
    expect(chunk.map(({ content }) => content)).toEqual(expect.arrayContaining([expect.objectContaining({ displayname: 'Alice' }), expect.objectContaining({ displayname: 'Bob' })]));
  });

  it('verifies a contact: to-device events reach an introduced person, and come back once there is a room', async () => {
    const [alice, bob] = [await newcomer('Alice'), await newcomer('Bob')];
    const request = { from_device: alice.deviceId, methods: ['m.sas.v1'], timestamp: 1, transaction_id: 't' };
    await directory.sendToDevice(alice, bob.userId, 'm.key.verification.request', request);
    expect(await directory.received(bob)).toEqual([]);
    await directory.found(alice, bob.userId);
    await directory.sendToDevice(alice, bob.userId, 'm.key.verification.request', request);
    expect(await directory.received(bob)).toEqual([{ type: 'm.key.verification.request', sender: alice.userId }]);
    await directory.sendToDevice(bob, alice.userId, 'm.key.verification.ready', request);
    expect(await directory.received(alice)).toEqual([]);
    await direct(alice, bob.userId);
    await directory.sendToDevice(bob, alice.userId, 'm.key.verification.ready', request);
    expect(await directory.received(alice)).toEqual([{ type: 'm.key.verification.ready', sender: bob.userId }]);
  });

  it('D3, D4, B13: is nobody to strangers: no profile, no keys, no one-time key spent, nothing delivered', async () => {
    const [alice, bob] = [await newcomer('Alice'), await newcomer('Bob')];
    const [stranger, nobody] = [await directory.profile(alice, bob.userId), await directory.profile(alice, '@nobody:localhost')];
    expect([stranger.status, stranger.text]).toEqual([404, nobody.text]);
    expect(await shard.request('GET', `/_matrix/client/v3/profile/${bob.userId}`)).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
    expect(await directory.keysOf(alice, bob.userId, '@nobody:localhost')).toEqual([]);
    expect(await claim(alice, bob)).toEqual({});
    expect(await keysLeft(bob)).toBe(1);
    await directory.sendToDevice(alice, bob.userId);
    expect(await directory.received(bob)).toEqual([]);
  });

  it('D4: /keys/changes names nobody one shares no room with', async () => {
    const [alice, bob] = [await newcomer('Alice'), await newcomer('Bob')];
    const { next_batch: from } = await rooms.sync(alice);
    await rooms.call(bob, 'POST', ['keys', 'upload'], {});
    await shard.logIn(bob);
    const changes = await rooms.call(alice, 'GET', ['keys', 'changes'], undefined, { query: { from, to: (await rooms.sync(alice)).next_batch } });
    expect(changes.body).toEqual({ changed: [], left: [] });
  });
});

describe('D5: an invitation', () => {
  it('succeeds alike for a stranger, somebody hidden who wants none, and nobody, in an old room and in a new one', async () => {
    const [alice, bob, carol] = [await newcomer('Alice'), await newcomer('Bob'), await newcomer('Carol')];
    await directory.operate('hide', '--user', carol.userId);
    await rooms.call(carol, 'PUT', ['user', carol.userId, 'account_data', 'm.invite_permission_config'], { default_action: 'block' });
    const roomId = await shard.createRoom(alice);
    const ids = [bob.userId, carol.userId, '@nobody:localhost'];
    const answers = await Promise.all(ids.map((user_id) => rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id })));
    expect(answers.map(({ status, text }) => [status, text])).toEqual(ids.map(() => [200, '{}']));
    const profiles = await Promise.all(ids.map((id) => directory.profile(alice, id)));
    expect(new Set(profiles.map(({ status, text }) => `${status} ${text}`))).toEqual(new Set([`404 ${profiles[0]?.text ?? ''}`]));
    const members = await Promise.all(ids.map((id) => rooms.state(alice, roomId, 'm.room.member', id)));
    expect(members).toEqual(ids.map(() => ({ membership: 'invite' })));
    expect(await directory.keysOf(alice, ...ids)).toEqual([bob.userId]);
    expect(await directory.found(alice, 'bob')).toEqual([]);
    expect((await direct(alice, ...ids)).status).toBe(200);
    expect((await rooms.sync(carol)).rooms?.invite ?? {}).toEqual({});
  });

  it('of people who want none tells a stranger nothing and is charged like any other; who was introduced first is told', async () => {
    const [alice, ...people] = [await newcomer('Alice'), await newcomer('B'), await newcomer('C'), await newcomer('D'), await newcomer('E'), await newcomer('F')];
    for (const { userId, token } of people) {
      await shard.request('PUT', `/_matrix/client/v3/user/${userId}/account_data/m.invite_permission_config`, { token, body: { default_action: 'block' } });
    }
    const roomId = await shard.createRoom(alice);
    const invite = async (userId = '') => (await rooms.call<{ errcode?: string }>(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: userId })).body;
    const [introduced, ...strangers] = people.map(({ userId }) => userId);
    await directory.found(alice, introduced ?? '');
    expect(await invite(introduced)).toMatchObject({ errcode: 'M_INVITE_BLOCKED' });
    // One of the day's four went for the introduction, and three remain for the four strangers.
    expect(await Promise.all(strangers.slice(0, 3).map(invite))).toEqual([{}, {}, {}]);
    expect(await invite(strangers[3])).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
    for (const person of people) expect((await rooms.sync(person)).rooms?.invite ?? {}).toEqual({});
  });

  it('of strangers is charged to the same budget, and a room that would exceed it comes not into being', async () => {
    const alice = await newcomer('Alice');
    const friend = await newcomer('Bob');
    await shard.createRoom(friend, [alice]);
    await directory.found(alice, '@u1:localhost');
    expect((await direct(alice, '@u2:localhost', '@u1:localhost', '@u3:localhost')).status).toBe(200);
    const before = shard.stored();
    expect(await direct(alice, '@u4:localhost', '@u5:localhost')).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) } });
    expect(shard.stored()).toEqual(before);
    const { body: { room_id: roomId } } = await direct(alice, '@u4:localhost', friend.userId);
    expect(await rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: '@u5:localhost' })).toMatchObject({ status: 429 });
    expect(await rooms.setState(alice, roomId, 'm.room.member', { membership: 'invite' }, '@u5:localhost')).toMatchObject({ status: 429 });
    const other = await shard.createRoom(alice);
    expect(await rooms.call(alice, 'POST', ['rooms', other, 'invite'], { user_id: friend.userId })).toMatchObject({ status: 200 });
  });
});

describe('somebody hidden', () => {
  it('is nobody to those who share no room with them, and themselves to those who do', async () => {
    const [alice, bob, carol] = [await newcomer('Alice'), await newcomer('Bob'), await newcomer('Carol')];
    await shard.createRoom(carol, [bob]);
    await directory.operate('hide', '--user', carol.userId);
    const [hidden, nobody] = [await directory.search(alice, carol.userId), await directory.search(alice, '@nobody:localhost')];
    expect([hidden.status, hidden.text]).toEqual([200, nobody.text]);
    expect(Object.keys(hidden.headers)).toEqual(Object.keys(nobody.headers));
    expect(await directory.profile(alice, carol.userId)).toMatchObject(absent);
    expect(await directory.keysOf(alice, carol.userId)).toEqual([]);
    expect([await directory.found(bob, 'carol'), await directory.found(bob, carol.userId), await directory.keysOf(bob, carol.userId)]).toEqual([[carol.userId], [carol.userId], [carol.userId]]);
    await directory.operate('unhide', '--user', carol.userId);
    expect(await directory.found(alice, carol.userId)).toEqual([carol.userId]);
  });
});
