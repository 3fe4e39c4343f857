import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Person, type Shard } from './harness.js';
import { roomCalls, type RoomCalls } from './rooms-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#spaces
interface Tree {
  readonly rooms: readonly { readonly room_id: string; readonly name?: string; readonly join_rule?: string; readonly children_state: readonly { readonly state_key: string }[] }[];
  readonly next_batch?: string;
}

let shard: Shard;
let rooms: RoomCalls;
let alice: Person;
let bob: Person;
let mallory: Person;
let space: string;
let open: string;
let secret: string;
let knockable: string;
beforeAll(async () => {
  shard = await startShard();
  rooms = roomCalls(shard);
  [alice, bob, mallory] = [await shard.register(), await shard.register(), await shard.register()];
  space = await shard.createRoom(alice, [bob], { creation_content: { type: 'm.space' }, name: 'Hold' });
  const joinRules = (content: object): object => ({ initial_state: [{ type: 'm.room.join_rules', state_key: '', content }, { type: 'm.space.parent', state_key: space, content: { via: ['localhost'] } }] });
  open = await shard.createRoom(alice, [], { name: 'Open', ...joinRules({ join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] }) });
  secret = await shard.createRoom(alice, [], { name: 'Secret' });
  knockable = await shard.createRoom(alice, [], { name: 'Knock', topic: 'not for you', ...joinRules({ join_rule: 'knock' }) });
  for (const [i, child] of [knockable, open, secret].entries()) {
    await rooms.call(alice, 'PUT', ['rooms', space, 'state', 'm.space.child', child], { via: ['localhost'], order: String(i), suggested: child === open });
  }
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const hierarchy = (person: Person, roomId: string, query = {}) =>
  shard.request<Tree>('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/hierarchy`, { token: person.token, query });
const summary = (person: Person, roomId: string) =>
  shard.request('GET', `/_matrix/client/v1/room_summary/${encodeURIComponent(roomId)}`, { token: person.token });
const names = ({ rooms: of }: Tree): unknown[] => of.map(({ name }) => name);

describe('the hierarchy of a space', () => {
  it('holds all its rooms for who is in them, in the order of the space', async () => {
    const { status, body } = await hierarchy(alice, space);
    expect(status).toBe(200);
    expect(names(body)).toEqual(['Hold', 'Knock', 'Open', 'Secret']);
    expect(body.rooms[0]?.children_state.map(({ state_key }) => state_key)).toEqual([knockable, open, secret]);
  });

  it('holds for others what is open to them: of a knockable room nothing but that one may knock (A9)', async () => {
    const { body } = await hierarchy(bob, space);
    expect(body.rooms.map(({ room_id }) => room_id)).toEqual([space, knockable, open]);
    expect(body.rooms[1]).toEqual({ room_id: knockable, join_rule: 'knock', world_readable: false, guest_can_join: false, num_joined_members: 0, children_state: [] });
    expect(body.rooms[2]).toMatchObject({ name: 'Open', join_rule: 'restricted', allowed_room_ids: [space] });
  });

  it('is closed to who is not in the space', async () => {
    expect(await hierarchy(mallory, space)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await hierarchy(mallory, '!none:localhost')).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });

  it('comes in pages, to a depth, and by suggestion', async () => {
    const first = (await hierarchy(alice, space, { limit: 3 })).body;
    expect(names(first)).toEqual(['Hold', 'Knock', 'Open']);
    expect(names((await hierarchy(alice, space, { limit: 3, from: first.next_batch ?? '' })).body)).toEqual(['Secret']);
    expect(names((await hierarchy(alice, space, { max_depth: 0 })).body)).toEqual(['Hold']);
    expect(names((await hierarchy(alice, space, { suggested_only: true })).body)).toEqual(['Hold', 'Open']);
    expect(await hierarchy(alice, space, { from: 'nonsense' })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });
});

describe('the summary of a room', () => {
  it('is for members, invited people and those a rule lets in; to everybody else there is no such room (A9)', async () => {
    expect((await summary(alice, secret)).body).toMatchObject({ name: 'Secret', membership: 'join', encryption: 'm.megolm.v1.aes-sha2', num_joined_members: 1 });
    expect((await summary(bob, open)).body).toMatchObject({ name: 'Open', membership: 'leave' });
    expect((await summary(bob, knockable)).body).not.toHaveProperty('name');
    const [hidden, none] = [await summary(bob, secret), await summary(bob, '!none:localhost')];
    expect(hidden).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect(hidden.text).toBe(none.text);
    expect(await summary(mallory, knockable)).toMatchObject({ status: 404 });
    await rooms.call(alice, 'POST', ['rooms', secret, 'invite'], { user_id: mallory.userId });
    expect((await summary(mallory, secret)).body).toMatchObject({ name: 'Secret', membership: 'invite' });
  });
});
