import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Person, type RoomEvent, type Shard } from './harness.js';
import { absent, roomCalls, type Page, type RoomCalls } from './rooms-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#ignoring-users, beside /sync, invitations and pushes
let shard: Shard;
let rooms: RoomCalls;
let alice: Person;
let bob: Person;
let carol: Person;
let roomId: string;
beforeAll(async () => {
  shard = await startShard();
  rooms = roomCalls(shard);
});
beforeEach(async () => {
  [alice, bob, carol] = [await shard.register(), await shard.register(), await shard.register()];
  roomId = await shard.createRoom(alice, [bob, carol]);
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

/** Bob ignores these, and nobody else. */
const ignore = async (...ignored: readonly Person[]): Promise<void> => {
  const content = { ignored_users: Object.fromEntries(ignored.map(({ userId }) => [userId, {}])) };
  expect((await rooms.call(bob, 'PUT', ['user', bob.userId, 'account_data', 'm.ignored_user_list'], content)).status).toBe(200);
};
const related = (rel_type: string, event_id: string): object => ({ 'm.relates_to': { rel_type, event_id } });
const ids = (events: readonly RoomEvent[]): readonly string[] => events.map(({ event_id }) => event_id);
const page = async (person: Person, path: readonly string[], query: Record<string, string | number>): Promise<readonly RoomEvent[]> => {
  const { status, body } = await shard.request<Page>('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/${path.map(encodeURIComponent).join('/')}`, { token: person.token, query });
  expect(status).toBe(200);
  return body.chunk;
};

describe('"the client will no longer receive events sent by that user, with the exception of state events"', () => {
  it('by /messages, whichever way and however many are ignored on the way', async () => {
    const before = await rooms.say(carol, roomId);
    for (let i = 0; i < 12; i += 1) await rooms.say(alice, roomId);
    const { body: { event_id: topic } } = await rooms.setState(alice, roomId, 'm.room.topic', { topic: 'Shown' });
    const after = await rooms.say(carol, roomId);
    await ignore(alice);
    expect(ids((await rooms.messages(bob, roomId, { limit: 3 })).body.chunk)).toEqual([after, topic, before]);
    const { body: forwards } = await rooms.messages(bob, roomId, { dir: 'f', limit: 100 });
    expect(ids(forwards.chunk).slice(-3)).toEqual([before, topic, after]);
    expect(forwards.chunk.filter(({ sender, type }) => sender === alice.userId && type === 'm.room.encrypted')).toEqual([]);
    await ignore();
    expect((await rooms.messages(bob, roomId, { limit: 20 })).body.chunk.filter(({ sender, type }) => sender === alice.userId && type === 'm.room.encrypted')).toHaveLength(12);
  });

  it('by /context and /event, which know of no such event', async () => {
    const [first, hidden, last] = [await rooms.say(carol, roomId), await rooms.say(alice, roomId), await rooms.say(carol, roomId)];
    await ignore(alice);
    const { body } = await rooms.call<{ events_before: RoomEvent[]; events_after: RoomEvent[] }>(bob, 'GET', ['rooms', roomId, 'context', last], undefined, { query: { limit: 2 } });
    expect(ids(body.events_before)).toEqual([first]);
    for (const what of ['event', 'context']) {
      expect(await rooms.call(bob, 'GET', ['rooms', roomId, what, hidden])).toMatchObject(absent);
      expect((await rooms.call(carol, 'GET', ['rooms', roomId, what, hidden])).status).toBe(200);
    }
    const { body: { event_id: topic } } = await rooms.setState(alice, roomId, 'm.room.topic', { topic: 'Shown' });
    expect((await rooms.call(bob, 'GET', ['rooms', roomId, 'event', topic])).status).toBe(200);
  });

  it('by /relations, and in what an event says of its relations', async () => {
    const root = await rooms.say(carol, roomId);
    const shown = await rooms.say(carol, roomId, related('m.thread', root));
    const referring = await rooms.say(carol, roomId, related('m.reference', root));
    await rooms.say(alice, roomId, related('m.thread', root));
    await rooms.say(alice, roomId, related('m.reference', root));
    await rooms.react(alice, roomId, root, '+');
    const hidden = await rooms.say(alice, roomId);
    await rooms.say(carol, roomId, related('m.reference', hidden));
    await ignore(alice);
    expect(ids(await page(bob, ['relations', root], { limit: 10 }))).toEqual([referring, shown]);
    const { body } = await rooms.call<RoomEvent>(bob, 'GET', ['rooms', roomId, 'event', root]);
    expect(body.unsigned?.['m.relations']).toMatchObject({ 'm.thread': { count: 1, latest_event: { event_id: shown } }, 'm.reference': { chunk: [{ event_id: referring }] } });
    expect(await shard.request('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/relations/${encodeURIComponent(hidden)}`, { token: bob.token })).toMatchObject(absent);
  });

  it('by /threads: neither those they began nor their part in others', async () => {
    const [ours, theirs, deserted] = [await rooms.say(carol, roomId), await rooms.say(alice, roomId), await rooms.say(carol, roomId)];
    for (const root of [ours, theirs]) await rooms.say(carol, roomId, related('m.thread', root));
    await rooms.say(alice, roomId, related('m.thread', deserted));
    expect(ids(await page(bob, ['threads'], {}))).toEqual([deserted, theirs, ours]);
    await ignore(alice);
    const threads = await page(bob, ['threads'], { limit: 2 });
    expect(ids(threads)).toEqual([deserted, ours]);
    expect(threads[0]?.unsigned?.['m.relations']).toBeUndefined();
  });

  it('by /timestamp_to_event: it names what can be shown', async () => {
    const hidden = await rooms.say(alice, roomId);
    const shown = await rooms.say(carol, roomId);
    const { body: { origin_server_ts: ts } } = await rooms.call<RoomEvent>(bob, 'GET', ['rooms', roomId, 'event', hidden]);
    await ignore(alice);
    const { body } = await shard.request('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event`, { token: bob.token, query: { ts, dir: 'f' } });
    expect(body['event_id']).toBe(shown);
  });
});

it('nobody ignores themselves', async () => {
  const own = await rooms.say(bob, roomId);
  await ignore(bob);
  expect(ids((await rooms.messages(bob, roomId, { limit: 1 })).body.chunk)).toEqual([own]);
});
