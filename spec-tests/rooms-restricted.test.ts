import { describe, expect, it } from '@jest/globals';
import type { Person } from './harness.js';
import { refused, roomCalls } from './rooms-calls.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms https://spec.matrix.org/v1.19/client-server-api/#knocking-on-rooms
const { shard, alice, bob, carol } = await shardOfThree();
const rooms = roomCalls(shard);

const act = (person: Person, roomId: string, deed: string, body: object = {}) => rooms.call(person, 'POST', ['rooms', roomId, deed], body);
const knock = (person: Person, roomId: string, body: object = {}) => rooms.call(person, 'POST', ['knock', roomId], body);
const member = (roomId: string, person: Person) => rooms.state(alice, roomId, 'm.room.member', person.userId);
const withRule = (content: object, further: object = {}) =>
  shard.createRoom(alice, [], { initial_state: [{ type: 'm.room.join_rules', state_key: '', content }], ...further });
const allow = (...roomIds: string[]) => roomIds.map((room_id) => ({ type: 'm.room_membership', room_id }));

describe('knocking', () => {
  it('"the user is then able to be invited or have the knock declined"', async () => {
    const roomId = await withRule({ join_rule: 'knock' });
    expect(await knock(bob, roomId, { reason: 'let me in' })).toMatchObject({ status: 200, body: { room_id: roomId } });
    expect(await member(roomId, bob)).toEqual({ membership: 'knock', reason: 'let me in' });
    expect((await rooms.sync(bob)).rooms?.knock).toHaveProperty([roomId]);
    expect(await act(bob, roomId, 'join')).toMatchObject(refused);
    expect(await rooms.messages(bob, roomId)).toMatchObject(refused);
    expect(await rooms.call(bob, 'GET', ['rooms', roomId, 'state'])).toMatchObject(refused);
    expect(await act(alice, roomId, 'invite', { user_id: bob.userId })).toMatchObject({ status: 200 });
    expect(await knock(bob, roomId)).toMatchObject(refused);
    expect(await act(bob, roomId, 'join')).toMatchObject({ status: 200 });
    expect(await knock(bob, roomId)).toMatchObject(refused);
  });

  it('a knock can be declined, and taken back', async () => {
    const roomId = await withRule({ join_rule: 'knock' });
    await knock(bob, roomId);
    expect(await act(alice, roomId, 'kick', { user_id: bob.userId })).toMatchObject({ status: 200 });
    expect(await member(roomId, bob)).toEqual({ membership: 'leave' });
    await knock(bob, roomId);
    expect(await act(bob, roomId, 'leave')).toMatchObject({ status: 200 });
    expect(await member(roomId, bob)).toEqual({ membership: 'leave' });
  });

  it('"not permitted to knock": the rule is another, or the user is banned', async () => {
    const closed = await shard.createRoom(alice);
    const [shut, none] = [await knock(bob, closed), await knock(bob, '!none:localhost')];
    expect(none).toMatchObject(refused);
    expect(shut.text).toBe(none.text);
    const roomId = await withRule({ join_rule: 'knock' });
    await act(alice, roomId, 'ban', { user_id: bob.userId });
    expect(await knock(bob, roomId)).toMatchObject(refused);
    expect(await knock(carol, roomId, { reason: 'x'.repeat(513) })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });
});

describe('restricted rooms', () => {
  it.each(['8', '9'])('are not made in version %s, which clients cannot create here', async (room_version) => {
    const content = { join_rule: 'restricted', allow: [] };
    const body = { room_version, initial_state: [{ type: 'm.room.join_rules', content }] };
    expect(await rooms.call(alice, 'POST', ['createRoom'], body)).toMatchObject({ status: 400, body: { errcode: 'M_UNSUPPORTED_ROOM_VERSION' } });
  });

  it.each(['10', '11', '12'])('version %s: a member of an allowed room joins, by the name of one who could invite', async (room_version) => {
    const space = await shard.createRoom(alice, [bob], { creation_content: { type: 'm.space' } });
    const roomId = await withRule({ join_rule: 'restricted', allow: allow(space) }, { room_version });
    const stranger = await act(carol, roomId, 'join');
    expect(stranger).toMatchObject(refused);
    expect(stranger.text).toBe((await act(carol, '!none:localhost', 'join')).text);
    expect(await act(bob, roomId, 'join')).toMatchObject({ status: 200, body: { room_id: roomId } });
    expect(await member(roomId, bob)).toEqual({ membership: 'join', join_authorised_via_users_server: alice.userId });
  });

  it('an invited person needs nobody\'s name; a banned one is not let in', async () => {
    const space = await shard.createRoom(alice, [bob, carol]);
    const roomId = await withRule({ join_rule: 'restricted', allow: allow(space) }, { invite: [bob.userId] });
    await act(bob, roomId, 'join');
    expect(await member(roomId, bob)).toEqual({ membership: 'join' });
    await act(alice, roomId, 'ban', { user_id: carol.userId });
    expect(await act(carol, roomId, 'join')).toMatchObject(refused);
  });

  it('who left the allowed room is no longer let in', async () => {
    const space = await shard.createRoom(alice, [bob]);
    const roomId = await withRule({ join_rule: 'restricted', allow: allow(space) });
    await act(bob, space, 'leave');
    expect(await act(bob, roomId, 'join')).toMatchObject(refused);
  });

  it('nobody is let in when nobody of the room may invite', async () => {
    const space = await shard.createRoom(alice, [bob]);
    const roomId = await withRule({ join_rule: 'restricted', allow: allow(space) }, { power_level_content_override: { invite: 101 } });
    expect(await act(bob, roomId, 'join')).toMatchObject(refused);
  });

  it('knock_restricted: both ways are open, each to its own', async () => {
    const space = await shard.createRoom(alice, [bob]);
    const roomId = await withRule({ join_rule: 'knock_restricted', allow: allow(space) });
    expect(await knock(carol, roomId)).toMatchObject({ status: 200 });
    expect(await act(carol, roomId, 'join')).toMatchObject(refused);
    expect(await act(bob, roomId, 'join')).toMatchObject({ status: 200 });
  });

  it('only rooms of this server can be named (A3), and only rooms', async () => {
    const [space, roomId] = [await shard.createRoom(alice), await shard.createRoom(alice)];
    const rule = (allowed: unknown) => rooms.setState(alice, roomId, 'm.room.join_rules', { join_rule: 'restricted', allow: allowed });
    expect(await rule(allow(space))).toMatchObject({ status: 200 });
    expect(await rule(allow(space, '!unknown:localhost'))).toMatchObject(refused);
    expect(await rule(allow('!unknown:elsewhere.example'))).toMatchObject(refused);
    expect(await rule([{ type: 'org.example.anybody' }])).toMatchObject(refused);
    expect(await rule('everybody')).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(await rooms.setState(alice, roomId, 'm.room.join_rules', { join_rule: 'public' })).toMatchObject(refused);
    expect(await rooms.state(alice, roomId, 'm.room.join_rules')).toEqual({ join_rule: 'restricted', allow: allow(space) });
  });
});
