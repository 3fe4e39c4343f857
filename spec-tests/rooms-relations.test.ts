import { describe, expect, it } from '@jest/globals';
import type { Person, RoomEvent } from './harness.js';
import { roomCalls } from './rooms-calls.js';
import { sealed } from './sealed.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events
interface Related {
  readonly chunk: readonly RoomEvent[];
  readonly next_batch?: string;
  readonly recursion_depth?: number;
}

const { shard, alice, bob, carol: mallory } = await shardOfThree();
const rooms = roomCalls(shard);

let txn = 0;
async function send(person: Person, roomId: string, relation?: object, type = 'm.room.encrypted'): Promise<string> {
  const clear = relation === undefined ? {} : { 'm.relates_to': relation };
  const content = type === 'm.reaction' ? clear : { ...sealed(), ...clear };
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/${type}/t${(txn += 1)}`;
  const { status, body } = await shard.request<{ event_id: string }>('PUT', path, { token: person.token, body: content });
  expect(status).toBe(200);
  return body.event_id;
}

const get = (person: Person, roomId: string, rest: readonly string[], query = {}) =>
  shard.request<Related>('GET', `/_matrix/client/v1/rooms/${[roomId, ...rest].map(encodeURIComponent).join('/')}`, { token: person.token, query });
const ids = ({ chunk }: Related): readonly string[] => chunk.map(({ event_id }) => event_id);

describe('relations', () => {
  it('"retrieve all of the child events for a given parent event", by type of relation and of event, page by page', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const root = await send(alice, roomId);
    const replies = [await send(bob, roomId, { rel_type: 'm.thread', event_id: root }), await send(alice, roomId, { rel_type: 'm.thread', event_id: root })];
    const edit = await send(alice, roomId, { rel_type: 'm.replace', event_id: root });
    const reaction = await send(bob, roomId, { rel_type: 'm.annotation', event_id: root, key: '👍' }, 'm.reaction');
    expect(ids((await get(alice, roomId, ['relations', root])).body)).toEqual([reaction, edit, replies[1], replies[0]]);
    expect(ids((await get(bob, roomId, ['relations', root, 'm.thread'], { dir: 'f' })).body)).toEqual(replies);
    expect(ids((await get(bob, roomId, ['relations', root, 'm.annotation', 'm.reaction'])).body)).toEqual([reaction]);
    expect(ids((await get(bob, roomId, ['relations', root, 'm.annotation', 'm.room.encrypted'])).body)).toEqual([]);
    const first = (await get(bob, roomId, ['relations', root], { limit: 3 })).body;
    expect(ids(first)).toEqual([reaction, edit, replies[1]]);
    const second = (await get(bob, roomId, ['relations', root], { limit: 3, from: first.next_batch ?? '' })).body;
    expect(ids(second)).toEqual([replies[0]]);
    expect(second.next_batch).toBeUndefined();
  });

  it('follows relations of relations when asked to recurse', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const root = await send(alice, roomId);
    const reply = await send(bob, roomId, { rel_type: 'm.thread', event_id: root });
    const edit = await send(bob, roomId, { rel_type: 'm.replace', event_id: reply });
    expect(ids((await get(alice, roomId, ['relations', root])).body)).toEqual([reply]);
    const deep = (await get(alice, roomId, ['relations', root], { recurse: true })).body;
    expect(ids(deep)).toEqual([edit, reply]);
    expect(deep.recursion_depth).toBe(3);
  });

  it('shows nothing to who is not in the room, and nothing from before one could see it (D9)', async () => {
    const roomId = await shard.createRoom(alice, [], {
      initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }],
    });
    const root = await send(alice, roomId);
    await send(alice, roomId, { rel_type: 'm.thread', event_id: root });
    expect(await get(mallory, roomId, ['relations', root])).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    await rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: bob.userId });
    await rooms.call(bob, 'POST', ['rooms', roomId, 'join'], {});
    expect(await get(bob, roomId, ['relations', root])).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    const later = await send(alice, roomId, { rel_type: 'm.thread', event_id: root });
    expect(ids((await get(alice, roomId, ['threads'])).body)).toEqual([root]);
    expect(ids((await get(bob, roomId, ['threads'])).body)).toEqual([]);
    expect((await rooms.call<RoomEvent>(bob, 'GET', ['rooms', roomId, 'event', later])).status).toBe(200);
  });
});

describe('threads', () => {
  it('come by their newest event, with "latest_event", "count" and "current_user_participated"', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const [older, newer] = [await send(alice, roomId), await send(alice, roomId)];
    await send(bob, roomId, { rel_type: 'm.thread', event_id: newer });
    const latest = await send(alice, roomId, { rel_type: 'm.thread', event_id: older });
    const all = (await get(bob, roomId, ['threads'])).body;
    expect(ids(all)).toEqual([older, newer]);
    const relations = all.chunk[0]?.unsigned?.['m.relations'] as Record<string, Record<string, unknown>>;
    expect(relations['m.thread']).toMatchObject({ latest_event: { event_id: latest }, count: 1, current_user_participated: false });
    expect(ids((await get(bob, roomId, ['threads'], { include: 'participated' })).body)).toEqual([newer]);
    const page = (await get(alice, roomId, ['threads'], { limit: 1 })).body;
    expect(ids(page)).toEqual([older]);
    expect(ids((await get(alice, roomId, ['threads'], { limit: 1, from: page.next_batch ?? '' })).body)).toEqual([newer]);
  });
});

describe('timestamp_to_event', () => {
  const at = (person: Person, roomId: string, ts: number, dir: string) =>
    shard.request<{ event_id: string; origin_server_ts: number }>('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event`, {
      token: person.token,
      query: { ts, dir },
    });

  it('"get the ID of the event closest to the given timestamp, in the direction specified"', async () => {
    const roomId = await shard.createRoom(alice);
    const first = await send(alice, roomId);
    const event = (await rooms.call<RoomEvent>(alice, 'GET', ['rooms', roomId, 'event', first])).body;
    await new Promise((done) => setTimeout(done, 10));
    const second = await send(alice, roomId);
    expect((await at(alice, roomId, event.origin_server_ts, 'b')).body.event_id).toBe(first);
    expect((await at(alice, roomId, event.origin_server_ts + 1, 'f')).body.event_id).toBe(second);
    expect(await at(alice, roomId, 4e12, 'f')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect(await at(mallory, roomId, 4e12, 'b')).toMatchObject({ status: 403 });
  });
});
