import { describe, expect, it } from '@jest/globals';
import type { Person } from './harness.js';
import { absent, refused, roomCalls } from './rooms-calls.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#room-aliases
const { shard, alice, bob, carol } = await shardOfThree();
const rooms = roomCalls(shard);

let lastAlias = 0;
const newAlias = () => `#alias ${(lastAlias += 1)}/é:localhost`.replace(' ', '-');
const look = (person: Person, alias: string) => rooms.call(person, 'GET', ['directory', 'room', alias]);
const set = (person: Person, alias: string, room_id: string) => rooms.call(person, 'PUT', ['directory', 'room', alias], { room_id });
const remove = (person: Person, alias: string) => rooms.call(person, 'DELETE', ['directory', 'room', alias]);
const aliases = (person: Person, roomId: string) => rooms.call(person, 'GET', ['rooms', roomId, 'aliases']);
const ok = { status: 200, body: {} };

describe('an alias', () => {
  it('"Create a new mapping from room alias to room ID"; "Get a list of aliases maintained by the local server"', async () => {
    const [roomId, alias] = [await shard.createRoom(alice, [bob]), newAlias()];
    expect(await set(alice, alias, roomId)).toEqual(expect.objectContaining(ok));
    expect(await look(bob, alias)).toMatchObject({ status: 200, body: { room_id: roomId, servers: ['localhost'] } });
    expect(await aliases(bob, roomId)).toMatchObject({ status: 200, body: { aliases: [alias] } });
    expect(await aliases(carol, roomId)).toMatchObject(refused);
  });

  it('"A room alias with that name already exists"', async () => {
    const [roomId, other, alias] = [await shard.createRoom(alice), await shard.createRoom(alice), newAlias()];
    await set(alice, alias, roomId);
    expect(await set(alice, alias, other)).toMatchObject({ status: 409, body: { errcode: 'M_UNKNOWN' } });
    expect(await look(alice, alias)).toMatchObject({ body: { room_id: roomId } });
  });

  it('is of this server, well formed, and of a room its maker is in', async () => {
    const roomId = await shard.createRoom(alice);
    const invalid = { status: 400, body: { errcode: 'M_INVALID_PARAM' } };
    expect(await set(alice, '#a:elsewhere.example', roomId)).toMatchObject(invalid);
    expect(await set(alice, '#a', roomId)).toMatchObject(invalid);
    expect(await set(alice, newAlias(), 'room')).toMatchObject(invalid);
    expect(await set(bob, newAlias(), roomId)).toMatchObject(refused);
    expect(await set(bob, newAlias(), '!none:localhost')).toMatchObject(refused);
  });

  it('is removed by who made it, or by who may change the canonical alias; others are refused', async () => {
    const [roomId, first, second] = [await shard.createRoom(alice, [bob, carol]), newAlias(), newAlias()];
    for (const alias of [first, second]) await set(bob, alias, roomId);
    expect(await remove(carol, first)).toMatchObject(refused);
    expect(await remove(bob, first)).toEqual(expect.objectContaining(ok));
    expect(await remove(alice, second)).toEqual(expect.objectContaining(ok));
    expect(await remove(alice, second)).toMatchObject(absent);
    expect(await aliases(alice, roomId)).toMatchObject({ body: { aliases: [] } });
  });
});

describe('the canonical alias', () => {
  const boasts = (person: Person, roomId: string) => rooms.call(person, 'GET', ['rooms', roomId, 'state', 'm.room.canonical_alias', '']);
  const boast = (person: Person, roomId: string, content: object) => rooms.call(person, 'PUT', ['rooms', roomId, 'state', 'm.room.canonical_alias', ''], content);

  it('"Servers may choose to update the alt_aliases for the m.room.canonical_alias state event in the room when an alias is removed"', async () => {
    const [roomId, main, other, third] = [await shard.createRoom(alice), newAlias(), newAlias(), newAlias()];
    for (const alias of [main, other, third]) await set(alice, alias, roomId);
    await boast(alice, roomId, { alias: main, alt_aliases: [other, third] });
    await remove(alice, other);
    expect((await boasts(alice, roomId)).body).toEqual({ alias: main, alt_aliases: [third] });
    await remove(alice, third);
    expect((await boasts(alice, roomId)).body).toEqual({ alias: main });
    await remove(alice, main);
    expect((await boasts(alice, roomId)).body).toEqual({});
  });

  it('"delete the alias and return a successful response even if the user does not have permission to update the m.room.canonical_alias event"', async () => {
    const [roomId, alias] = [await shard.createRoom(alice, [bob]), newAlias()];
    await set(bob, alias, roomId);
    await boast(alice, roomId, { alias });
    expect(await remove(bob, alias)).toEqual(expect.objectContaining(ok));
    expect((await boasts(alice, roomId)).body).toEqual({ alias });
    expect(await look(alice, alias)).toMatchObject(absent);
  });
});

describe('who is told where an alias leads (A8)', () => {
  it('members, invited people, and those a restricted rule lets in; everybody else as if there were none', async () => {
    const space = await shard.createRoom(alice, [bob]);
    const room_alias_name = 'restricted';
    const content = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] };
    await shard.createRoom(alice, [], { room_alias_name, initial_state: [{ type: 'm.room.join_rules', content }] });
    const alias = `#${room_alias_name}:localhost`;
    expect((await look(alice, alias)).status).toBe(200);
    expect((await look(bob, alias)).status).toBe(200);
    const [hidden, missing] = [await look(carol, alias), await look(carol, '#nothing:localhost')];
    expect(hidden).toMatchObject(absent);
    expect(hidden.text).toBe(missing.text);
  });

  it('not those who knock, have left, or are banned', async () => {
    const room_alias_name = 'knocked';
    const initial_state = [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }];
    const roomId = await shard.createRoom(alice, [bob], { room_alias_name, invite: [bob.userId, carol.userId], initial_state });
    const alias = `#${room_alias_name}:localhost`;
    expect((await look(carol, alias)).status).toBe(200);
    await rooms.call(bob, 'POST', ['rooms', roomId, 'leave'], {});
    expect(await look(bob, alias)).toMatchObject(absent);
    await rooms.call(bob, 'POST', ['knock', roomId], {});
    expect(await look(bob, alias)).toMatchObject(absent);
    await rooms.call(alice, 'POST', ['rooms', roomId, 'ban'], { user_id: carol.userId });
    expect(await look(carol, alias)).toMatchObject(absent);
  });

  it('needs a token', async () => {
    const answer = await shard.request('GET', `/_matrix/client/v3/directory/room/${encodeURIComponent('#a:localhost')}`);
    expect(answer).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
  });
});

describe('joining by alias', () => {
  it('"The room identifier or alias to join"', async () => {
    const roomId = await shard.createRoom(alice, [], { room_alias_name: 'by-alias', invite: [bob.userId] });
    const joining = await rooms.call(bob, 'POST', ['join', '#by-alias:localhost'], {}, { query: { via: ['localhost', 'b.example'], server_name: 'localhost' } });
    expect(joining).toMatchObject({ status: 200, body: { room_id: roomId } });
    expect(await rooms.call(carol, 'POST', ['join', '#by-alias:localhost'], {})).toMatchObject(absent);
    expect(await rooms.call(carol, 'POST', ['join', '#no-such:localhost'], {})).toMatchObject(absent);
  });
});

describe('m.room.canonical_alias', () => {
  it('"each alias must point to the room ID": M_BAD_ALIAS, malformed ones M_INVALID_PARAM', async () => {
    const [roomId, other, mine, theirs] = [await shard.createRoom(alice), await shard.createRoom(alice), newAlias(), newAlias()];
    await set(alice, mine, roomId);
    await set(alice, theirs, other);
    const canonical = (content: object) => rooms.setState(alice, roomId, 'm.room.canonical_alias', content);
    const bad = { status: 400, body: { errcode: 'M_BAD_ALIAS' } };
    expect(await canonical({ alias: mine, alt_aliases: [mine] })).toMatchObject({ status: 200 });
    expect(await canonical({ alias: theirs })).toMatchObject(bad);
    expect(await canonical({ alias: '#missing:localhost' })).toMatchObject(bad);
    expect(await canonical({ alias: mine, alt_aliases: [theirs] })).toMatchObject(bad);
    expect(await canonical({ alias: 'no alias' })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect(await canonical({ alt_aliases: ['no alias'] })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect(await canonical({ alt_aliases: mine })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    await remove(alice, mine);
    expect(await canonical({ alias: mine })).toMatchObject(bad);
  });

  it('may go on naming an alias that has been removed, for whoever edits the others cannot help it', async () => {
    const [roomId, gone] = [await shard.createRoom(alice, [bob]), newAlias()];
    await set(bob, gone, roomId);
    const canonical = (content: object) => rooms.setState(alice, roomId, 'm.room.canonical_alias', content);
    await canonical({ alias: gone, alt_aliases: [gone] });
    await remove(bob, gone);
    expect(await canonical({ alias: gone, alt_aliases: [] })).toMatchObject({ status: 200 });
    expect(await canonical({})).toMatchObject({ status: 200 });
    expect(await canonical({ alias: gone })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_ALIAS' } });
  });
});
