import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Person, type RoomEvent, type Shard } from './harness.js';
import { absent, refused, roomCalls, type RoomCalls } from './rooms-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#getting-events-for-a-room (state), #sending-events-to-a-room
let shard: Shard;
let rooms: RoomCalls;
let alice: Person;
let bob: Person;
let carol: Person;
let roomId: string;
beforeAll(async () => {
  shard = await startShard();
  rooms = roomCalls(shard);
  [alice, bob, carol] = [await shard.register(), await shard.register(), await shard.register()];
  roomId = await shard.createRoom(alice, [bob], { name: 'Council' });
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const raw = (person: Person, method: string, path: string, body?: object) =>
  shard.request(method, `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state${path}`, { token: person.token, ...(body === undefined ? {} : { body }) });
const MEGOLM = { algorithm: 'm.megolm.v1.aes-sha2', rotation_period_ms: 604_800_000, rotation_period_msgs: 100 };

describe('reading state', () => {
  it('"the current state of a room", every entry once, with its room', async () => {
    const { body } = await rooms.call<readonly RoomEvent[]>(bob, 'GET', ['rooms', roomId, 'state']);
    const keys = body.map(({ type, state_key }) => `${type}|${String(state_key)}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toEqual(expect.arrayContaining(['m.room.create|', 'm.room.encryption|', 'm.room.name|', `m.room.member|${bob.userId}`]));
    expect(body.every((event) => 'room_id' in event && event.room_id === roomId)).toBe(true);
  });

  it('with and without a key, with a slash at the end, under /r0', async () => {
    for (const path of ['/m.room.name', '/m.room.name/']) expect((await raw(alice, 'GET', path)).body).toEqual({ name: 'Council' });
    const older = await shard.request('GET', `/_matrix/client/r0/rooms/${encodeURIComponent(roomId)}/state/m.room.name/`, { token: alice.token });
    expect(older.body).toEqual({ name: 'Council' });
    expect((await raw(alice, 'GET', `/m.room.member/${encodeURIComponent(bob.userId)}`)).body).toMatchObject({ membership: 'join' });
  });

  it('"format=event": the entire event', async () => {
    // Without a key: the specification's `oneOf` for the other path takes an event for both of its forms, and so for neither.
    const { body } = await raw(alice, 'GET', '/m.room.name?format=event');
    const event = { type: 'm.room.name', state_key: '', sender: alice.userId, room_id: roomId, content: { name: 'Council' } };
    expect(body).toMatchObject({ ...event, event_id: expect.stringMatching(/^\$/) });
    expect((await raw(alice, 'GET', '/m.room.name?format=content')).body).toEqual({ name: 'Council' });
    expect((await raw(alice, 'GET', '/m.room.name?format=xml')).status).toBe(400);
  });

  it('"The room has no state with the given type or key"; "You aren\'t a member of the room"', async () => {
    expect(await rooms.call(alice, 'GET', ['rooms', roomId, 'state', 'm.room.name', 'other'])).toMatchObject(absent);
    expect(await rooms.call(carol, 'GET', ['rooms', roomId, 'state', 'm.room.name', ''])).toMatchObject(refused);
    expect(await rooms.call(carol, 'GET', ['rooms', roomId, 'state'])).toMatchObject(refused);
    const none = await rooms.call(carol, 'GET', ['rooms', '!none:localhost', 'state']);
    expect(none.text).toBe((await rooms.call(carol, 'GET', ['rooms', roomId, 'state'])).text);
  });

  it('who has left reads the state as it was then', async () => {
    const left = await shard.createRoom(alice, [carol], { name: 'Before' });
    await rooms.call(carol, 'POST', ['rooms', left, 'leave'], {});
    await rooms.setState(alice, left, 'm.room.name', { name: 'After' });
    await rooms.setState(alice, left, 'org.example.new', {});
    expect(await rooms.state(carol, left, 'm.room.name')).toEqual({ name: 'Before' });
    expect(await rooms.call(carol, 'GET', ['rooms', left, 'state', 'org.example.new', ''])).toMatchObject(absent);
    const { body } = await rooms.call<readonly RoomEvent[]>(carol, 'GET', ['rooms', left, 'state']);
    expect(body.find(({ type }) => type === 'm.room.name')?.content).toEqual({ name: 'Before' });
    expect(body.find(({ state_key }) => state_key === carol.userId)?.content).toEqual({ membership: 'leave' });
  });
});

describe('writing state', () => {
  it.each(['', 'plain', 'with/slash', '~ $&+,;=?#[]', 'é ü 漢', '100%'])('"The state_key for the state": %j', async (key) => {
    const content = { at: key };
    const { status, body } = await rooms.setState(alice, roomId, 'org.example.keyed', content, key);
    expect(status).toBe(200);
    expect(await rooms.state(bob, roomId, 'org.example.keyed', key)).toEqual(content);
    const event = await rooms.call<RoomEvent>(bob, 'GET', ['rooms', roomId, 'event', body.event_id]);
    expect(event.body).toMatchObject({ state_key: key, content });
  });

  it('without a key, and with a slash at the end, is the empty key', async () => {
    await raw(alice, 'PUT', '/org.example.bare', { n: 1 });
    expect((await raw(alice, 'GET', '/org.example.bare/')).body).toEqual({ n: 1 });
    await raw(alice, 'PUT', '/org.example.bare/', { n: 2 });
    expect((await raw(alice, 'GET', '/org.example.bare')).body).toEqual({ n: 2 });
  });

  it('what is set already is the same event; unsigned tells what was replaced', async () => {
    const first = await rooms.setState(alice, roomId, 'org.example.same', { a: 1, b: { c: [1, 2] } });
    const again = await rooms.setState(alice, roomId, 'org.example.same', { b: { c: [1, 2] }, a: 1 });
    expect(again.body).toEqual(first.body);
    const next = await rooms.setState(alice, roomId, 'org.example.same', { a: 2 });
    const event = await rooms.call<RoomEvent>(bob, 'GET', ['rooms', roomId, 'event', next.body.event_id]);
    expect(event.body.unsigned).toMatchObject({ prev_content: { a: 1, b: { c: [1, 2] } }, replaces_state: first.body.event_id, prev_sender: alice.userId });
  });

  it('needs the power level, and membership; a key that is a user id is that user\'s own', async () => {
    expect(await rooms.setState(bob, roomId, 'm.room.name', { name: 'Coup' })).toMatchObject(refused);
    expect(await rooms.setState(carol, roomId, 'm.room.name', { name: 'Coup' })).toMatchObject(refused);
    expect(await rooms.setState(carol, '!none:localhost', 'm.room.name', { name: 'Coup' })).toMatchObject(refused);
    expect(await rooms.setState(alice, roomId, 'org.example.own', {}, bob.userId)).toMatchObject(refused);
  });

  it('a room begins with its create event, and has no other', async () => {
    expect(await rooms.setState(alice, roomId, 'm.room.create', {})).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect(await rooms.setState(carol, roomId, 'm.room.create', {})).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  it('power levels: nobody gives more than they have', async () => {
    const levels = await rooms.state(alice, roomId, 'm.room.power_levels');
    const users = { [alice.userId]: 100, [bob.userId]: 50 };
    expect(await rooms.setState(alice, roomId, 'm.room.power_levels', { ...levels, users: { ...users, [bob.userId]: 101 } })).toMatchObject(refused);
    expect(await rooms.setState(alice, roomId, 'm.room.power_levels', { ...levels, users: { ...users, [bob.userId]: '50' } })).toMatchObject(refused);
    expect(await rooms.setState(alice, roomId, 'm.room.power_levels', { ...levels, users })).toMatchObject({ status: 200 });
    expect(await rooms.setState(bob, roomId, 'm.room.name', { name: 'By Bob' })).toMatchObject({ status: 200 });
    expect(await rooms.setState(bob, roomId, 'm.room.power_levels', { ...levels, users: { ...users, [bob.userId]: 100 } })).toMatchObject(refused);
  });
});

describe('the rules hold for every change', () => {
  it.each([
    ['a public join rule (A2)', 'm.room.join_rules', { join_rule: 'public' }, 403, 'M_FORBIDDEN'],
    ['no join rule (A2)', 'm.room.join_rules', {}, 403, 'M_FORBIDDEN'],
    ['a world readable history (A4)', 'm.room.history_visibility', { history_visibility: 'world_readable' }, 403, 'M_FORBIDDEN'],
    ['an unknown history visibility (A4)', 'm.room.history_visibility', { history_visibility: 'all' }, 403, 'M_FORBIDDEN'],
    ['guests (A5)', 'm.room.guest_access', { guest_access: 'can_join' }, 403, 'M_GUEST_ACCESS_FORBIDDEN'],
    ['another algorithm (B1)', 'm.room.encryption', { algorithm: 'm.olm.v1' }, 403, 'M_FORBIDDEN'],
    ['no algorithm (B2)', 'm.room.encryption', {}, 403, 'M_FORBIDDEN'],
    ['slower rotation (B3)', 'm.room.encryption', { ...MEGOLM, rotation_period_msgs: 101 }, 403, 'M_FORBIDDEN'],
    ['a name of 256 bytes (B8)', 'm.room.name', { name: 'é'.repeat(128) }, 400, 'M_INVALID_PARAM'],
    ['a topic of 1,025 bytes (B8)', 'm.room.topic', { topic: 't'.repeat(1025) }, 400, 'M_INVALID_PARAM'],
    ['a rich topic (B8)', 'm.room.topic', { topic: 't', 'm.topic': { 'm.text': [{ body: 't'.repeat(4100) }] } }, 400, 'M_INVALID_PARAM'],
    ['17 KiB of anything else (B8)', 'org.example.state', { text: 'x'.repeat(17 * 1024) }, 413, 'M_TOO_LARGE'],
    ['more than an event holds', 'm.room.power_levels', { text: 'x'.repeat(66_000) }, 413, 'M_TOO_LARGE'],
    ['a fraction', 'org.example.state', { n: 1.5 }, 400, 'M_BAD_JSON'],
    ['a number beyond 2^53', 'org.example.state', { n: 2 ** 60 }, 400, 'M_BAD_JSON'],
  ])('refuses %s', async (_, type, content, status, errcode) => {
    const before = await rooms.state(alice, roomId, type);
    expect(await rooms.call(alice, 'PUT', ['rooms', roomId, 'state', type, ''], content, { malformed: true })).toMatchObject({ status, body: { errcode } });
    expect(await rooms.state(alice, roomId, type)).toEqual(before);
  });

  it('encryption may only be tightened (B2)', async () => {
    const own = await shard.createRoom(alice);
    const set = (content: object) => rooms.setState(alice, own, 'm.room.encryption', content);
    expect(await set({ ...MEGOLM, rotation_period_msgs: 50 })).toMatchObject({ status: 200 });
    expect(await set({ ...MEGOLM, rotation_period_msgs: 51 })).toMatchObject(refused);
    expect(await set(MEGOLM)).toMatchObject(refused);
    expect(await set({ ...MEGOLM, rotation_period_msgs: 50, rotation_period_ms: 3_600_000 })).toMatchObject({ status: 200 });
  });

  it('what is within the limits passes', async () => {
    const levels = await rooms.state(alice, roomId, 'm.room.power_levels');
    const notifications = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`org.example.${'x'.repeat(40)}.${i}`, 50]));
    expect(await rooms.setState(alice, roomId, 'm.room.power_levels', { ...levels, notifications })).toMatchObject({ status: 200 });
    expect(await rooms.setState(alice, roomId, 'm.room.name', { name: 'n'.repeat(255) })).toMatchObject({ status: 200 });
    expect(await rooms.setState(alice, roomId, 'm.room.guest_access', { guest_access: 'forbidden' })).toMatchObject({ status: 200 });
    expect(await rooms.setState(alice, roomId, 'm.room.history_visibility', { history_visibility: 'joined' })).toMatchObject({ status: 200 });
  });

  it('a body that is no object, and none at all', async () => {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state/org.example.state`;
    const put = (body: string) => shard.request('PUT', path, { token: alice.token, body });
    expect(await put('"text"')).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(await put('{')).toMatchObject({ status: 400, body: { errcode: 'M_NOT_JSON' } });
    expect(await put('')).toMatchObject({ status: 400, body: { errcode: 'M_NOT_JSON' } });
  });
});
