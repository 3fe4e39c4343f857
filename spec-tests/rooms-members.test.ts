import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Person, type RoomEvent, type Shard } from './harness.js';
import { newTxn, refused, roomCalls, type RoomCalls } from './rooms-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers
let shard: Shard;
let rooms: RoomCalls;
let alice: Person;
let bob: Person;
let carol: Person;
let dora: Person;
let eve: Person;
let roomId: string;
beforeAll(async () => {
  shard = await startShard();
  rooms = roomCalls(shard);
  [alice, bob, carol, dora, eve] = [await shard.register(), await shard.register(), await shard.register(), await shard.register(), await shard.register()];
  roomId = await shard.createRoom(alice, [bob, carol]);
  await rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: dora.userId });
  await rooms.call(carol, 'POST', ['rooms', roomId, 'leave'], {});
  await rooms.call(alice, 'POST', ['rooms', roomId, 'ban'], { user_id: eve.userId });
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const list = (person: Person, query: Readonly<Record<string, string>> = {}, room = roomId) =>
  rooms.call<{ chunk: readonly RoomEvent[] }>(person, 'GET', ['rooms', room, 'members'], undefined, { query });
const ids = (answer: { body: { chunk: readonly RoomEvent[] } }) => answer.body.chunk.map(({ state_key }) => state_key).sort();
const named = (...people: readonly Person[]) => people.map(({ userId }) => userId).sort();

describe('members', () => {
  it('"the list of members for this room": every membership, as member events', async () => {
    const answer = await list(bob);
    expect(ids(answer)).toEqual(named(alice, bob, carol, dora, eve));
    expect(answer.body.chunk.every(({ type, event_id }) => type === 'm.room.member' && event_id.startsWith('$'))).toBe(true);
  });

  it('tells of every change at once, and of a redaction: the list and the whole state, to whoever asks again and again', async () => {
    const own = await shard.createRoom(alice, [bob]);
    const content = async (path: string): Promise<string> => {
      const { text } = await rooms.call(alice, 'GET', ['rooms', own, path]);
      const { chunk = [] } = JSON.parse(path === 'state' ? `{"chunk":${text}}` : text) as { chunk?: readonly RoomEvent[] };
      const member = chunk.find(({ type, state_key }) => type === 'm.room.member' && state_key === bob.userId);
      return JSON.stringify([member?.content, member?.unsigned?.['prev_content'], member?.unsigned?.['redacted_because'] !== undefined]);
    };
    const both = async (): Promise<string> => {
      const [members, state] = [await content('members'), await content('state')];
      expect(members).toBe(state);
      return members;
    };
    const rename = (displayname: string) => rooms.setState(bob, own, 'm.room.member', { membership: 'join', displayname }, bob.userId);
    const redact = (eventId: string) => rooms.call(bob, 'PUT', ['rooms', own, 'redact', eventId, newTxn()], {});
    await both();
    const first = await rename('Bob the first');
    expect(await both()).toContain('Bob the first');
    const second = await rename('Bob the second');
    expect(await both()).toMatch(/Bob the second.*Bob the first/);
    await redact(first.body.event_id);
    expect(await both()).not.toContain('Bob the first');
    await redact(second.body.event_id);
    expect(await both()).toBe('[{"membership":"join"},{"membership":"join"},true]');
    await rooms.call(bob, 'POST', ['rooms', own, 'leave'], {});
    expect(await both()).toContain('"membership":"leave"');
  });

  it('"The kind of membership to filter for", "to exclude from the results", "an \'or\' condition" for both', async () => {
    expect(ids(await list(bob, { membership: 'join' }))).toEqual(named(alice, bob));
    expect(ids(await list(bob, { membership: 'ban' }))).toEqual(named(eve));
    expect(ids(await list(bob, { not_membership: 'leave' }))).toEqual(named(alice, bob, dora, eve));
    expect(ids(await list(bob, { membership: 'leave', not_membership: 'join' }))).toEqual(named(carol, dora, eve));
    expect(ids(await list(bob, { membership: 'join', not_membership: 'join' }))).toEqual(named(alice, bob, carol, dora, eve));
    expect(await list(bob, { membership: 'guest' })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  it('"The point in time (pagination token) to return members for in the room"', async () => {
    const own = await shard.createRoom(alice, [bob]);
    const { next_batch } = await rooms.sync(alice);
    await rooms.call(alice, 'POST', ['rooms', own, 'kick'], { user_id: bob.userId });
    await rooms.call(alice, 'POST', ['rooms', own, 'invite'], { user_id: carol.userId });
    expect(ids(await list(alice, { at: next_batch, membership: 'join' }, own))).toEqual(named(alice, bob));
    expect(ids(await list(alice, { membership: 'join' }, own))).toEqual(named(alice));
    expect(ids(await list(alice, { at: next_batch }, own))).toEqual(named(alice, bob));
    const { body: page } = await rooms.messages(alice, own, { dir: 'f', limit: 2 });
    expect(ids(await list(alice, { at: page.end ?? '' }, own))).toEqual(named(alice));
    expect(await list(alice, { at: 'yesterday' }, own)).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  it('prev_batch of a complete timeline still shows the founder', async () => {
    const own = await shard.createRoom(alice);
    const room = (await rooms.sync(alice, undefined, { room: { timeline: { limit: 50 } } })).rooms?.join?.[own];
    expect(room?.timeline?.limited).toBe(false);
    await rooms.call(alice, 'POST', ['rooms', own, 'invite'], { user_id: bob.userId });
    expect(ids(await list(alice, { at: room?.timeline?.prev_batch ?? '' }, own))).toEqual(named(alice));
  });

  it('never from before one\'s own visibility, nor from after one left (D8)', async () => {
    const initial_state = [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }];
    const own = await shard.createRoom(alice, [carol], { initial_state });
    const early = (await rooms.sync(alice)).next_batch;
    await rooms.call(carol, 'POST', ['rooms', own, 'leave'], {});
    await rooms.call(alice, 'POST', ['rooms', own, 'invite'], { user_id: bob.userId });
    await rooms.call(bob, 'POST', ['rooms', own, 'join'], {});
    expect(ids(await list(bob, { at: early, membership: 'join' }, own))).toEqual(named(alice, bob));
    await rooms.call(bob, 'POST', ['rooms', own, 'leave'], {});
    await rooms.call(alice, 'POST', ['rooms', own, 'invite'], { user_id: dora.userId });
    expect(ids(await list(bob, {}, own))).toEqual(named(alice, bob, carol));
    expect(ids(await list(bob, { at: (await rooms.sync(alice)).next_batch }, own))).toEqual(named(alice, bob, carol));
    expect(ids(await list(bob, { membership: 'join' }, own))).toEqual(named(alice));
  });

  it('only for those who are or were in the room', async () => {
    for (const person of [dora, eve, await shard.register()]) expect(await list(person)).toMatchObject(refused);
    expect(await list(alice, {}, '!none:localhost')).toMatchObject(refused);
  });
});

describe('joined_members', () => {
  it('"a map of MXIDs to member info objects", for members', async () => {
    await rooms.call(bob, 'PUT', ['profile', bob.userId, 'displayname'], { displayname: 'Bob' });
    const { body } = await rooms.call(alice, 'GET', ['rooms', roomId, 'joined_members']);
    expect(body).toEqual({ joined: { [alice.userId]: {}, [bob.userId]: { display_name: 'Bob' } } });
    for (const person of [carol, dora, eve]) expect(await rooms.call(person, 'GET', ['rooms', roomId, 'joined_members'])).toMatchObject(refused);
  });
});
