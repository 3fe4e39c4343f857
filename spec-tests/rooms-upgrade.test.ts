import { describe, expect, it } from '@jest/globals';
import type { Person, RoomEvent } from './harness.js';
import { roomCalls } from './rooms-calls.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
const { shard, alice, bob } = await shardOfThree();
const rooms = roomCalls(shard);

const upgrade = (person: Person, roomId: string, new_version: string, more: object = {}) =>
  rooms.call<{ replacement_room: string }>(person, 'POST', ['rooms', roomId, 'upgrade'], { new_version, ...more });

describe.each([['10', '11'], ['11', '12'], ['12', '12']])('from version %s to %s', (from, to) => {
  it('"creates a replacement room", sealed as the old one, moves the aliases and closes the old room (A10)', async () => {
    const roomId = await shard.createRoom(alice, [bob], {
      room_version: from,
      name: 'Cellar',
      topic: 'what lies below',
      room_alias_name: `cellar-${from}-${to}`,
      creation_content: { type: 'm.space' },
      initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'invited' } }],
    });
    await rooms.call(alice, 'POST', ['rooms', roomId, 'ban'], { user_id: bob.userId });
    const { status, body } = await upgrade(alice, roomId, to);
    expect(status).toBe(200);
    const id = body.replacement_room;
    const state = (await rooms.call<readonly RoomEvent[]>(alice, 'GET', ['rooms', roomId, 'state'])).body;
    const tombstone = state.find(({ type }) => type === 'm.room.tombstone');
    expect(tombstone?.content).toMatchObject({ replacement_room: id });
    const create = await rooms.state(alice, id, 'm.room.create');
    expect(create).toMatchObject({ room_version: to, type: 'm.space', predecessor: { room_id: roomId, ...(to === '12' ? {} : { event_id: tombstone?.event_id }) } });
    expect(await rooms.state(alice, id, 'm.room.encryption')).toMatchObject({ algorithm: 'm.megolm.v1.aes-sha2' });
    expect(await rooms.state(alice, id, 'm.room.name')).toEqual({ name: 'Cellar' });
    expect(await rooms.state(alice, id, 'm.room.history_visibility')).toEqual({ history_visibility: 'invited' });
    expect(await rooms.state(alice, id, 'm.room.join_rules')).toEqual({ join_rule: 'invite' });
    expect(await rooms.state(alice, id, 'm.room.member', bob.userId)).toMatchObject({ membership: 'ban' });
    const alias = `#cellar-${from}-${to}:localhost`;
    expect(await rooms.state(alice, id, 'm.room.canonical_alias')).toEqual({ alias });
    expect((await rooms.call<{ room_id: string }>(alice, 'GET', ['directory', 'room', alias])).body.room_id).toBe(id);
    expect(await rooms.state(alice, roomId, 'm.room.power_levels')).toMatchObject({ events_default: 50, invite: 50 });
  });
});

describe('an upgrade', () => {
  it('is for those who may close the room, and leaves nothing behind when it is refused (A10)', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const joined = async (): Promise<unknown> => (await rooms.call<{ joined_rooms: string[] }>(bob, 'GET', ['joined_rooms'])).body.joined_rooms;
    const before = await joined();
    expect(await upgrade(bob, roomId, '12')).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await upgrade(alice, roomId, 'no-such-version')).toMatchObject({ status: 400, body: { errcode: 'M_UNSUPPORTED_ROOM_VERSION' } });
    expect(await upgrade(alice, roomId, '9')).toMatchObject({ status: 400, body: { errcode: 'M_UNSUPPORTED_ROOM_VERSION' } });
    expect(await upgrade(alice, '!none:localhost', '12')).toMatchObject({ status: 403 });
    expect(await joined()).toEqual(before);
  });

  it('leaves an alias behind that was removed while the room still boasted of it', async () => {
    const roomId = await shard.createRoom(alice, [], { room_alias_name: 'short-lived' });
    await rooms.call(alice, 'DELETE', ['directory', 'room', '#short-lived:localhost']);
    const { status, body } = await upgrade(alice, roomId, '11');
    expect(status).toBe(200);
    expect(await rooms.call(alice, 'GET', ['rooms', body.replacement_room, 'state', 'm.room.canonical_alias', ''])).toMatchObject({ status: 404 });
  });

  it('"additional_creators" share the creator’s power', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const { body } = await upgrade(alice, roomId, '12', { additional_creators: [bob.userId] });
    expect(await rooms.state(alice, body.replacement_room, 'm.room.create')).toMatchObject({ additional_creators: [bob.userId] });
    expect((await rooms.state(alice, body.replacement_room, 'm.room.power_levels'))['users']).toEqual({});
  });
});

describe('"When a user joins the new room, the server should automatically transfer/replicate some of the user\'s personalized settings such as notifications, tags, etc."', () => {
  const tagsOf = async (person: Person, roomId: string): Promise<unknown> =>
    (await rooms.call<{ tags: unknown }>(person, 'GET', ['user', person.userId, 'rooms', roomId, 'tags'])).body.tags;
  const tag = (person: Person, roomId: string) => rooms.call(person, 'PUT', ['user', person.userId, 'rooms', roomId, 'tags', 'm.favourite'], { order: 0.5 });
  const directPath = ({ userId }: Person): readonly string[] => ['user', userId, 'account_data', 'm.direct'];
  const favourite = { 'm.favourite': { order: 0.5 } };

  it.each(['11', '12'])('tags and direct chats, to version %s: of the upgrader at once, of others as they come, and once', async (version) => {
    const roomId = await shard.createRoom(alice, [bob]);
    for (const person of [alice, bob]) {
      await tag(person, roomId);
      await rooms.call(person, 'PUT', directPath(person), { [person === alice ? bob.userId : alice.userId]: [roomId], '@carol:localhost': ['!else:localhost'] });
    }
    const id = (await upgrade(alice, roomId, version)).body.replacement_room;
    expect(await tagsOf(alice, id)).toEqual(favourite);
    expect((await rooms.call(alice, 'GET', directPath(alice))).body).toEqual({ [bob.userId]: [roomId, id], '@carol:localhost': ['!else:localhost'] });
    await rooms.call(alice, 'POST', ['rooms', id, 'invite'], { user_id: bob.userId });
    expect(await tagsOf(bob, id)).toEqual({});
    await rooms.call(bob, 'POST', ['join', id], {});
    expect(await tagsOf(bob, id)).toEqual(favourite);
    expect((await rooms.call(bob, 'GET', directPath(bob))).body).toMatchObject({ [alice.userId]: [roomId, id] });
    await rooms.call(bob, 'DELETE', ['user', bob.userId, 'rooms', id, 'tags', 'm.favourite']);
    await rooms.call(bob, 'PUT', directPath(bob), {});
    await rooms.call(bob, 'PUT', ['profile', bob.userId, 'displayname'], { displayname: `Bob ${version}` });
    expect(await tagsOf(bob, id)).toEqual({});
    expect((await rooms.call(bob, 'GET', directPath(bob))).body).toEqual({});
  });

  it('nothing goes to a room that only says itself that it replaces another; it does once the other says so too', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    await tag(bob, roomId);
    await rooms.call(bob, 'PUT', directPath(bob), { [alice.userId]: [roomId] });
    const id = await shard.createRoom(alice, [bob], { creation_content: { predecessor: { room_id: roomId } } });
    expect(await tagsOf(bob, id)).toEqual({});
    expect((await rooms.call(bob, 'GET', directPath(bob))).body).toEqual({ [alice.userId]: [roomId] });
    expect((await rooms.setState(alice, roomId, 'm.room.tombstone', { body: 'Moved', replacement_room: id })).status).toBe(200);
    expect(await tagsOf(bob, id)).toEqual(favourite);
    expect((await rooms.call(bob, 'GET', directPath(bob))).body).toEqual({ [alice.userId]: [roomId, id] });
  });
});
