import { describe, expect, it } from '@jest/globals';
import type { Person, SyncAnswer } from './harness.js';
import { refused, roomCalls } from './rooms-calls.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#receipts #fully-read-markers #typing-notifications
const { shard, alice, bob, carol } = await shardOfThree();
const rooms = roomCalls(shard);

type Receipts = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, { ts: number; thread_id?: string }>>>>>>;

const receipt = (person: Person, roomId: string, type: string, eventId: string, body: object = {}) =>
  rooms.call(person, 'POST', ['rooms', roomId, 'receipt', type, eventId], body);
const markers = (person: Person, roomId: string, body: object) => rooms.call(person, 'POST', ['rooms', roomId, 'read_markers'], body);
const receiptsIn = (sync: SyncAnswer, roomId: string): Receipts =>
  Object.assign({}, ...(sync.rooms?.join?.[roomId]?.ephemeral?.events ?? []).filter(({ type }) => type === 'm.receipt').map(({ content }) => content)) as Receipts;
const fullyRead = async (person: Person, roomId: string) => (await rooms.call(person, 'GET', ['user', person.userId, 'rooms', roomId, 'account_data', 'm.fully_read'])).body;
const typers = (sync: SyncAnswer, roomId: string) => sync.rooms?.join?.[roomId]?.ephemeral?.events.find(({ type }) => type === 'm.typing')?.content['user_ids'];
const invalid = { status: 400, body: { errcode: 'M_INVALID_PARAM' } };

describe('receipts', () => {
  it('m.read is shown to everybody in the room', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const eventId = await rooms.say(alice, roomId);
    const { next_batch } = await rooms.sync(alice);
    expect(await receipt(bob, roomId, 'm.read', eventId)).toMatchObject({ status: 200, body: {} });
    const sync = await shard.longPoll(alice, next_batch, (one) => eventId in receiptsIn(one, roomId));
    expect(receiptsIn(sync, roomId)[eventId]).toEqual({ 'm.read': { [bob.userId]: { ts: expect.any(Number) } } });
    expect(receiptsIn(await rooms.sync(bob), roomId)[eventId]).toHaveProperty(['m.read']);
  });

  it('m.read.private "MUST NOT be shown to any other user"', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const eventId = await rooms.say(alice, roomId);
    const { next_batch } = await rooms.sync(alice);
    await receipt(bob, roomId, 'm.read.private', eventId);
    await markers(bob, roomId, { 'm.read.private': eventId });
    expect(receiptsIn(await rooms.sync(bob), roomId)).toEqual({ [eventId]: { 'm.read.private': { [bob.userId]: { ts: expect.any(Number) } } } });
    expect(receiptsIn(await rooms.sync(await shard.logIn(bob)), roomId)).toHaveProperty([eventId]);
    const seen = JSON.stringify([await rooms.sync(alice), await rooms.sync(alice, next_batch), (await rooms.call(alice, 'GET', ['rooms', roomId, 'context', eventId])).body]);
    expect(seen).not.toContain('m.read.private');
    expect(receiptsIn(await rooms.sync(alice), roomId)).toEqual({});
  });

  it('"thread_id": unthreaded, main and each thread stand beside each other', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const root = await rooms.say(alice, roomId);
    const reply = await rooms.say(alice, roomId, { 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
    expect((await receipt(bob, roomId, 'm.read', root, { thread_id: 'main' })).status).toBe(200);
    expect((await receipt(bob, roomId, 'm.read', reply, { thread_id: root })).status).toBe(200);
    const shown = receiptsIn(await rooms.sync(alice), roomId);
    expect(shown[root]?.['m.read']?.[bob.userId]?.thread_id).toBe('main');
    expect(shown[reply]?.['m.read']?.[bob.userId]?.thread_id).toBe(root);
    expect(await receipt(bob, roomId, 'm.read', root, { thread_id: '' })).toMatchObject(invalid);
    expect(await receipt(bob, roomId, 'm.read', root, { thread_id: 'thread' })).toMatchObject(invalid);
    expect(await receipt(bob, roomId, 'm.fully_read', root, { thread_id: 'main' })).toMatchObject(invalid);
  });

  it('in a thread of no event is taken and told to nobody: what stands for its id could be anything', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const eventId = await rooms.say(alice, roomId);
    const before = shard.stored();
    expect((await receipt(bob, roomId, 'm.read', eventId, { thread_id: '$meet_me_at_noon' })).status).toBe(200);
    expect(shard.stored()).toEqual(before);
    expect(receiptsIn(await rooms.sync(alice), roomId)).toEqual({});
  });

  it('never goes back', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const [first, second] = [await rooms.say(alice, roomId), await rooms.say(alice, roomId)];
    await receipt(bob, roomId, 'm.read', second);
    await receipt(bob, roomId, 'm.read', first);
    expect(Object.keys(receiptsIn(await rooms.sync(alice), roomId))).toEqual([second]);
  });

  it('m.fully_read is one\'s own account data', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const eventId = await rooms.say(alice, roomId);
    expect((await receipt(bob, roomId, 'm.fully_read', eventId)).status).toBe(200);
    expect(await fullyRead(bob, roomId)).toEqual({ event_id: eventId });
    expect(await fullyRead(alice, roomId)).toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(JSON.stringify(await rooms.sync(alice))).not.toContain('m.fully_read');
  });

  it('read_markers: all three at once', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const [first, second, third] = [await rooms.say(alice, roomId), await rooms.say(alice, roomId), await rooms.say(alice, roomId)];
    expect(await markers(bob, roomId, { 'm.fully_read': first, 'm.read': second, 'm.read.private': third })).toMatchObject({ status: 200, body: {} });
    const sync = await rooms.sync(bob);
    expect(sync.rooms?.join?.[roomId]?.account_data?.events).toContainEqual({ type: 'm.fully_read', content: { event_id: first } });
    expect(receiptsIn(sync, roomId)).toMatchObject({ [second]: { 'm.read': {} }, [third]: { 'm.read.private': {} } });
    expect((await markers(bob, roomId, {})).status).toBe(200);
  });

  it('refuses other types, malformed ids, strangers; an event not known here is no error', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const eventId = await rooms.say(alice, roomId);
    expect(await receipt(bob, roomId, 'm.delivered', eventId)).toMatchObject(invalid);
    expect(await receipt(bob, roomId, 'm.read', 'event')).toMatchObject(invalid);
    expect(await markers(bob, roomId, { 'm.read': 'event' })).toMatchObject(invalid);
    expect((await receipt(bob, roomId, 'm.read', '$on-its-way')).status).toBe(200);
    for (const type of ['m.read', 'm.read.private', 'm.fully_read']) expect(await receipt(carol, roomId, type, eventId)).toMatchObject(refused);
    expect(await markers(carol, roomId, { 'm.read': eventId })).toMatchObject(refused);
    expect(receiptsIn(await rooms.sync(alice), roomId)).toEqual({});
  });

  it('a body is optional', async () => {
    const roomId = await shard.createRoom(alice);
    const eventId = await rooms.say(alice, roomId);
    expect((await rooms.call(alice, 'POST', ['rooms', roomId, 'receipt', 'm.read', eventId])).status).toBe(200);
  });
});

describe('typing', () => {
  const type = (person: Person, roomId: string, body: object, userId = person.userId) => rooms.call(person, 'PUT', ['rooms', roomId, 'typing', userId], body);

  it('"tells the server that the user is typing for the next N milliseconds", or has stopped', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const { next_batch } = await rooms.sync(alice);
    expect(await type(bob, roomId, { typing: true, timeout: 30_000 })).toMatchObject({ status: 200, body: {} });
    const during = await shard.longPoll(alice, next_batch, (sync) => typers(sync, roomId) !== undefined);
    expect(typers(during, roomId)).toEqual([bob.userId]);
    await type(bob, roomId, { typing: false });
    const after = await shard.longPoll(alice, during.next_batch, (sync) => typers(sync, roomId) !== undefined);
    expect(typers(after, roomId)).toEqual([]);
  });

  it('times out by itself, and the room is told', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    await type(bob, roomId, { typing: true, timeout: 300 });
    const during = await rooms.sync(alice);
    expect(typers(during, roomId)).toEqual([bob.userId]);
    const after = await shard.longPoll(alice, during.next_batch, (sync) => typers(sync, roomId) !== undefined);
    expect(typers(after, roomId)).toEqual([]);
  });

  it('of oneself only, and in one\'s rooms', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    expect(await type(alice, roomId, { typing: true }, bob.userId)).toMatchObject(refused);
    expect(await type(carol, roomId, { typing: true })).toMatchObject(refused);
    expect(await type(carol, '!none:localhost', { typing: true })).toMatchObject(refused);
    const malformed = await rooms.call(alice, 'PUT', ['rooms', roomId, 'typing', alice.userId], { typing: 'yes' }, { malformed: true });
    expect(malformed).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(typers(await rooms.sync(alice), roomId) ?? []).toEqual([]);
  });
});
