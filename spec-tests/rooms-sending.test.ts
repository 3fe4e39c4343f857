import { describe, expect, it } from '@jest/globals';
import type { Person, RoomEvent } from './harness.js';
import { newTxn, refused, roomCalls } from './rooms-calls.js';
import { sealed } from './sealed.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#sending-events-to-a-room
const { shard, alice, bob } = await shardOfThree();
const rooms = roomCalls(shard);
const roomId = await shard.createRoom(alice, [bob]);

const send = (person: Person, type: string, content: object, txn = newTxn(), room = roomId) =>
  rooms.call<{ event_id: string }>(person, 'PUT', ['rooms', room, 'send', type, txn], content, { malformed: true });
const newest = async () => (await rooms.messages(alice, roomId, { limit: 1 })).body.chunk[0];
const badJson = { status: 400, body: { errcode: 'M_BAD_JSON' } };
const relating = (relation: unknown) => ({ ...sealed(), 'm.relates_to': relation });

describe('a transaction id', () => {
  it('"ensures idempotency of requests": the same request is the same event', async () => {
    const [txn, content] = [newTxn(), sealed()];
    const first = await send(alice, 'm.room.encrypted', content, txn);
    expect((await send(alice, 'm.room.encrypted', content, txn)).body).toEqual(first.body);
    const both = await Promise.all([send(alice, 'm.room.encrypted', content, 'at once'), send(alice, 'm.room.encrypted', content, 'at once')]);
    expect(both[0]?.body).toEqual(both[1]?.body);
    const { body } = await rooms.messages(alice, roomId, { limit: 3 });
    expect(body.chunk.filter(({ event_id }) => event_id === first.body.event_id)).toHaveLength(1);
  });

  it('is scoped to the device, the room and the type', async () => {
    const txn = newTxn();
    const other = await shard.createRoom(alice);
    const phone = await shard.logIn(alice);
    const events = [
      await send(alice, 'm.room.encrypted', sealed(), txn),
      await send(phone, 'm.room.encrypted', sealed(), txn),
      await send(bob, 'm.room.encrypted', sealed(), txn),
      await send(alice, 'm.room.encrypted', sealed(), txn, other),
    ];
    const reaction = await send(alice, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: events[0]?.body.event_id, key: '👍' } }, txn);
    expect(new Set([...events, reaction].map(({ body }) => body.event_id)).size).toBe(5);
  });

  it('comes back to the device that sent it, and to no other', async () => {
    const txn = newTxn();
    const { body: { event_id } } = await send(alice, 'm.room.encrypted', sealed(), txn);
    const seenBy = async (person: Person) => (await rooms.call<RoomEvent>(person, 'GET', ['rooms', roomId, 'event', event_id])).body.unsigned?.['transaction_id'];
    expect([await seenBy(alice), await seenBy(await shard.logIn(alice)), await seenBy(bob)]).toEqual([txn, undefined, undefined]);
  });

  it('holds after the server was killed and started again', async () => {
    const [txn, content] = [newTxn(), sealed()];
    const before = await send(alice, 'm.room.encrypted', content, txn);
    await shard.crash();
    expect((await send(alice, 'm.room.encrypted', content, txn)).body).toEqual(before.body);
    expect((await newest())?.event_id).toBe(before.body.event_id);
  });
});

describe('what a timeline takes (B4 to B7)', () => {
  it('"m.room.encrypted" with Megolm ciphertext, as it is', async () => {
    const content = sealed();
    const { body } = await send(alice, 'm.room.encrypted', content);
    expect(await newest()).toMatchObject({ event_id: body.event_id, content, sender: alice.userId, type: 'm.room.encrypted' });
    const { sender_key: _, device_id: __, ...least } = sealed();
    expect((await send(alice, 'm.room.encrypted', least)).status).toBe(200);
  });

  it.each(['m.room.message', 'm.sticker', 'm.call.invite', 'm.key.verification.request', 'org.example.note', 'm.room.name', 'm.room.encryption', 'm.room.member'])(
    'refuses %s (B4)', async (type) => {
      const before = await newest();
      expect(await send(alice, type, { body: 'in clear', msgtype: 'm.text' })).toMatchObject(refused);
      expect((await newest())?.event_id).toBe(before?.event_id);
    });

  const { ciphertext } = sealed();
  it.each([
    ['nothing', {}],
    ['text beside the ciphertext', { ...sealed(), body: 'in clear' }],
    ['a fallback beside the ciphertext', { ...sealed(), msgtype: 'm.text' }],
    ['another algorithm', { ...sealed(), algorithm: 'm.olm.v1.curve25519-aes-sha2' }],
    ['text as ciphertext', { ...sealed(), ciphertext: 'in clear' }],
    ['base64 text as ciphertext', { ...sealed(), ciphertext: Buffer.from('in clear, but in base64, which nobody reads').toString('base64') }],
    ['padded ciphertext', { ...sealed(), ciphertext: `${ciphertext}=` }],
    ['ciphertext with something after it', { ...sealed(), ciphertext: `${ciphertext}AAAA` }],
    ['ciphertext cut short', { ...sealed(), ciphertext: ciphertext.slice(0, -8) }],
    ['no ciphertext', { ...sealed(), ciphertext: undefined }],
    ['a short session_id', { ...sealed(), session_id: 'AAAA' }],
    ['a session_id with text', { ...sealed(), session_id: 'meet me at nine' }],
    ['a sender_key with text', { ...sealed(), sender_key: 'meet me at nine' }],
    ['a device_id with text', { ...sealed(), device_id: 'meet me at nine' }],
    ['a long device_id', { ...sealed(), device_id: 'A'.repeat(65) }],
    ['Olm ciphertext', { algorithm: 'm.olm.v1.curve25519-aes-sha2', ciphertext: {}, sender_key: sealed().sender_key }],
  ])('refuses m.room.encrypted with %s (B5)', async (_, content) => {
    expect(await send(alice, 'm.room.encrypted', content)).toMatchObject(badJson);
  });

  it.each([
    [{ rel_type: 'm.thread', event_id: '$root', is_falling_back: true, 'm.in_reply_to': { event_id: '$last' } }],
    [{ rel_type: 'm.replace', event_id: '$old' }],
    [{ rel_type: 'm.reference', event_id: '$start' }],
    [{ 'm.in_reply_to': { event_id: '$question' } }],
  ])('takes the relation %j', async (relation) => {
    expect((await send(alice, 'm.room.encrypted', relating(relation))).status).toBe(200);
  });

  it.each([
    ['another type', { rel_type: 'org.example.text', event_id: '$a' }],
    ['text', { rel_type: 'm.thread', event_id: '$a', text: 'in clear' }],
    ['an id that is none', { rel_type: 'm.thread', event_id: 'in clear' }],
    ['an id with blanks', { rel_type: 'm.thread', event_id: '$in clear' }],
    ['a type without an id', { rel_type: 'm.thread' }],
    ['a key outside of an annotation', { rel_type: 'm.thread', event_id: '$a', key: 'in clear' }],
    ['text in the reply', { 'm.in_reply_to': { event_id: '$a', body: 'in clear' } }],
    ['a flag that is none', { rel_type: 'm.thread', event_id: '$a', is_falling_back: 'in clear' }],
    ['no object', 'in clear'],
  ])('refuses a relation with %s (B6)', async (_, relation) => {
    expect(await send(alice, 'm.room.encrypted', relating(relation))).toMatchObject(badJson);
  });

  it.each([
    ['no annotation', { rel_type: 'm.reference', event_id: '$a', key: 'x' }, {}],
    ['no key', { rel_type: 'm.annotation', event_id: '$a' }, {}],
    ['an empty key', { rel_type: 'm.annotation', event_id: '$a', key: '' }, {}],
    ['a key of 65 bytes', { rel_type: 'm.annotation', event_id: '$a', key: 'k'.repeat(65) }, {}],
    ['text beside it', { rel_type: 'm.annotation', event_id: '$a', key: 'x' }, { body: 'in clear' }],
    ['text inside it', { rel_type: 'm.annotation', event_id: '$a', key: 'x', body: 'in clear' }, {}],
  ])('refuses m.reaction with %s (B7)', async (_, relation, beside) => {
    expect(await send(alice, 'm.reaction', { 'm.relates_to': relation, ...beside })).toMatchObject(badJson);
  });
});

describe('reactions', () => {
  it('"the same user MUST NOT" annotate an event twice with one key: M_DUPLICATE_ANNOTATION', async () => {
    const eventId = await rooms.say(alice, roomId);
    const twice = { status: 400, body: { errcode: 'M_DUPLICATE_ANNOTATION' } };
    const first = await rooms.react(bob, roomId, eventId, '👍');
    expect(first.status).toBe(200);
    expect(await rooms.react(bob, roomId, eventId, '👍')).toMatchObject(twice);
    expect(await send(bob, 'm.room.encrypted', relating({ rel_type: 'm.annotation', event_id: eventId, key: '👍' }))).toMatchObject(twice);
    expect((await rooms.react(bob, roomId, eventId, '👎')).status).toBe(200);
    expect((await rooms.react(alice, roomId, eventId, '👍')).status).toBe(200);
    await rooms.call(bob, 'PUT', ['rooms', roomId, 'redact', first.body.event_id, newTxn()], {});
    expect((await rooms.react(bob, roomId, eventId, '👍')).status).toBe(200);
  });

  it('in ciphertext as in clear', async () => {
    const eventId = await rooms.say(alice, roomId);
    const annotation = { rel_type: 'm.annotation', event_id: eventId, key: 'a' };
    expect((await send(bob, 'm.room.encrypted', relating(annotation))).status).toBe(200);
    expect((await send(bob, 'm.room.encrypted', relating(annotation))).status).toBe(400);
  });
});

describe('at once', () => {
  it('one of each pair is the first, whichever it is', async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => shard.register()));
    const own = await shard.createRoom(alice, [], { invite: people.map(({ userId }) => userId), room_alias_name: 'at-once' });
    const joins = await Promise.all(people.flatMap((one) => ['#at-once:localhost', own].map((where) => rooms.call(one, 'POST', ['join', where], {}))));
    expect(joins.every(({ status }) => status === 200)).toBe(true);
    const eventId = await rooms.say(alice, own);
    const reactions = await Promise.all(people.flatMap((one) => [rooms.react(one, own, eventId, 'x'), rooms.react(one, own, eventId, 'x')]));
    expect(reactions.map(({ status }) => status).sort()).toEqual([...people.map(() => 200), ...people.map(() => 400)]);
    const states = await Promise.all(people.flatMap((_, n) => [n, n].map((value) => rooms.setState(alice, own, 'org.example.n', { value }))));
    const { body } = await rooms.messages(alice, own, { limit: 100, filter: JSON.stringify({ types: ['m.room.member', 'm.reaction', 'org.example.n'] }) });
    expect(new Set(states.map(({ body: { event_id } }) => event_id)).size).toBe(body.chunk.filter(({ type }) => type === 'org.example.n').length);
    expect(body.chunk.filter(({ type }) => type === 'm.reaction')).toHaveLength(5);
    expect(body.chunk.filter(({ content }) => content['membership'] === 'join')).toHaveLength(6);
  });

  it('an alias is claimed once', async () => {
    const rooms_ = await Promise.all([1, 2, 3].map(() => rooms.call(alice, 'POST', ['createRoom'], { room_alias_name: 'claimed-once' })));
    expect(rooms_.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  });
});

describe('who may send, and how much', () => {
  it('members only; a room that does not exist is refused alike', async () => {
    const carol = await shard.register();
    const [closed, none] = [await send(carol, 'm.room.encrypted', sealed()), await send(carol, 'm.room.encrypted', sealed(), newTxn(), '!none:localhost')];
    expect(closed).toMatchObject(refused);
    expect(none).toMatchObject(refused);
    expect(none.text).toBe(closed.text);
  });

  it('who was removed sends no more; neither does who lacks the power', async () => {
    const own = await shard.createRoom(alice, [bob], { power_level_content_override: { events: { 'm.room.encrypted': 50 } } });
    expect(await send(bob, 'm.room.encrypted', sealed(), newTxn(), own)).toMatchObject(refused);
    await rooms.call(alice, 'POST', ['rooms', own, 'kick'], { user_id: bob.userId });
    expect(await send(bob, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key: 'x' } }, newTxn(), own)).toMatchObject(refused);
  });

  it('"The complete event MUST NOT be larger than 65536 bytes": 413', async () => {
    expect((await send(alice, 'm.room.encrypted', sealed({ length: 47_000 }))).status).toBe(200);
    expect(await send(alice, 'm.room.encrypted', sealed({ length: 49_200 }))).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
  });

  it('a long transaction id, and one with a NUL', async () => {
    expect(await send(alice, 'm.room.encrypted', sealed(), 't'.repeat(256))).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect(await send(alice, 'm.room.encrypted', sealed(), 'a\0b')).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });
});
