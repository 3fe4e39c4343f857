import { describe, expect, it } from '@jest/globals';
import { absent, refused, roomCalls } from './rooms-calls.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#published-room-directory #server-side-search
const { shard, alice, bob } = await shardOfThree();
const rooms = roomCalls(shard);
const roomId = await shard.createRoom(alice, [], { name: 'Council', invite: [bob.userId] });

const nothing = { chunk: [], total_room_count_estimate: 0 };
const missingToken = { status: 401, body: { errcode: 'M_MISSING_TOKEN' } };
const unauthenticated = (method: string, path: string, body?: object) => shard.request(method, `/_matrix/client/v3${path}`, body === undefined ? {} : { body });

describe('publicRooms (A7)', () => {
  it('"Lists a server\'s published room directory": there is nothing to list, whatever is asked', async () => {
    expect((await rooms.call(alice, 'GET', ['publicRooms'])).body).toEqual(nothing);
    expect((await rooms.call(alice, 'GET', ['publicRooms'], undefined, { query: { limit: 5, since: 'x', server: 'elsewhere.example' } })).body).toEqual(nothing);
    const filter = { generic_search_term: 'Council', room_types: [null, 'm.space'] };
    expect((await rooms.call(alice, 'POST', ['publicRooms'], { limit: 10, filter, include_all_networks: true })).body).toEqual(nothing);
    expect((await rooms.call(alice, 'POST', ['publicRooms'], {})).body).toEqual(nothing);
  });

  it('to nobody without a token, and not for nonsense', async () => {
    expect(await unauthenticated('GET', '/publicRooms')).toMatchObject(missingToken);
    expect(await unauthenticated('POST', '/publicRooms', {})).toMatchObject(missingToken);
    const malformed = await rooms.call(alice, 'POST', ['publicRooms'], { limit: 'all' }, { malformed: true });
    expect(malformed).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
  });
});

describe('the visibility of a room in the directory (A7)', () => {
  const path = () => ['directory', 'list', 'room', roomId];

  it('is private for members; for everybody else "the room is not known to the server"', async () => {
    expect((await rooms.call(alice, 'GET', path())).body).toEqual({ visibility: 'private' });
    const [invited, unknown] = [await rooms.call(bob, 'GET', path()), await rooms.call(bob, 'GET', ['directory', 'list', 'room', '!none:localhost'])];
    expect(invited).toMatchObject(absent);
    expect(invited.text).toBe(unknown.text);
    expect(await unauthenticated('GET', `/directory/list/room/${encodeURIComponent(roomId)}`)).toMatchObject(missingToken);
  });

  it('can be set to what it is, and "Defaults to public" is refused as public is', async () => {
    expect(await rooms.call(alice, 'PUT', path(), { visibility: 'private' })).toMatchObject({ status: 200, body: {} });
    expect(await rooms.call(alice, 'PUT', path(), { visibility: 'public' })).toMatchObject(refused);
    expect(await rooms.call(alice, 'PUT', path(), {})).toMatchObject(refused);
    expect(await rooms.call(bob, 'PUT', path(), { visibility: 'private' })).toMatchObject(absent);
    expect(await rooms.call(alice, 'PUT', path(), { visibility: 'secret' }, { malformed: true })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect((await rooms.call(alice, 'GET', path())).body).toEqual({ visibility: 'private' });
  });
});

describe('search (B12)', () => {
  it('"Performs a full text search": nothing is indexed, nothing is found', async () => {
    await rooms.say(alice, roomId);
    const body = { search_categories: { room_events: { search_term: 'Council', keys: ['content.name'], order_by: 'recent' } } };
    const answer = await rooms.call(alice, 'POST', ['search'], body, { query: { next_batch: 'x' } });
    expect(answer.body).toEqual({ search_categories: { room_events: { count: 0, highlights: [], results: [] } } });
  });

  it('refuses what is no search, and who has no token', async () => {
    expect(await rooms.call(alice, 'POST', ['search'], {}, { malformed: true })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(await unauthenticated('POST', '/search', { search_categories: {} })).toMatchObject(missingToken);
  });
});

describe('peeking (A6)', () => {
  it.each(['/initialSync', '/rooms/ROOM/initialSync', '/events', '/events/$event', '/peek/ROOM'])('GET %s is not there', async (path) => {
    const answer = await rooms.call(alice, 'GET', path.slice(1).split('/').map((part) => (part === 'ROOM' ? roomId : part)));
    expect(answer).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
  });
});
