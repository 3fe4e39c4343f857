import { describe, expect, it } from '@jest/globals';
import type { Answer, Person, RoomEvent } from './harness.js';
import { absent, newTxn, refused, roomCalls } from './rooms-calls.js';
import { shardOfThree } from './shard-of-three.js';
import { deliberatelyOdd } from './spec-events.js';

// https://spec.matrix.org/v1.19/client-server-api/#redactions
const { shard, alice, bob } = await shardOfThree();
const rooms = roomCalls(shard);

const redact = (person: Person, roomId: string, eventId: string, body: object = {}, txn = newTxn()): Promise<Answer<{ readonly event_id: string }>> =>
  rooms.call(person, 'PUT', ['rooms', roomId, 'redact', eventId, txn], body);
const event = async (person: Person, roomId: string, eventId: string) =>
  (await rooms.call<RoomEvent & { redacts?: string }>(person, 'GET', ['rooms', roomId, 'event', eventId])).body;
const eventIdOf = async (roomId: string, type: string) => {
  const { body } = await rooms.call<readonly RoomEvent[]>(alice, 'GET', ['rooms', roomId, 'state']);
  return body.find((one) => one.type === type)?.event_id ?? '';
};

describe.each(['10', '11', '12'])('in a room of version %s', (room_version) => {
  it('"strips all information out of an event": event, messages, sync, context', async () => {
    const roomId = await shard.createRoom(alice, [bob], { room_version });
    const eventId = await rooms.say(bob, roomId);
    const { next_batch } = await rooms.sync(bob);
    const { ciphertext } = (await event(bob, roomId, eventId)).content;
    const { body } = await redact(bob, roomId, eventId, { reason: 'wrong room' });
    const redacted = await event(alice, roomId, eventId);
    expect(redacted.content).toEqual({});
    const because = { event_id: body.event_id, type: 'm.room.redaction', sender: bob.userId, content: { reason: 'wrong room' } };
    expect(redacted.unsigned?.['redacted_because']).toMatchObject(because);
    const everywhere = JSON.stringify([
      redacted,
      (await rooms.messages(alice, roomId, { limit: 50 })).body,
      (await rooms.call(alice, 'GET', ['rooms', roomId, 'context', eventId])).body,
      await rooms.sync(alice),
      await rooms.sync(bob, next_batch),
    ]);
    expect(everywhere).not.toContain(String(ciphertext));
  });

  it('the redaction names its target where old clients and new ones look', async () => {
    const roomId = await shard.createRoom(alice, [], { room_version });
    const eventId = await rooms.say(alice, roomId);
    const { body } = await redact(alice, roomId, eventId);
    expect(await event(alice, roomId, body.event_id)).toMatchObject({ type: 'm.room.redaction', redacts: eventId, content: { redacts: eventId } });
  });

  it('"the redaction event may also be sent via /send"', async () => {
    const roomId = await shard.createRoom(alice, [], { room_version });
    const eventId = await rooms.say(alice, roomId);
    const sent = await rooms.call<{ event_id: string }>(alice, 'PUT', ['rooms', roomId, 'send', 'm.room.redaction', newTxn()], { redacts: eventId, reason: 'typo' });
    expect(sent.status).toBe(200);
    expect((await event(alice, roomId, eventId)).content).toEqual({});
    expect(await event(alice, roomId, sent.body.event_id)).toMatchObject({ redacts: eventId, content: { redacts: eventId, reason: 'typo' } });
  });

  it('what a redaction keeps is what its version keeps', async () => {
    const roomId = await shard.createRoom(alice, [], { room_version, power_level_content_override: { invite: 30, notifications: { room: 20 } } });
    const before = await rooms.state(alice, roomId, 'm.room.power_levels');
    await redact(alice, roomId, await eventIdOf(roomId, 'm.room.power_levels'));
    const { invite, notifications: _, ...rest } = before;
    expect(await rooms.state(alice, roomId, 'm.room.power_levels')).toEqual({ ...rest, ...(room_version === '10' ? {} : { invite }) });
  });
});

describe('who may redact what', () => {
  it('"Any user may redact their own events"; others\' need the redact level', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const [theirs, mine] = [await rooms.say(alice, roomId), await rooms.say(bob, roomId)];
    expect(await redact(bob, roomId, theirs)).toMatchObject(refused);
    expect((await event(bob, roomId, theirs)).content).toHaveProperty('ciphertext');
    expect((await redact(alice, roomId, mine)).status).toBe(200);
    expect((await event(bob, roomId, mine)).content).toEqual({});
  });

  it('not even one\'s own from outside, nor what is in another room', async () => {
    const [roomId, other] = [await shard.createRoom(alice, [bob]), await shard.createRoom(alice, [bob])];
    const eventId = await rooms.say(bob, roomId);
    expect(await redact(bob, other, eventId)).toMatchObject(absent);
    expect(await redact(bob, roomId, '$none')).toMatchObject(absent);
    await rooms.call(bob, 'POST', ['rooms', roomId, 'leave'], {});
    expect(await redact(bob, roomId, eventId)).toMatchObject(refused);
  });

  it('the encryption and the creation of a room are beyond anybody (B2)', async () => {
    const roomId = await shard.createRoom(alice);
    for (const type of ['m.room.encryption', 'm.room.create']) {
      const eventId = await eventIdOf(roomId, type);
      expect(await redact(alice, roomId, eventId)).toMatchObject(refused);
      const sent = await rooms.call(alice, 'PUT', ['rooms', roomId, 'send', 'm.room.redaction', newTxn()], { redacts: eventId });
      expect(sent).toMatchObject(refused);
    }
    expect(await rooms.state(alice, roomId, 'm.room.encryption')).toMatchObject({ algorithm: 'm.megolm.v1.aes-sha2' });
  });

  it('join rule and history stay what they are when redacted', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    for (const type of ['m.room.join_rules', 'm.room.history_visibility', 'm.room.member']) {
      expect((await redact(alice, roomId, await eventIdOf(roomId, type))).status).toBe(200);
    }
    expect(await rooms.state(alice, roomId, 'm.room.join_rules')).toEqual({ join_rule: 'invite' });
    expect(await rooms.state(alice, roomId, 'm.room.history_visibility')).toEqual({ history_visibility: 'shared' });
    expect(await rooms.say(bob, roomId)).toMatch(/^\$/);
  });
});

it('who had left is told that an event is gone, not why (D9)', async () => {
  const roomId = await shard.createRoom(alice, [bob]);
  const eventId = await rooms.say(alice, roomId);
  await rooms.call(bob, 'POST', ['rooms', roomId, 'leave'], {});
  const { body } = await redact(alice, roomId, eventId, { reason: 'between us' });
  const seen = await event(bob, roomId, eventId);
  expect(seen).toMatchObject({ content: {}, unsigned: { redacted_because: { event_id: body.event_id, sender: alice.userId, content: { redacts: eventId } } } });
  expect(JSON.stringify([seen, await rooms.sync(bob, undefined, { room: { include_leave: true } })])).not.toContain('between us');
  expect(JSON.stringify(await event(alice, roomId, eventId))).toContain('between us');
});

it('who came later is told neither, where the history is for members: not even with a member told of only now (D9)', async () => {
  const roomId = await shard.createRoom(alice, [bob], { name: 'Council', initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }] });
  const { body: { event_id: member } } = await rooms.call<{ event_id: string }>(alice, 'GET', ['rooms', roomId, 'state', 'm.room.member', bob.userId], undefined, { query: { format: 'event' } });
  await redact(alice, roomId, member, { reason: 'between us' });
  const carol = await shard.register();
  await rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: carol.userId });
  await rooms.call(carol, 'POST', ['rooms', roomId, 'join'], {});
  const lazily = { room: { state: { lazy_load_members: true }, timeline: { limit: 1 } } };
  const first = await rooms.sync(carol, undefined, lazily);
  await rooms.say(bob, roomId);
  const next = await rooms.sync(carol, first.next_batch, lazily);
  expect(JSON.stringify(next.rooms?.join?.[roomId]?.state)).toContain(member);
  const told = [first, next, (await rooms.call(carol, 'GET', ['rooms', roomId, 'state'])).body, (await rooms.call(carol, 'GET', ['rooms', roomId, 'members'])).body];
  expect(JSON.stringify(told).includes('between us')).toBe(false);
  expect(JSON.stringify((await rooms.call(alice, 'GET', ['rooms', roomId, 'members'])).body)).toContain('between us');
});

it('is idempotent by transaction id', async () => {
  const roomId = await shard.createRoom(alice);
  const [eventId, txn] = [await rooms.say(alice, roomId), newTxn()];
  const first = await redact(alice, roomId, eventId, {}, txn);
  expect((await redact(alice, roomId, eventId, {}, txn)).body).toEqual(first.body);
});

it('a redacted name is no name, and can be set again', async () => {
  const roomId = await shard.createRoom(alice, [], { name: 'Council' });
  const eventId = await eventIdOf(roomId, 'm.room.name');
  await redact(alice, roomId, eventId);
  const nothing = deliberatelyOdd({});
  expect(await rooms.state(alice, roomId, 'm.room.name')).toEqual(nothing);
  const again = await rooms.setState(alice, roomId, 'm.room.name', { name: 'Council' });
  expect(again.body.event_id).not.toBe(eventId);
  expect(await rooms.state(alice, roomId, 'm.room.name')).toEqual({ name: 'Council' });
});

it.each([
  ['a long reason (B8)', { reason: 'r'.repeat(513) }, 400, 'M_INVALID_PARAM'],
  ['a reason that is no text', { reason: {} }, 400, 'M_BAD_JSON'],
])('refuses %s', async (_, body, status, errcode) => {
  const roomId = await shard.createRoom(alice);
  const eventId = await rooms.say(alice, roomId);
  const answer = await rooms.call(alice, 'PUT', ['rooms', roomId, 'redact', eventId, newTxn()], body, { malformed: true });
  expect(answer).toMatchObject({ status, body: { errcode } });
  expect((await event(alice, roomId, eventId)).content).toHaveProperty('ciphertext');
});

it('a redaction that names nothing, or has text beside the reason', async () => {
  const roomId = await shard.createRoom(alice);
  const send = (content: object) => rooms.call(alice, 'PUT', ['rooms', roomId, 'send', 'm.room.redaction', newTxn()], content);
  expect(await send({})).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
  expect(await send({ redacts: await rooms.say(alice, roomId), body: 'in clear' })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
});
