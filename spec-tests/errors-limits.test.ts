import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { roomCalls, type RoomCalls } from './rooms-calls.js';
import { sealed } from './sealed.js';

// https://spec.matrix.org/v1.19/client-server-api/#rate-limiting
const twice = { per_second: 0.001, burst_count: 2 };
let shard: Shard;
let rooms: RoomCalls;
let alice: Person;
beforeAll(async () => {
  shard = await startShard({ rc_message: twice, rc_joins: { local: twice }, rc_invites: { per_room: { per_second: 1, burst_count: 100 }, per_user: twice, per_issuer: { per_second: 1, burst_count: 100 } }, rc_login: { address: { per_second: 100, burst_count: 100 }, account: { per_second: 100, burst_count: 100 }, failed_attempts: twice } });
  rooms = roomCalls(shard);
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
  it('of messages, by person', async () => {
    const roomId = await shard.createRoom(alice);
    await thirdIsTooMuch((n) => rooms.call(alice, 'PUT', ['rooms', roomId, 'send', 'm.room.encrypted', `t${n}`], sealed()), 200);
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
    expect(await rooms.call(alice, 'POST', ['createRoom'], { invite: [bob.userId] })).toMatchObject(refusal);
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
