import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerAdministrator } from './administrators.js';
import { startShard, type Answer, type Person, type Shard } from './harness.js';

const V3 = '/_matrix/client/v3';
const SECRET = 'a secret of this test';
const URIS = ['turn:turn.example:3478?transport=udp', 'turns:turn.example:5349?transport=tcp'];
let shard: Shard;
let plain: Shard;
let alice: Person;

beforeAll(async () => {
  [shard, plain] = await Promise.all([
    startShard({ registration_shared_secret: SECRET, turn_uris: URIS, turn_shared_secret: 'shared with coturn', turn_user_lifetime: '10m' }),
    startShard({ turn_uris: URIS[0], turn_username: 'everybody' }),
  ]);
  alice = await shard.register();
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await Promise.all([shard.stop(), plain.stop()]);
});

type Body = Readonly<Record<string, unknown>>;
const request = (who: Person, userId = who.userId): Promise<Answer<Body>> =>
  shard.request('POST', `${V3}/user/${encodeURIComponent(userId)}/openid/request_token`, { token: who.token, body: {} });
const userinfo = (access_token: unknown): Promise<Answer<Body>> =>
  shard.request('GET', '/_matrix/federation/v1/openid/userinfo', { query: { access_token: String(access_token) } });
const UNKNOWN = { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } };

describe('OpenID', () => {
  it('gets an OpenID token object that exposes the Matrix user id of the owner', async () => {
    const { body } = await request(alice);
    expect(body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', matrix_server_name: 'localhost', expires_in: 3600 });
    expect((await userinfo(body['access_token'])).body).toEqual({ sub: alice.userId });
  });

  it('401 M_UNKNOWN_TOKEN: the token was not recognised; an access token is none, and it is no access token', async () => {
    expect(await userinfo('invented')).toMatchObject(UNKNOWN);
    expect(await userinfo(alice.token)).toMatchObject(UNKNOWN);
    const { body } = await request(alice);
    expect(await shard.request('GET', `${V3}/account/whoami`, { token: String(body['access_token']) })).toMatchObject(UNKNOWN);
    expect((await shard.request('GET', '/_matrix/federation/v1/openid/userinfo', { malformed: true })).status).toBe(400);
  });

  it('nobody proves to be another', async () => {
    const bob = await shard.register();
    expect(await request(bob, alice.userId)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });

  it('the token dies with the session that asked for it, and counts for nothing while the account is locked', async () => {
    const root = await registerAdministrator(shard, SECRET, 'root');
    const phone = await shard.logIn(alice);
    const [ofPhone, ofAlice] = [(await request(phone)).body['access_token'], (await request(alice)).body['access_token']];
    await shard.request('POST', `${V3}/logout`, { token: phone.token, body: {} });
    const tablet = await shard.logIn(alice);
    const ofTablet = (await request(tablet)).body['access_token'];
    const again = { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.userId }, password: alice.password, device_id: tablet.deviceId };
    await shard.request('POST', `${V3}/login`, { body: again });
    expect(await userinfo(ofTablet)).toMatchObject(UNKNOWN);
    expect([await userinfo(ofPhone), await userinfo(ofAlice)]).toMatchObject([UNKNOWN, { status: 200 }]);
    const lock = (locked: boolean): Promise<Answer<Body>> =>
      shard.request('PUT', `/_matrix/client/v1/admin/lock/${encodeURIComponent(alice.userId)}`, { token: root.token, body: { locked } });
    await lock(true);
    expect(await userinfo(ofAlice)).toMatchObject(UNKNOWN);
    await lock(false);
    expect((await userinfo(ofAlice)).status).toBe(200);
  });
});

describe('GET /voip/turnServer', () => {
  it('provides credentials for the client to use when initiating calls', async () => {
    const { body } = await shard.request('GET', `${V3}/voip/turnServer`, { token: alice.token });
    expect(body).toMatchObject({ uris: URIS, ttl: 600 });
    const [, until = '', userId] = /^(\d+):(.*)$/.exec(String(body['username'])) ?? [];
    expect(userId).toBe(alice.userId);
    expect(Math.abs(Number(until) - (Date.now() / 1000 + 600))).toBeLessThan(30);
    expect(body['password']).toBe(createHmac('sha1', 'shared with coturn').update(String(body['username'])).digest('base64'));
    expect((await shard.request('GET', `${V3}/voip/turnServer`)).status).toBe(401);
  });

  it('is refused where the operator configured none, or nothing to log in with: clients stop asking', async () => {
    const bob = await plain.register();
    expect(await plain.request('GET', `${V3}/voip/turnServer`, { token: bob.token })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });
});
