import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in_ms: number;
  readonly device_id: string;
  readonly errcode?: string;
  readonly soft_logout?: boolean;
}

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;
let tokens: Tokens;

beforeAll(async () => {
  shard = await startShard({ refreshable_access_token_lifetime: '1m', nonrefreshable_access_token_lifetime: '1h', refresh_token_lifetime: '2h', session_lifetime: '1d' });
});
beforeEach(async () => {
  alice = await shard.register();
  tokens = (await logIn()).body;
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const logIn = (more: object = { refresh_token: true }, on = shard): Promise<Answer<Tokens>> =>
  on.request<Tokens>('POST', `${V3}/login`, {
    body: { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.userId }, password: alice.password, ...more },
  });
const refresh = (refresh_token: string, on = shard): Promise<Answer<Tokens>> => on.request<Tokens>('POST', `${V3}/refresh`, { body: { refresh_token } });
const whoAmI = (token: string, on = shard): Promise<Answer<Partial<Tokens>>> => on.request<Partial<Tokens>>('GET', `${V3}/account/whoami`, { token });
const pause = (ms: number): Promise<void> => new Promise((done) => { setTimeout(done, ms); });
const UNKNOWN = { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } };
const SOFT = { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true } };

describe('Refreshing access tokens', () => {
  it('login returns a refresh token and a lifetime if the client asked for it, and none otherwise', async () => {
    expect(tokens).toMatchObject({ access_token: expect.any(String), refresh_token: expect.any(String), expires_in_ms: 60_000 });
    const { body } = await logIn({});
    expect(body).toMatchObject({ expires_in_ms: 3_600_000 });
    expect(body).not.toHaveProperty('refresh_token');
  });

  it('registration does, too', async () => {
    const { body } = await shard.request<Tokens>('POST', `${V3}/register`, { body: { password: 'x', refresh_token: true, auth: { type: 'm.login.dummy' } } });
    expect((await refresh(body.refresh_token)).status).toBe(200);
  });

  it('refreshes an access token: the same device, a new pair of tokens', async () => {
    const { status, body } = await refresh(tokens.refresh_token);
    expect([status, body.expires_in_ms]).toEqual([200, 60_000]);
    expect(new Set([body.access_token, body.refresh_token, tokens.access_token, tokens.refresh_token]).size).toBe(4);
    expect((await whoAmI(body.access_token)).body).toMatchObject({ user_id: alice.userId, device_id: tokens.device_id });
  });

  it('the old refresh token remains valid until the new access token is used', async () => {
    const lost = await refresh(tokens.refresh_token);
    const { body } = await refresh(tokens.refresh_token);
    expect(await whoAmI(lost.body.access_token)).toMatchObject(UNKNOWN);
    expect(await refresh(lost.body.refresh_token)).toMatchObject(UNKNOWN);
    expect((await whoAmI(body.access_token)).status).toBe(200);
    expect(await refresh(tokens.refresh_token)).toMatchObject(SOFT);
    expect((await refresh(body.refresh_token)).status).toBe(200);
  });

  it('or until the new refresh token is used', async () => {
    const { body } = await refresh(tokens.refresh_token);
    expect((await refresh(body.refresh_token)).status).toBe(200);
    expect(await refresh(tokens.refresh_token)).toMatchObject(SOFT);
  });

  it('requests under way with the old access token still arrive', async () => {
    const { body } = await refresh(tokens.refresh_token);
    expect((await whoAmI(body.access_token)).status).toBe(200);
    expect((await whoAmI(tokens.access_token)).status).toBe(200);
    await refresh(body.refresh_token);
    expect(await whoAmI(tokens.access_token)).toMatchObject(UNKNOWN);
  });

  it('one refresh token used twice at once is good for one session', async () => {
    const both = await Promise.all([refresh(tokens.refresh_token), refresh(tokens.refresh_token)]);
    const alive = await Promise.all(both.map(({ body }) => whoAmI(body.access_token)));
    expect(alive.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  it('401 M_UNKNOWN_TOKEN: the provided token was unknown, is an access token, or its session has ended', async () => {
    expect(await refresh('cls_nobody')).toMatchObject(UNKNOWN);
    expect((await refresh('cls_nobody')).body).not.toHaveProperty('soft_logout');
    expect(await refresh(tokens.access_token)).toMatchObject(UNKNOWN);
    expect(await whoAmI(tokens.refresh_token)).toMatchObject(UNKNOWN);
    await shard.request('POST', `${V3}/logout`, { token: tokens.access_token, body: {} });
    expect(await refresh(tokens.refresh_token)).toMatchObject(UNKNOWN);
  });

  it('logging in again to the same device ends both tokens', async () => {
    await logIn({ device_id: tokens.device_id });
    expect(await refresh(tokens.refresh_token)).toMatchObject(UNKNOWN);
    expect(await whoAmI(tokens.access_token)).toMatchObject(UNKNOWN);
  });
});

describe('Soft logout', () => {
  let brief: Shard;
  beforeAll(async () => {
    brief = await startShard({ refreshable_access_token_lifetime: '1s', refresh_token_lifetime: '2s' });
  });
  afterAll(async () => {
    await brief.stop();
  });

  it('soft_logout: true when the access token has expired; the refresh token brings the session back, until it has expired too', async () => {
    alice = await brief.register();
    const { body } = await logIn({ refresh_token: true }, brief);
    await pause(body.expires_in_ms + 20);
    expect(await whoAmI(body.access_token, brief)).toMatchObject(SOFT);
    const renewed = await refresh(body.refresh_token, brief);
    expect((await whoAmI(renewed.body.access_token, brief)).body).toMatchObject({ device_id: body.device_id });
    await pause(2_020);
    expect(await refresh(renewed.body.refresh_token, brief)).toMatchObject(SOFT);
    expect((await logIn({ device_id: body.device_id }, brief)).status).toBe(200);
  });
});
