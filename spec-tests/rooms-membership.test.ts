import { describe, expect, it } from '@jest/globals';
import type { Answer, Person } from './harness.js';
import { absent, refused, roomCalls } from './rooms-calls.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#room-membership
const { shard, alice, bob, carol } = await shardOfThree();
const rooms = roomCalls(shard);

const act = (person: Person, roomId: string, deed: string, body: object = {}, malformed = false): Promise<Answer<Readonly<Record<string, unknown>>>> =>
  rooms.call(person, 'POST', ['rooms', roomId, deed], body, { malformed });
const membership = async (roomId: string, person: Person) => (await rooms.state(alice, roomId, 'm.room.member', person.userId))['membership'];
const joined = async (person: Person) => (await rooms.call<{ joined_rooms: string[] }>(person, 'GET', ['joined_rooms'])).body.joined_rooms;
const ok = { status: 200, body: {} };

describe('joining', () => {
  it('"the user must be invited"; joining again changes nothing', async () => {
    const roomId = await shard.createRoom(alice);
    expect(await act(bob, roomId, 'join')).toMatchObject(refused);
    expect(await act(alice, roomId, 'invite', { user_id: bob.userId, reason: 'for the minutes' })).toEqual(expect.objectContaining(ok));
    expect(await rooms.state(alice, roomId, 'm.room.member', bob.userId)).toEqual({ membership: 'invite', reason: 'for the minutes' });
    expect(await joined(bob)).not.toContain(roomId);
    expect(await act(bob, roomId, 'join')).toMatchObject({ status: 200, body: { room_id: roomId } });
    const { next_batch } = await rooms.sync(alice);
    expect(await act(bob, roomId, 'join')).toMatchObject({ status: 200, body: { room_id: roomId } });
    expect((await rooms.sync(alice)).next_batch).toBe(next_batch);
    expect(await joined(bob)).toContain(roomId);
  });

  it('carries what the client adds and the profile into the member event, but never another membership', async () => {
    const roomId = await shard.createRoom(alice, [], { invite: [carol.userId] });
    await rooms.call(carol, 'PUT', ['profile', carol.userId, 'displayname'], { displayname: 'Carol' });
    const body = { reason: 'here I am', 'org.example.seat': 4, membership: 'ban', join_authorised_via_users_server: alice.userId };
    expect(await rooms.call(carol, 'POST', ['join', roomId], body)).toMatchObject({ status: 200 });
    expect(await rooms.state(alice, roomId, 'm.room.member', carol.userId)).toEqual({ membership: 'join', displayname: 'Carol', reason: 'here I am', 'org.example.seat': 4 });
  });

  it('a room that does not exist is refused as one that one may not enter', async () => {
    const roomId = await shard.createRoom(alice);
    const [none, closed] = [await act(bob, '!none:localhost', 'join'), await act(bob, roomId, 'join')];
    expect(none).toMatchObject(refused);
    expect(closed.text).toBe(none.text);
    expect(await rooms.call(bob, 'POST', ['join', 'no-room'], {})).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  it('knows no third-party invitations (A13)', async () => {
    const roomId = await shard.createRoom(alice, [], { invite: [bob.userId] });
    const signed = { sender: alice.userId, mxid: bob.userId, token: 't', signatures: {} };
    const denied = { status: 403, body: { errcode: 'M_THREEPID_DENIED' } };
    expect(await rooms.call(bob, 'POST', ['join', roomId], { third_party_signed: signed })).toMatchObject(denied);
    const email = { id_server: 'id.example', id_access_token: 'x', medium: 'email', address: 'bob@example.org' };
    expect(await act(alice, roomId, 'invite', email)).toMatchObject(denied);
    expect(await rooms.setState(alice, roomId, 'm.room.third_party_invite', { display_name: 'b' }, 't')).toMatchObject(denied);
  });
});

describe('inviting', () => {
  it.each([
    ['oneself', () => alice.userId, refused],
    ['a member', () => bob.userId, refused],
    ['somebody of another server', () => '@bob:elsewhere.example', refused],
    ['what is no user id', () => 'bob', { status: 400, body: { errcode: 'M_INVALID_PARAM' } }],
  ])('refuses %s', async (_, userId, refusal) => {
    const roomId = await shard.createRoom(alice, [bob]);
    expect(await act(alice, roomId, 'invite', { user_id: userId() })).toMatchObject(refusal);
  });

  it('wants a user id, and a reason of at most 512 bytes (B8)', async () => {
    const roomId = await shard.createRoom(alice);
    expect(await act(alice, roomId, 'invite', {}, true)).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
    expect(await act(alice, roomId, 'invite', { user_id: bob.userId, reason: 'é'.repeat(257) })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect(await act(alice, roomId, 'invite', { user_id: bob.userId, reason: 7 }, true)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(await rooms.call(alice, 'GET', ['rooms', roomId, 'state', 'm.room.member', bob.userId])).toMatchObject(absent);
  });

  it('an unknown person is invited as a known one is (D5)', async () => {
    const roomId = await shard.createRoom(alice);
    expect(await act(alice, roomId, 'invite', { user_id: `@nobody-at-all:${shard.serverName}` })).toEqual(expect.objectContaining(ok));
  });

  it('is for members with the power to', async () => {
    const roomId = await shard.createRoom(alice, [bob], { power_level_content_override: { invite: 50 } });
    expect(await act(bob, roomId, 'invite', { user_id: carol.userId })).toMatchObject(refused);
    expect(await act(carol, roomId, 'invite', { user_id: carol.userId })).toMatchObject(refused);
  });
});

describe('leaving, kicking, banning', () => {
  it('"a user may leave a room": an invitation is declined in the same way, leaving twice is no error', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    expect(await act(bob, roomId, 'leave', { reason: 'lunch' })).toEqual(expect.objectContaining(ok));
    expect(await rooms.state(alice, roomId, 'm.room.member', bob.userId)).toEqual({ membership: 'leave', reason: 'lunch' });
    expect(await act(bob, roomId, 'leave')).toEqual(expect.objectContaining(ok));
    expect(await joined(bob)).not.toContain(roomId);
    const invited = await shard.createRoom(alice, [], { invite: [carol.userId] });
    expect(await act(carol, invited, 'leave')).toEqual(expect.objectContaining(ok));
    expect(await act(carol, invited, 'join')).toMatchObject(refused);
    expect(await act(carol, '!none:localhost', 'leave')).toMatchObject(refused);
  });

  it('"the caller must have the required power level" to kick; who is not in the room cannot be kicked', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    expect(await act(bob, roomId, 'kick', { user_id: alice.userId })).toMatchObject(refused);
    expect(await act(alice, roomId, 'kick', { user_id: carol.userId })).toMatchObject(refused);
    expect(await act(alice, roomId, 'kick', { user_id: bob.userId, reason: 'enough' })).toEqual(expect.objectContaining(ok));
    expect(await rooms.state(alice, roomId, 'm.room.member', bob.userId)).toEqual({ membership: 'leave', reason: 'enough' });
    expect(await act(alice, roomId, 'kick', { user_id: bob.userId })).toMatchObject(refused);
    expect(await act(bob, roomId, 'join')).toMatchObject(refused);
  });

  it('"banned users may not join, nor be invited", until they are unbanned', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    expect(await act(bob, roomId, 'ban', { user_id: alice.userId })).toMatchObject(refused);
    expect(await act(alice, roomId, 'unban', { user_id: bob.userId })).toMatchObject(refused);
    expect(await act(alice, roomId, 'ban', { user_id: bob.userId, reason: 'leaks' })).toEqual(expect.objectContaining(ok));
    expect(await membership(roomId, bob)).toBe('ban');
    expect(await act(bob, roomId, 'join')).toMatchObject(refused);
    expect(await act(bob, roomId, 'leave')).toMatchObject(refused);
    expect(await act(alice, roomId, 'invite', { user_id: bob.userId })).toMatchObject(refused);
    expect(await act(alice, roomId, 'kick', { user_id: bob.userId })).toMatchObject(refused);
    expect(await act(alice, roomId, 'unban', { user_id: bob.userId })).toEqual(expect.objectContaining(ok));
    expect(await membership(roomId, bob)).toBe('leave');
    expect(await act(alice, roomId, 'invite', { user_id: bob.userId })).toEqual(expect.objectContaining(ok));
    expect(await act(bob, roomId, 'join')).toMatchObject({ status: 200 });
  });

  it('who was never in the room can be banned beforehand', async () => {
    const roomId = await shard.createRoom(alice);
    expect(await act(alice, roomId, 'ban', { user_id: carol.userId })).toEqual(expect.objectContaining(ok));
    expect(await act(alice, roomId, 'invite', { user_id: carol.userId })).toMatchObject(refused);
  });

  it('the same by way of the room\'s state', async () => {
    const roomId = await shard.createRoom(alice);
    expect(await rooms.setState(alice, roomId, 'm.room.member', { membership: 'invite' }, bob.userId)).toMatchObject({ status: 200 });
    expect(await rooms.setState(alice, roomId, 'm.room.member', { membership: 'join' }, bob.userId)).toMatchObject(refused);
    expect(await rooms.setState(bob, roomId, 'm.room.member', { membership: 'join', displayname: 'Robert' }, bob.userId)).toMatchObject({ status: 200 });
    expect(await rooms.state(alice, roomId, 'm.room.member', bob.userId)).toEqual({ membership: 'join', displayname: 'Robert' });
    expect(await rooms.setState(alice, roomId, 'm.room.member', { membership: 'here' }, bob.userId)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(await rooms.setState(alice, roomId, 'm.room.member', { membership: 'invite' }, 'carol')).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect(await rooms.setState(alice, roomId, 'm.room.member', { membership: 'ban' }, bob.userId)).toMatchObject({ status: 200 });
    expect(await joined(bob)).not.toContain(roomId);
  });
});

describe('forgetting', () => {
  it('"the user must leave the room before calling this API"', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    expect(await act(bob, roomId, 'forget')).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
    expect(await act(carol, roomId, 'forget')).toMatchObject(refused);
  });

  it('"once every user has forgotten it": nothing of the room is left to who forgot it, until invited again', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const eventId = await rooms.say(alice, roomId);
    await act(bob, roomId, 'leave');
    expect((await rooms.messages(bob, roomId)).status).toBe(200);
    expect(await act(bob, roomId, 'forget')).toEqual(expect.objectContaining(ok));
    expect(await act(bob, roomId, 'forget')).toEqual(expect.objectContaining(ok));
    expect(await rooms.messages(bob, roomId)).toMatchObject(refused);
    expect(await rooms.call(bob, 'GET', ['rooms', roomId, 'event', eventId])).toMatchObject(absent);
    expect((await rooms.sync(bob, undefined, { room: { include_leave: true } })).rooms?.leave ?? {}).not.toHaveProperty([roomId]);
    await act(alice, roomId, 'invite', { user_id: bob.userId });
    expect((await rooms.sync(bob)).rooms?.invite).toHaveProperty([roomId]);
    await act(bob, roomId, 'join');
    expect((await rooms.call(bob, 'GET', ['rooms', roomId, 'event', eventId])).status).toBe(200);
  });
});

it('joined_rooms: "the rooms the user has joined", and only those', async () => {
  const dora = await shard.register();
  const [first, second] = [await shard.createRoom(dora), await shard.createRoom(alice, [dora])];
  const invited = await shard.createRoom(alice, [], { invite: [dora.userId] });
  expect((await joined(dora)).sort()).toEqual([first, second].sort());
  await act(dora, first, 'leave');
  expect(await joined(dora)).toEqual([second]);
  expect(await joined(dora)).not.toContain(invited);
});
