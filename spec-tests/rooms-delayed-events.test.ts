import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type RoomEvent, type Shard } from './harness.js';
import { absent, newTxn, refused, roomCalls, type RoomCalls } from './rooms-calls.js';
import { sealed } from './sealed.js';

// https://github.com/matrix-org/matrix-spec-proposals/pull/4140
interface Delayed {
  readonly delay_id: string;
  readonly room_id: string;
  readonly type: string;
  readonly state_key?: string;
  readonly delay_ms: number;
  readonly delayed_since_ts: number;
  readonly content: object;
}
interface Scheduled {
  readonly delay_id: string;
}

const LONG = 3_600_000;
const HOUR = { 'org.matrix.msc4140.delay': LONG };
const delayedEvents = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events';
const soon = (ms: number) => ({ 'org.matrix.msc4140.delay': ms });

let shard: Shard;
let rooms: RoomCalls;
let alice: Person;
let bob: Person;
let roomId: string;
beforeAll(async () => {
  shard = await startShard({ max_event_delay_duration: '24h' });
  rooms = roomCalls(shard);
  [alice, bob] = [await shard.register(), await shard.register()];
  roomId = await shard.createRoom(alice, [bob], { power_level_content_override: { events: { 'org.example.call': 0 } } });
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const setLater = (person: Person, stateKey: string, query: object, { type = 'org.example.call', content = { in: stateKey } as object, room = roomId } = {}) =>
  rooms.call<Scheduled>(person, 'PUT', ['rooms', room, 'state', type, stateKey], content, { query: query as typeof HOUR, unstable: true });
const sendLater = (person: Person, type: string, content: object, query: object, txnId = newTxn()) =>
  rooms.call<Scheduled>(person, 'PUT', ['rooms', roomId, 'send', type, txnId], content, { query: query as typeof HOUR, unstable: true });
/** Without a token: the id alone is the right to do it. */
const manage = (delayId: string, action: string): Promise<Answer<object>> => shard.request('POST', `${delayedEvents}/${delayId}/${action}`, { body: {} });
const waiting = async (person: Person): Promise<readonly Delayed[]> =>
  (await shard.request<{ delayed_events: readonly Delayed[] }>('GET', delayedEvents, { token: person.token })).body.delayed_events;
const stateOf = (person: Person, stateKey: string) => rooms.call(person, 'GET', ['rooms', roomId, 'state', 'org.example.call', stateKey]);
const arrives = async (person: Person, since: string, matches: (event: RoomEvent) => boolean): Promise<RoomEvent> => {
  const { rooms: told } = await shard.longPoll(person, since, (sync) => sync.rooms?.join?.[roomId]?.timeline?.events.some(matches) === true);
  return told?.join?.[roomId]?.timeline?.events.find(matches) as RoomEvent;
};
const rowsWaiting = (): number => Number.parseInt(shard.stored()['delayed_events'] ?? '', 10);
const pause = (ms: number) => new Promise((resolve) => { setTimeout(resolve, ms); });

describe('a delayed event', () => {
  it('is sent when its time has come, and wakes who waits', async () => {
    const { next_batch } = await rooms.sync(bob);
    const [content, scheduled] = [sealed(), Date.now()];
    const { status, body } = await sendLater(alice, 'm.room.encrypted', content, soon(300));
    expect([status, Object.keys(body)]).toEqual([200, ['delay_id']]);
    expect((await setLater(alice, 'in time', soon(300))).status).toBe(200);
    for (const isIt of [(event: RoomEvent) => event.content['ciphertext'] === content.ciphertext && event.sender === alice.userId, (event: RoomEvent) => event.state_key === 'in time']) {
      expect((await arrives(bob, next_batch, isIt)).origin_server_ts).toBeGreaterThanOrEqual(scheduled + 300);
    }
    expect(await waiting(alice)).toEqual([]);
  });

  it('is told to its sender, and to nobody else', async () => {
    const { body: { delay_id } } = await setLater(alice, 'told', HOUR);
    const told = { delay_id, room_id: roomId, type: 'org.example.call', state_key: 'told', delay_ms: LONG, delayed_since_ts: expect.any(Number), content: { in: 'told' } };
    expect(await waiting(alice)).toEqual([expect.objectContaining(told)]);
    expect(await waiting(bob)).toEqual([]);
    expect((await shard.request('GET', `${delayedEvents}/${delay_id}`, { token: alice.token })).body).toMatchObject(told);
    expect(await shard.request('GET', `${delayedEvents}/${delay_id}`, { token: bob.token })).toMatchObject(absent);
    expect(await shard.request('GET', delayedEvents)).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
    await manage(delay_id, 'cancel');
  });

  it('is one for a transaction id, also when it has been sent', async () => {
    const [txnId, content] = [newTxn(), sealed()];
    const first = await sendLater(alice, 'm.room.encrypted', content, HOUR, txnId);
    expect((await sendLater(alice, 'm.room.encrypted', content, HOUR, txnId)).body).toEqual(first.body);
    expect(await waiting(alice)).toHaveLength(1);
    expect((await manage(first.body.delay_id, 'send')).status).toBe(200);
    const again = await sendLater(alice, 'm.room.encrypted', content, HOUR, txnId);
    expect(again.status).toBe(200);
    expect(await manage(again.body.delay_id, 'send')).toMatchObject(absent);
    expect((await rooms.messages(bob, roomId)).body.chunk.filter((event) => event.content['ciphertext'] === content.ciphertext)).toHaveLength(1);
  });

  it('can be sent, restarted and cancelled by who knows its id', async () => {
    const sent = (await setLater(alice, 'sent', HOUR)).body.delay_id;
    expect(await stateOf(alice, 'sent')).toMatchObject(absent);
    expect(await manage(sent, 'send')).toMatchObject({ status: 200, body: {} });
    expect((await stateOf(bob, 'sent')).body).toEqual({ in: 'sent' });
    expect(await manage(sent, 'send')).toMatchObject(absent);

    const { next_batch } = await rooms.sync(bob);
    const cancelled = (await setLater(alice, 'cancelled', soon(1500))).body.delay_id;
    expect((await shard.request('POST', `${delayedEvents}/${cancelled}`, { body: { action: 'cancel' } })).status).toBe(200);
    const restarted = (await setLater(alice, 'restarted', soon(1500))).body.delay_id;
    await pause(200);
    const again = Date.now();
    expect((await manage(restarted, 'restart')).status).toBe(200);
    expect((await arrives(bob, next_batch, (event) => event.state_key === 'restarted')).origin_server_ts).toBeGreaterThanOrEqual(again + 1500);
    expect(await stateOf(alice, 'cancelled')).toMatchObject(absent);
    expect(await waiting(alice)).toEqual([]);
  });

  it('that does not exist cannot be managed, nor in another way', async () => {
    for (const action of ['send', 'restart', 'cancel']) {
      expect(await manage('none', action)).toMatchObject(absent);
      expect(await shard.request('POST', `${delayedEvents}/none`, { body: { action } })).toMatchObject(absent);
    }
    expect(await shard.request('POST', `${delayedEvents}/none`, { body: {} })).toMatchObject({ status: 400 });
    expect(await manage('none', 'oops')).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
  });

  it('is dropped when somebody else sets that state', async () => {
    await setLater(alice, 'shared', HOUR);
    await rooms.setState(alice, roomId, 'org.example.call', { by: 'herself' }, 'shared');
    expect(await waiting(alice)).toHaveLength(1);
    await rooms.setState(bob, roomId, 'org.example.call', { by: 'bob' }, 'shared');
    expect(await waiting(alice)).toEqual([]);
  });
});

describe('the rules hold when it is scheduled', () => {
  it.each([
    ['a public join rule (A2)', 'm.room.join_rules', '', { join_rule: 'public' }, 403, 'M_FORBIDDEN'],
    ['a room nobody knows (A3)', 'm.room.join_rules', '', { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: '!x:y' }] }, 403, 'M_FORBIDDEN'],
    ['a world readable history (A4)', 'm.room.history_visibility', '', { history_visibility: 'world_readable' }, 403, 'M_FORBIDDEN'],
    ['guests (A5)', 'm.room.guest_access', '', { guest_access: 'can_join' }, 403, 'M_GUEST_ACCESS_FORBIDDEN'],
    ['a membership (A12)', 'm.room.member', '@SELF', { membership: 'join' }, 403, 'M_FORBIDDEN'],
    ['another algorithm (B1)', 'm.room.encryption', '', { algorithm: 'none' }, 403, 'M_FORBIDDEN'],
    ['keys that live longer (B2)', 'm.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2', rotation_period_msgs: 101 }, 403, 'M_FORBIDDEN'],
    ['a message as state (B4)', 'm.room.message', '', { body: 'hello' }, 403, 'M_FORBIDDEN'],
    ['a long name (B8)', 'm.room.name', '', { name: 'n'.repeat(256) }, 400, 'M_INVALID_PARAM'],
  ])('for state: %s', async (_, type, stateKey, content, status, errcode) => {
    const before = shard.stored();
    expect(await setLater(alice, stateKey.replace('@SELF', alice.userId), HOUR, { type, content })).toMatchObject({ status, body: { errcode } });
    expect(shard.stored()).toEqual(before);
  });

  it.each([
    ['plaintext (B4)', 'm.room.message', { msgtype: 'm.text', body: 'hello' }, 403, 'M_FORBIDDEN'],
    ['text beside the ciphertext (B5)', 'm.room.encrypted', { ...sealed(), body: 'hello' }, 400, 'M_BAD_JSON'],
    ['a relation with text (B6)', 'm.room.encrypted', { ...sealed(), 'm.relates_to': { body: 'hello' } }, 400, 'M_BAD_JSON'],
    ['a reaction with text (B7)', 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$e', key: 'k' }, body: 'hello' }, 400, 'M_BAD_JSON'],
    ['the redaction of what is not there', 'm.room.redaction', { redacts: '$none' }, 404, 'M_NOT_FOUND'],
  ])('for messages: %s', async (_, type, content, status, errcode) => {
    const before = shard.stored();
    expect(await sendLater(alice, type, content, HOUR)).toMatchObject({ status, body: { errcode } });
    expect(shard.stored()).toEqual(before);
  });

  it('so do the room’s own, and the bounds of delays', async () => {
    const before = shard.stored();
    expect(await setLater(bob, '', HOUR, { type: 'm.room.name', content: { name: 'x' } })).toMatchObject(refused);
    expect(await setLater(bob, '', HOUR, { room: '!none:localhost' })).toMatchObject(refused);
    const exceeded = { errcode: 'M_UNKNOWN', 'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED', 'org.matrix.msc4140.max_delay': 86_400_000 };
    expect(await setLater(alice, 'x', soon(86_400_001))).toMatchObject({ status: 400, body: exceeded });
    for (const delay of [-1, 0.5, 'soon', '']) expect(await setLater(alice, 'x', { 'org.matrix.msc4140.delay': delay })).toMatchObject({ status: 400 });
    expect(await setLater(alice, 'x', { 'org.matrix.msc4140.parent_delay_id': 'other' })).toMatchObject({ status: 400 });
    expect(shard.stored()).toEqual(before);
  });

  it('nobody has more than a hundred waiting', async () => {
    const carol = await shard.register();
    const own = await shard.createRoom(carol);
    const ids = await Promise.all(Array.from({ length: 100 }, async (_, i) => (await setLater(carol, `${i}`, HOUR, { room: own })).body.delay_id));
    expect(await setLater(carol, 'more', HOUR, { room: own })).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
    await manage(ids[0] ?? '', 'cancel');
    expect((await setLater(carol, 'more', HOUR, { room: own })).status).toBe(200);
  });
});

describe('the rules hold when it is sent', () => {
  it('who is no longer in the room, or may not any more, sends nothing', async () => {
    const carol = await shard.register();
    await rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: carol.userId });
    await rooms.call(carol, 'POST', ['rooms', roomId, 'join'], {});
    const late = (await setLater(carol, 'from outside', HOUR)).body.delay_id;
    await setLater(carol, 'too late', soon(1500));
    await rooms.call(alice, 'POST', ['rooms', roomId, 'kick'], { user_id: carol.userId });
    expect(await manage(late, 'send')).toMatchObject(refused);
    while ((await waiting(carol)).length > 0) await pause(20);
    expect([(await stateOf(alice, 'from outside')).status, (await stateOf(alice, 'too late')).status]).toEqual([404, 404]);
  });

  it('encryption that has been tightened since is not loosened (B2)', async () => {
    const room = await shard.createRoom(alice);
    const content = { algorithm: 'm.megolm.v1.aes-sha2', rotation_period_msgs: 50 };
    const { body: { delay_id } } = await setLater(alice, '', HOUR, { type: 'm.room.encryption', content, room });
    await rooms.setState(alice, room, 'm.room.encryption', { ...content, rotation_period_msgs: 20 });
    expect(await manage(delay_id, 'send')).toMatchObject(refused);
    expect(await rooms.state(alice, room, 'm.room.encryption')).toMatchObject({ rotation_period_msgs: 20 });
  });

  it.each([
    ['logged out', async (device: Person) => shard.request('POST', '/_matrix/client/v3/logout', { token: device.token, body: {} })],
    ['logged out everywhere', async (device: Person) => shard.request('POST', '/_matrix/client/v3/logout/all', { token: device.token, body: {} })],
    ['deleted', async (device: Person) => {
      const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: device.userId }, password: device.password };
      const asked = await shard.request<{ session: string }>('DELETE', `/_matrix/client/v3/devices/${device.deviceId}`, { token: device.token, body: {} });
      return shard.request('DELETE', `/_matrix/client/v3/devices/${device.deviceId}`, { token: device.token, body: { auth: { ...auth, session: asked.body.session } } });
    }],
  ])('nothing outlives the session: %s', async (how, end) => {
    const carol = await shard.register();
    const room = await shard.createRoom(carol, [alice]);
    const before = rowsWaiting();
    const due = Date.now() + 1500;
    const ids = [(await setLater(carol, how, soon(1500), { room })).body.delay_id, (await setLater(carol, `${how} later`, HOUR, { room })).body.delay_id];
    expect((await end(carol)).status).toBe(200);
    for (const id of ids) expect(await manage(id, 'send')).toMatchObject(absent);
    expect(rowsWaiting()).toBe(before);
    await pause(due + 300 - Date.now());
    expect((await rooms.call(alice, 'GET', ['rooms', room, 'state', 'org.example.call', how])).status).toBe(404);
  });
});

it('nor does it outlive a session when the next begins on the same device', async () => {
  const carol = await shard.register();
  const room = await shard.createRoom(carol, [alice]);
  const before = rowsWaiting();
  const { body: { delay_id } } = await setLater(carol, 'of before', HOUR, { room });
  const identifier = { type: 'm.id.user', user: carol.userId };
  const login = { type: 'm.login.password', identifier, password: carol.password, device_id: carol.deviceId };
  const { body } = await shard.request<{ access_token: string }>('POST', '/_matrix/client/v3/login', { body: login });
  const again = { ...carol, token: body.access_token };
  expect(await waiting(again)).toEqual([]);
  for (const action of ['restart', 'send']) expect(await manage(delay_id, action)).toMatchObject(absent);
  expect((await rooms.call(alice, 'GET', ['rooms', room, 'state', 'org.example.call', 'of before'])).status).toBe(404);
  await setLater(again, 'of now', HOUR, { room });
  expect(await waiting(again)).toMatchObject([{ state_key: 'of now' }]);
  expect(rowsWaiting()).toBe(before + 1);
});

it('what waited is sent after the server was killed and started again, late rather than never', async () => {
  const { next_batch } = await rooms.sync(bob);
  const overdue = await setLater(alice, 'overdue', soon(200));
  const later = await setLater(alice, 'after the crash', soon(1500));
  expect([overdue.status, later.status]).toEqual([200, 200]);
  await shard.crash();
  await arrives(bob, next_batch, (event) => event.state_key === 'overdue');
  await arrives(bob, next_batch, (event) => event.state_key === 'after the crash');
  expect(await waiting(alice)).toEqual([]);
});

it('is off unless the operator says how long an event may wait', async () => {
  const other = await startShard();
  const person = await other.register();
  const room = await other.createRoom(person);
  const path = `/_matrix/client/v3/rooms/${room}/state/org.example.call/x`;
  expect(await other.request('PUT', path, { token: person.token, query: HOUR, body: {} })).toMatchObject(refused);
  expect((await other.request('GET', '/_matrix/client/versions')).body).toMatchObject({ unstable_features: { 'org.matrix.msc4140': false } });
  expect((await shard.request('GET', '/_matrix/client/versions')).body).toMatchObject({ unstable_features: { 'org.matrix.msc4140': true } });
  await other.stop();
});
