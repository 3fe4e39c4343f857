import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { roomCalls, type RoomCalls } from './rooms-calls.js';
import { sealed } from './sealed.js';

// https://spec.matrix.org/v1.19/client-server-api/#rate-limiting
const twice = { per_second: 0.001, burst_count: 2 };
let shard: Shard;
let rooms: RoomCalls;
let alice: Person;
const plenty = { per_second: 1e6, burst_count: 1e6 };
beforeAll(async () => {
  shard = await startShard({
    presence: { enabled: true },
    rc_message: twice,
    rc_admin_redaction: twice,
    rc_joins: { local: twice },
    rc_invites: { per_room: twice, per_user: twice, per_issuer: plenty },
    rc_key_requests: twice,
    rc_login: { address: plenty, account: plenty, failed_attempts: twice },
    rc_presence: { per_user: twice },
    rc_profile: twice,
  });
  rooms = roomCalls(shard);
});
beforeEach(async () => {
  alice = await shard.register();
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

/** The third time is refused, with the wait in both forms. */
async function thirdIsTooMuch(call: (n: number) => Promise<Answer<unknown>>, first: number): Promise<void> {
  for (const n of [1, 2]) expect((await call(n)).status).toBe(first);
  const { status, headers, body } = await call(3);
  expect(status).toBe(429);
  expect(body).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) });
  const { retry_after_ms: ms } = body as { retry_after_ms: number };
  expect(Number.isInteger(ms)).toBe(true);
  expect(headers['retry-after']).toBe(String(Math.ceil(ms / 1000)));
}

describe('"Homeservers SHOULD implement rate limiting to reduce the risk of being overloaded"', () => {
  it.each<[string, (roomId: string, n: number) => readonly [string, readonly string[], object]]>([
    ['messages', (roomId, n) => ['PUT', ['rooms', roomId, 'send', 'm.room.encrypted', `t${n}`], sealed()]],
    ['states', (roomId, n) => ['PUT', ['rooms', roomId, 'state', 'm.room.topic'], { topic: `t${n}` }]],
    ['removals', (roomId, n) => ['POST', ['rooms', roomId, n === 1 ? 'ban' : n === 2 ? 'unban' : 'kick'], { user_id: '@nobody-at-all:localhost' }]],
  ])('of %s, by person', async (_what, call) => {
    const bob = await shard.register();
    const roomId = await shard.createRoom(alice, [], { power_level_content_override: { users: { [alice.userId]: 100, [bob.userId]: 50 } } });
    await rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: bob.userId });
    await rooms.call(bob, 'POST', ['join', roomId], {});
    await thirdIsTooMuch((n) => rooms.call(bob, ...call(roomId, n)), 200);
  });

  it('of looks at profiles, by person', async () => {
    const bob = await shard.register();
    await thirdIsTooMuch(() => rooms.call(bob, 'GET', ['profile', bob.userId]), 200);
  });

  it('of changes of a profile, by person', async () => {
    const bob = await shard.register();
    await thirdIsTooMuch((n) => rooms.call(bob, 'PUT', ['profile', bob.userId, 'displayname'], { displayname: `Bob ${n}` }), 200);
  });

  it('of words on whether one is online, by person', async () => {
    const bob = await shard.register();
    await thirdIsTooMuch(() => rooms.call(bob, 'PUT', ['presence', bob.userId, 'status'], { presence: 'online' }), 200);
  });

  it('of people whom a device asks for the keys of messages', async () => {
    const [bob, carol] = [await shard.register(), await shard.register()];
    await shard.createRoom(bob, [], { invite: [carol.userId] });
    const ask = (person: Person, n: number): Promise<Answer<unknown>> =>
      rooms.call(bob, 'PUT', ['sendToDevice', 'm.room_key_request', `t${n}`], { messages: { [person.userId]: { '*': { action: 'request_cancellation', request_id: `r${n}`, requesting_device_id: bob.deviceId } } } });
    await thirdIsTooMuch((n) => ask(carol, n), 200);
    expect((await ask(bob, 4)).status).toBe(200);
  });

  it('of redactions of what others sent, apart from those of one\'s own', async () => {
    const bob = await shard.register();
    const roomId = await shard.createRoom(bob, [], { invite: [alice.userId] });
    await rooms.call(alice, 'POST', ['join', roomId], {});
    const { body } = await rooms.call<{ event_id: string }>(alice, 'GET', ['rooms', roomId, 'state', 'm.room.member', alice.userId], undefined, { query: { format: 'event' } });
    await thirdIsTooMuch((n) => rooms.call(bob, 'PUT', ['rooms', roomId, 'redact', body.event_id, `r${n}`], {}), 200);
    expect((await rooms.call(bob, 'PUT', ['rooms', roomId, 'send', 'm.room.encrypted', 't1'], sealed())).status).toBe(200);
  });

  it('of invitations by one person and into one room, by either way of inviting', async () => {
    const [bob, carol] = [await shard.register(), await shard.register()];
    const roomId = await shard.createRoom(bob);
    // Who may not invite uses up nothing of what others may.
    for (const n of [1, 2, 3]) expect((await rooms.call(carol, 'POST', ['rooms', roomId, 'invite'], { user_id: `@n${n}:localhost` })).status).toBe(403);
    await thirdIsTooMuch((n) => n % 2 === 1
      ? rooms.call(bob, 'POST', ['rooms', roomId, 'invite'], { user_id: `@n${n}:localhost` })
      : rooms.call(bob, 'PUT', ['rooms', roomId, 'state', 'm.room.member', `@n${n}:localhost`], { membership: 'invite' }), 200);
  });

  it('of joins, by person', async () => {
    const bob = await shard.register();
    const invited = await Promise.all([1, 2].map(() => shard.createRoom(alice, [], { invite: [bob.userId] })));
    await thirdIsTooMuch((n) => rooms.call(bob, 'POST', ['join', invited[n - 1] ?? '!third:localhost'], {}), 200);
  });

  it('of invitations to one person, whoever sends them, those of createRoom included', async () => {
    const bob = await shard.register();
    const roomId = await shard.createRoom(alice, [], { invite: [bob.userId] });
    const refusal = { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } };
    expect((await rooms.call(alice, 'POST', ['createRoom'], { invite: [bob.userId] })).status).toBe(200);
    const carol = await shard.register();
    expect(await rooms.call(carol, 'POST', ['createRoom'], { invite: [bob.userId] })).toMatchObject(refusal);
    expect((await rooms.call(carol, 'POST', ['createRoom'], {})).status).toBe(200);
    expect(await rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: bob.userId })).toMatchObject(refusal);
  });

  it('of wrong passwords, by account: existing or not, and where a password proves a request', async () => {
    const guess = (user: string): Promise<Answer<unknown>> =>
      shard.request('POST', '/_matrix/client/v3/login', { body: { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password: 'wrong' } });
    await thirdIsTooMuch(() => guess('nobody-at-all'), 403);
    const bob = await shard.register();
    await thirdIsTooMuch(
      () => shard.request('DELETE', `/_matrix/client/v3/devices/${bob.deviceId}`, { token: bob.token, body: { auth: { type: 'm.login.password', password: 'wrong', identifier: { type: 'm.id.user', user: bob.userId } } } }),
      401,
    );
    expect((await guess(bob.userId)).status).toBe(429);
  });
});
