import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';

const V3 = '/_matrix/client/v3';
// So little a second that however slow the machine is, none is added to the burst while it is spent.
const few = { per_second: 0.005, burst_count: 3 };
const soonAgain = { per_second: 0.5, burst_count: 3 };
const plenty = { per_second: 1e6, burst_count: 1e6 };
let shard: Shard;

beforeAll(async () => {
  shard = await startShard({ rc_joins_per_room: few, rc_room_creation: few, rc_user_directory: few, rc_login: { address: few, account: plenty, failed_attempts: plenty }, rc_invites: { per_room: soonAgain, per_user: plenty, per_issuer: plenty } });
});
afterAll(async () => {
  await shard.stop();
});

/** The first refusal of a call made again and again, and how many there were before it. */
async function untilLimited(call: () => Promise<Answer<Record<string, unknown>>>): Promise<{ readonly before: number; readonly refusal: Answer<Record<string, unknown>> }> {
  for (let before = 0; ; before += 1) {
    const refusal = await call();
    if (refusal.status === 429) return { before, refusal };
    if (before > 20) throw new Error('there is no limit');
  }
}

function expectLimited({ headers, body }: Answer<Record<string, unknown>>): void {
  expect(body).toEqual({ errcode: 'M_LIMIT_EXCEEDED', error: expect.any(String), retry_after_ms: expect.any(Number) });
  expect(Number.isInteger(body['retry_after_ms'])).toBe(true);
  expect(Number(headers['retry-after'])).toBe(Math.ceil(Number(body['retry_after_ms']) / 1000));
  expect(headers['access-control-allow-origin']).toBe('*');
}

describe('Rate limiting', () => {
  it('429 M_LIMIT_EXCEEDED, with a Retry-After header and retry_after_ms: logins from one address, whoever they are for', async () => {
    let n = 0;
    const { before, refusal } = await untilLimited(() => {
      n += 1;
      return shard.request('POST', `${V3}/login`, { body: { type: 'm.login.password', password: 'wrong', identifier: { type: 'm.id.user', user: `u${n}` } } });
    });
    expect(before).toBe(3);
    expectLimited(refusal);
  });

  it('after waiting as long as it was told, the request is served', async () => {
    const carol = await shard.register();
    const roomId = await shard.createRoom(carol);
    let n = 0;
    const invite = (): Promise<Answer<Record<string, unknown>>> => {
      n += 1;
      return shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/invite`, { token: carol.token, body: { user_id: `@u${n}:localhost` } });
    };
    const { refusal } = await untilLimited(invite);
    await new Promise((resolve) => setTimeout(resolve, Number(refusal.body['retry_after_ms']) + 20));
    expect((await invite()).status).toBe(200);
  });

  it.each([
    ['rooms made by one person', 'createRoom', {}],
    ['searches for people by one person', 'user_directory/search', { search_term: 'x' }],
  ])('%s', async (_what, path, body) => {
    const [dora, emil] = [await shard.register(), await shard.register()];
    const ask = ({ token }: Person) => (): Promise<Answer<Record<string, unknown>>> => shard.request('POST', `${V3}/${path}`, { token, body });
    const { before, refusal } = await untilLimited(ask(dora));
    expect(before).toBe(3);
    expectLimited(refusal);
    expect((await ask(emil)()).status).toBe(200);
  });

  it('joins of one room, by whomsoever, by either way of joining', async () => {
    const host = await shard.register();
    const roomId = encodeURIComponent(await shard.createRoom(host));
    const paths = [`rooms/${roomId}/join`, `join/${roomId}`];
    let n = 0;
    const { before, refusal } = await untilLimited(async () => {
      n += 1;
      return shard.request('POST', `${V3}/${paths[n % 2] ?? ''}`, { token: (await shard.register()).token, body: {} });
    });
    expect(before).toBe(3);
    expectLimited(refusal);
  });
});
