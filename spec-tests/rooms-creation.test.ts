import { describe, expect, it } from '@jest/globals';
import type { Person, RoomEvent } from './harness.js';
import { refused, roomCalls } from './rooms-calls.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#creation
const { shard, alice, bob } = await shardOfThree();
const rooms = roomCalls(shard);

const create = (body: object, malformed = false) => rooms.call<{ room_id: string }>(alice, 'POST', ['createRoom'], body, { malformed });
const created = async (body: object): Promise<string> => {
  const answer = await create(body);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body.room_id;
};
const stateOf = async (roomId: string): Promise<readonly RoomEvent[]> => {
  const { body } = await rooms.call<readonly RoomEvent[]>(alice, 'GET', ['rooms', roomId, 'state']);
  return body;
};
const joined = async (person: Person) => (await rooms.call<{ joined_rooms: string[] }>(person, 'GET', ['joined_rooms'])).body.joined_rooms;

const MEGOLM = { algorithm: 'm.megolm.v1.aes-sha2', rotation_period_ms: 604_800_000, rotation_period_msgs: 100 };

describe('the new room', () => {
  it('"The server MUST apply events in the following order", sealed whatever is asked for', async () => {
    const roomId = await created({});
    const { body } = await rooms.messages(alice, roomId, { dir: 'f', limit: 50 });
    expect(body.chunk.map(({ type }) => type)).toEqual([
      'm.room.create', 'm.room.member', 'm.room.power_levels', 'm.room.encryption', 'm.room.join_rules', 'm.room.history_visibility',
    ]);
    expect(await rooms.state(alice, roomId, 'm.room.encryption')).toEqual(MEGOLM);
    expect(await rooms.state(alice, roomId, 'm.room.join_rules')).toEqual({ join_rule: 'invite' });
    expect(await rooms.state(alice, roomId, 'm.room.history_visibility')).toEqual({ history_visibility: 'shared' });
    const levels = { users: { [alice.userId]: 100 }, ban: 50, kick: 50, redact: 50, invite: 0, users_default: 0 };
    expect(await rooms.state(alice, roomId, 'm.room.power_levels')).toMatchObject(levels);
  });

  it('"an m.room.name event will be sent", "an m.room.topic event with a text/plain mimetype"; both override initial_state', async () => {
    const initial_state = [{ type: 'm.room.name', content: { name: 'Old' } }, { type: 'm.room.topic', content: { topic: 'Old' } }];
    const roomId = await created({ name: 'Council', topic: 'Budget', initial_state });
    expect(await rooms.state(alice, roomId, 'm.room.name')).toEqual({ name: 'Council' });
    expect(await rooms.state(alice, roomId, 'm.room.topic')).toEqual({ topic: 'Budget', 'm.topic': { 'm.text': [{ body: 'Budget', mimetype: 'text/plain' }] } });
  });

  it('"a room alias will be created and mapped to the newly created room"', async () => {
    const roomId = await created({ visibility: 'private', room_alias_name: 'conseil-été' });
    const alias = `#conseil-été:${shard.serverName}`;
    expect(await rooms.state(alice, roomId, 'm.room.canonical_alias')).toEqual({ alias });
    expect((await rooms.call(alice, 'GET', ['directory', 'room', alias])).body).toEqual({ room_id: roomId, servers: [shard.serverName] });
  });

  it('"sets the is_direct flag on the m.room.member events sent to the users in invite"', async () => {
    const roomId = await created({ invite: [bob.userId, bob.userId], is_direct: true });
    expect(await rooms.state(alice, roomId, 'm.room.member', bob.userId)).toMatchObject({ membership: 'invite', is_direct: true });
    const stripped = (await rooms.sync(bob)).rooms?.invite?.[roomId]?.invite_state.events ?? [];
    expect(stripped.map(({ type }) => type)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.join_rules', 'm.room.encryption', 'm.room.member']));
  });

  it('trusted_private_chat: "All invitees are given the same power level as the room creator"', async () => {
    const roomId = await created({ preset: 'trusted_private_chat', invite: [bob.userId], room_version: '11' });
    expect(await rooms.state(alice, roomId, 'm.room.power_levels')).toMatchObject({ users: { [alice.userId]: 100, [bob.userId]: 100 } });
  });

  it('"Extra keys, such as m.federate, to be added to the content of the m.room.create event"; room_version is overwritten', async () => {
    const roomId = await created({ room_version: '11', creation_content: { type: 'm.space', 'm.federate': false, room_version: '1', creator: '@eve:localhost' } });
    expect(await rooms.state(alice, roomId, 'm.room.create')).toEqual({ type: 'm.space', 'm.federate': false, room_version: '11' });
  });

  it('"applied on top of the generated m.room.power_levels event content"', async () => {
    const roomId = await created({ power_level_content_override: { invite: 50, events: { 'm.room.name': 0 } } });
    expect(await rooms.state(alice, roomId, 'm.room.power_levels')).toMatchObject({ invite: 50, kick: 50, events: { 'm.room.name': 0 }, users: { [alice.userId]: 100 } });
  });

  it('initial_state "takes precedence over events set by preset"', async () => {
    const initial_state = [
      { type: 'm.room.history_visibility', content: { history_visibility: 'joined' } },
      { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } },
      { type: 'org.example.badge', state_key: 'a/b', content: { colour: 'blue' } },
    ];
    const roomId = await created({ preset: 'private_chat', initial_state });
    const state = await stateOf(roomId);
    expect(state.filter(({ type }) => type === 'm.room.history_visibility')).toEqual([expect.objectContaining({ content: { history_visibility: 'joined' } })]);
    expect(await rooms.state(alice, roomId, 'm.room.join_rules')).toEqual({ join_rule: 'knock' });
    expect(await rooms.state(alice, roomId, 'org.example.badge', 'a/b')).toEqual({ colour: 'blue' });
    const { body } = await rooms.messages(alice, roomId, { dir: 'f', limit: 50 });
    expect(body.chunk.filter(({ type }) => type === 'm.room.history_visibility')).toHaveLength(1);
  });

  it('takes the client\'s own encryption event instead of the default, once', async () => {
    const content = { ...MEGOLM, rotation_period_msgs: 20 };
    const roomId = await created({ initial_state: [{ type: 'm.room.encryption', state_key: '', content }] });
    const { body } = await rooms.messages(alice, roomId, { dir: 'f', limit: 50 });
    expect(body.chunk.filter(({ type }) => type === 'm.room.encryption').map((event) => event.content)).toEqual([content]);
  });

  it('lets no guests in, though Element asks for them in every private room', async () => {
    const roomId = await created({ initial_state: [{ type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } }] });
    const state = await stateOf(roomId);
    expect(state.filter(({ type, content }) => type === 'm.room.guest_access' && content['guest_access'] !== 'forbidden')).toEqual([]);
  });

  it('numbers nothing of the creator\'s own profile but what is set', async () => {
    await rooms.call(alice, 'PUT', ['profile', alice.userId, 'displayname'], { displayname: 'Alice' });
    const roomId = await created({});
    expect(await rooms.state(alice, roomId, 'm.room.member', alice.userId)).toEqual({ membership: 'join', displayname: 'Alice' });
  });
});

describe('refusals leave nothing behind', () => {
  const UNKNOWN_ROOM = { type: 'm.room_membership', room_id: '!x:y' };
  const state = (type: string, content: object, state_key = '') => ({ initial_state: [{ type, state_key, content }] });
  it.each([
    ['a public preset (A1)', { preset: 'public_chat' }, 403, 'M_FORBIDDEN'],
    ['a published room (A1)', { visibility: 'public' }, 403, 'M_FORBIDDEN'],
    ['a public join rule (A2)', state('m.room.join_rules', { join_rule: 'public' }), 403, 'M_FORBIDDEN'],
    ['an unknown join rule (A2)', state('m.room.join_rules', { join_rule: 'private' }), 403, 'M_FORBIDDEN'],
    ['a restricted rule that names an unknown room (A3)', state('m.room.join_rules', { join_rule: 'restricted', allow: [UNKNOWN_ROOM] }), 403, 'M_FORBIDDEN'],
    ['a world readable history (A4)', state('m.room.history_visibility', { history_visibility: 'world_readable' }), 403, 'M_FORBIDDEN'],
    ['an invitation by e-mail (A13)', { invite_3pid: [{ id_server: 'id.example', id_access_token: 'x', medium: 'email', address: 'a@b.c' }] }, 403, 'M_THREEPID_DENIED'],
    ['a third-party invite (A13)', state('m.room.third_party_invite', { display_name: 'a' }, 'x'), 403, 'M_THREEPID_DENIED'],
    ['another algorithm (B1)', state('m.room.encryption', { algorithm: 'm.olm.v1.curve25519-aes-sha2' }), 403, 'M_FORBIDDEN'],
    ['slow rotation by messages (B3)', state('m.room.encryption', { ...MEGOLM, rotation_period_msgs: 101 }), 403, 'M_FORBIDDEN'],
    ['slow rotation by time (B3)', state('m.room.encryption', { ...MEGOLM, rotation_period_ms: 604_800_001 }), 403, 'M_FORBIDDEN'],
    ['rotation that is no number', state('m.room.encryption', { ...MEGOLM, rotation_period_ms: '1' }), 400, 'M_BAD_JSON'],
    ['an encryption event beside the room\'s', state('m.room.encryption', { algorithm: 'none' }, 'other'), 403, 'M_FORBIDDEN'],
    ['two encryptions, of which one would be passed over', { initial_state: [MEGOLM, { algorithm: 'none' }].map((content) => ({ type: 'm.room.encryption', content })) }, 400, 'M_INVALID_PARAM'],
    ['a second creation', state('m.room.create', {}), 400, 'M_INVALID_PARAM'],
    ['a membership', state('m.room.member', { membership: 'join' }, '@a:localhost'), 400, 'M_INVALID_PARAM'],
    ['a long name (B8)', { name: 'n'.repeat(256) }, 400, 'M_INVALID_PARAM'],
    ['a long topic (B8)', { topic: 't'.repeat(1025) }, 400, 'M_INVALID_PARAM'],
    ['long state (B8)', state('org.example.state', { text: 'x'.repeat(17_000) }), 413, 'M_TOO_LARGE'],
    ['an invitation to no user id', { invite: ['bob'] }, 400, 'M_INVALID_PARAM'],
    ['an invitation to oneself', { invite: ['@SELF'] }, 403, 'M_FORBIDDEN'],
    ['an invitation to another server', { invite: ['@bob:elsewhere.example'] }, 403, 'M_FORBIDDEN'],
    ['an alias with a server', { room_alias_name: 'a:b' }, 400, 'M_INVALID_PARAM'],
    ['power levels that shut the founder out', { power_level_content_override: { users: {} }, name: 'x' }, 400, 'M_INVALID_ROOM_STATE'],
    ['power levels that are no numbers', { power_level_content_override: { ban: '50' } }, 400, 'M_INVALID_ROOM_STATE'],
    ['more state than a room begins with', { initial_state: Array.from({ length: 201 }, (_, i) => ({ type: 'org.example.state', state_key: `${i}`, content: {} })) }, 400, 'M_BAD_JSON'],
    ['an unknown version', { room_version: '99' }, 400, 'M_UNSUPPORTED_ROOM_VERSION'],
    ['a version for existing rooms only', { room_version: '9' }, 400, 'M_UNSUPPORTED_ROOM_VERSION'],
    ['an unknown preset', { preset: 'chat' }, 400, 'M_BAD_JSON'],
    ['a name that is no text', { name: 7 }, 400, 'M_BAD_JSON'],
  ])('%s', async (_, body, status, errcode) => {
    const before = [await joined(alice), await joined(bob), (await rooms.sync(alice)).next_batch];
    const filled = JSON.parse(JSON.stringify({ invite: [bob.userId], ...body }).replace('@SELF', alice.userId)) as object;
    expect(await create({ ...filled, room_alias_name: 'left-behind', ...('room_alias_name' in body ? body : {}) }, true)).toMatchObject({ status, body: { errcode } });
    expect([await joined(alice), await joined(bob), (await rooms.sync(alice)).next_batch]).toEqual(before);
    expect((await rooms.call(alice, 'GET', ['directory', 'room', `#left-behind:${shard.serverName}`])).status).toBe(404);
  });

  it('"The room alias specified is already taken (errcode set to M_ROOM_IN_USE)"', async () => {
    await created({ room_alias_name: 'taken' });
    const before = await joined(alice);
    expect(await create({ room_alias_name: 'taken' })).toMatchObject({ status: 400, body: { errcode: 'M_ROOM_IN_USE' } });
    expect(await joined(alice)).toEqual(before);
  });

  it('well-formedness comes before policy', async () => {
    expect(await create({ preset: 'public_chat', room_version: 'nonsense' })).toMatchObject({ status: 400, body: { errcode: 'M_UNSUPPORTED_ROOM_VERSION' } });
    expect(await create({ preset: 'public_chat' })).toMatchObject(refused);
  });
});

describe('room version 12', () => {
  it('"the room ID is the reference hash of the create event", and the creators are not in the power levels', async () => {
    const roomId = await created({ room_version: '12' });
    const create_ = (await stateOf(roomId)).find(({ type }) => type === 'm.room.create');
    expect(roomId.slice(1)).toBe(create_?.event_id.slice(1));
    expect(create_?.content).toEqual({ room_version: '12' });
    const levels = await rooms.state(alice, roomId, 'm.room.power_levels');
    expect(levels['users']).toEqual({});
    expect(levels['events']).toMatchObject({ 'm.room.tombstone': 150 });
  });

  it('"combine additional_creators specified here and the invite array", for trusted_private_chat', async () => {
    const carol = '@carol:localhost';
    const body = { room_version: '12', preset: 'trusted_private_chat', invite: [bob.userId], creation_content: { additional_creators: [carol, bob.userId] } };
    const roomId = await created(body);
    expect(await rooms.state(alice, roomId, 'm.room.create')).toEqual({ room_version: '12', additional_creators: [carol, bob.userId] });
    await rooms.call(bob, 'POST', ['rooms', roomId, 'join'], {});
    expect(await rooms.setState(bob, roomId, 'm.room.name', { name: 'by the second creator' })).toMatchObject({ status: 200 });
    expect(await rooms.call(bob, 'POST', ['rooms', roomId, 'kick'], { user_id: alice.userId })).toMatchObject(refused);
  });

  it.each([
    ['additional_creators that are no list', { creation_content: { additional_creators: 'bob' } }, 'M_INVALID_PARAM'],
    ['additional_creators that are no user ids', { creation_content: { additional_creators: ['bob'] } }, 'M_INVALID_PARAM'],
    ['a creator among the users of the power levels', { power_level_content_override: { users: { '@SELF': 100 } } }, 'M_INVALID_ROOM_STATE'],
  ])('refuses %s', async (_, body, errcode) => {
    const before = await joined(alice);
    const filled = JSON.parse(JSON.stringify(body).replace('@SELF', alice.userId)) as object;
    expect(await create({ room_version: '12', ...filled })).toMatchObject({ status: 400, body: { errcode } });
    expect(await joined(alice)).toEqual(before);
  });

  it('a creator cannot be given a power level later', async () => {
    const roomId = await created({ room_version: '12' });
    const levels = await rooms.state(alice, roomId, 'm.room.power_levels');
    expect(await rooms.setState(alice, roomId, 'm.room.power_levels', { ...levels, users: { [alice.userId]: 100 } })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
  });
});

it('room version 10 names its creator in the create event', async () => {
  const roomId = await created({ room_version: '10' });
  expect(await rooms.state(alice, roomId, 'm.room.create')).toEqual({ room_version: '10', creator: alice.userId });
});
