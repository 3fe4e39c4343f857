import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';

interface LoggedIn {
  readonly user_id: string;
  readonly access_token: string;
  readonly device_id: string;
  readonly errcode?: string;
}

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;

beforeAll(async () => {
  shard = await startShard({ public_baseurl: 'https://matrix.example/', admin_contact: 'mailto:help@matrix.example' });
  alice = await shard.register('alice');
});
afterAll(async () => {
  await shard.stop();
});

const logIn = (naming: object, more: object = {}): Promise<Answer<LoggedIn>> =>
  shard.request<LoggedIn>('POST', `${V3}/login`, { body: { type: 'm.login.password', password: alice.password, ...naming, ...more }, malformed: !('identifier' in naming) });
const byUser = (user: string): object => ({ identifier: { type: 'm.id.user', user } });
const whoAmI = (token: string): Promise<Answer<object>> => shard.request('GET', `${V3}/account/whoami`, { token });

describe('GET /login', () => {
  it('gets the homeserver’s supported login types', async () => {
    expect((await shard.request('GET', `${V3}/login`)).body).toEqual({ flows: [{ type: 'm.login.password' }] });
  });
});

describe('POST /login', () => {
  it.each(['alice', '@alice:localhost', 'ALICE', '@Alice:localhost'])('m.id.user is the fully qualified user id or just the localpart: %s', async (user) => {
    const { status, body } = await logIn(byUser(user));
    expect([status, body.user_id]).toEqual([200, '@alice:localhost']);
    expect((await whoAmI(body.access_token)).body).toEqual({ user_id: '@alice:localhost', device_id: body.device_id, is_guest: false });
  });

  it('takes `user`, the deprecated form of an identifier', async () => {
    expect((await logIn({ user: 'alice' })).status).toBe(200);
  });

  it('a wrong password, an unknown person and another server’s are one answer', async () => {
    const wrong = await logIn(byUser('alice'), { password: 'wrong' });
    expect(wrong).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    for (const user of ['nobody', '@alice:elsewhere.example', '@', ':', '@:', 'a\u0001b', 'ålice', 'alice ', 'x'.repeat(5000)]) {
      expect(await logIn(byUser(user))).toMatchObject({ status: wrong.status, text: wrong.text });
    }
    expect(await logIn({ identifier: { type: 'm.id.thirdparty', medium: 'email', address: 'alice@example.org' } })).toMatchObject({ text: wrong.text });
  });

  it('an empty password is a wrong one', async () => {
    expect(await logIn(byUser('alice'), { password: '' })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });

  it('if the server does not know the login type: M_UNKNOWN with 400', async () => {
    for (const type of ['m.login.token', 'm.login.dummy', 'm.login.sso', '']) {
      expect(await logIn(byUser('alice'), { type })).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
    }
  });

  it('without an identifier or a password: M_MISSING_PARAM', async () => {
    for (const body of [{}, { password: 'x' }, byUser('alice')]) {
      expect(await shard.request('POST', `${V3}/login`, { body: { type: 'm.login.password', ...body }, malformed: true })).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
    }
  });

  it('a device id that is known is used again, and its former token is dead', async () => {
    const first = await logIn(byUser('alice'), { device_id: 'PHONE', initial_device_display_name: 'Phone' });
    const again = await logIn(byUser('alice'), { device_id: 'PHONE', initial_device_display_name: 'Other' });
    expect([first.body.device_id, again.body.device_id]).toEqual(['PHONE', 'PHONE']);
    expect(await whoAmI(first.body.access_token)).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    const device = await shard.request('GET', `${V3}/devices/PHONE`, { token: again.body.access_token });
    expect(device.body).toMatchObject({ device_id: 'PHONE', display_name: 'Phone' });
  });

  it('a device id of another person names a device of one’s own', async () => {
    const bob = await shard.register();
    const { body } = await logIn(byUser('alice'), { device_id: bob.deviceId });
    expect((await whoAmI(body.access_token)).body).toMatchObject({ user_id: '@alice:localhost', device_id: bob.deviceId });
    expect((await whoAmI(bob.token)).body).toMatchObject({ user_id: bob.userId, device_id: bob.deviceId });
  });

  it.each(['', 'a\u0007b', 'ü'.repeat(200)])('refuses a device id that is none (%j)', async (device_id) => {
    expect((await logIn(byUser('alice'), { device_id })).status).toBe(400);
  });

  it('does not care for a token that has died, as clients send it along', async () => {
    const call = { token: 'cls_dead', body: { type: 'm.login.password', ...byUser('alice'), password: alice.password } };
    expect((await shard.request('POST', `${V3}/login`, call)).status).toBe(200);
    expect((await shard.request('POST', '/_matrix/client/r0/login', call)).status).toBe(200);
  });
});

describe('POST /logout', () => {
  it('invalidates the access token; the device and its keys go with it', async () => {
    const { body } = await logIn(byUser('alice'), { device_id: 'GONE' });
    expect(await shard.request('POST', `${V3}/logout`, { token: body.access_token })).toMatchObject({ status: 200, body: {} });
    expect(await whoAmI(body.access_token)).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    expect((await shard.request('GET', `${V3}/devices/GONE`, { token: alice.token })).status).toBe(404);
  });

  it('answers a long poll of that session by ending it, not by news', async () => {
    const { token } = await shard.logIn(alice);
    const { body } = await shard.request<{ next_batch: string }>('GET', `${V3}/sync`, { token });
    const poll = shard.request('GET', `${V3}/sync`, { token, query: { since: body.next_batch, timeout: 1500 } });
    await shard.request('POST', `${V3}/logout`, { token, body: {} });
    expect([200, 401]).toContain((await poll).status);
    expect((await shard.request('GET', `${V3}/sync`, { token, query: { since: body.next_batch } })).status).toBe(401);
  });
});

describe('POST /logout/all', () => {
  it('invalidates all access tokens of the user, and nobody else’s', async () => {
    const [carol, bob] = [await shard.register(), await shard.register()];
    const tablet = await shard.logIn(carol);
    expect((await shard.request('POST', `${V3}/logout/all`, { token: tablet.token, body: {} })).status).toBe(200);
    expect((await Promise.all([carol, tablet, bob].map(({ token }) => whoAmI(token)))).map(({ status }) => status)).toEqual([401, 401, 200]);
    expect((await shard.logIn(carol)).userId).toBe(carol.userId);
  });
});

describe('GET /versions', () => {
  it('gets the versions of the specification, with a token that has died too', async () => {
    const { body } = await shard.request<{ versions: string[]; unstable_features: object }>('GET', '/_matrix/client/versions', { token: 'cls_dead' });
    expect(body.versions).toEqual(expect.arrayContaining(['v1.1', 'v1.3', 'v1.11', 'v1.19']));
    expect(body.unstable_features).toMatchObject({ 'org.matrix.e2e_cross_signing': true, 'io.element.e2ee_forced.private': true, 'org.matrix.msc4222': true });
  });
});

describe('GET /.well-known/matrix/client', () => {
  it('gets discovery information about the domain', async () => {
    const { status, headers, body } = await shard.request('GET', '/.well-known/matrix/client', { token: 'cls_dead' });
    expect([status, headers['content-type'], headers['access-control-allow-origin']]).toEqual([200, 'application/json', '*']);
    expect(body).toMatchObject({ 'm.homeserver': { base_url: 'https://matrix.example' }, 'io.element.e2ee': { default: true } });
    expect(body).not.toHaveProperty('m.identity_server');
  });
});

describe('GET /.well-known/matrix/support', () => {
  it('gets server admin contact', async () => {
    expect(await shard.request('GET', '/.well-known/matrix/support')).toMatchObject({ status: 200, body: { contacts: [{ email_address: 'help@matrix.example', role: 'm.role.admin' }] } });
  });
});

describe('GET /capabilities', () => {
  it('gets what this server offers', async () => {
    const { body } = await shard.request<{ capabilities: Record<string, unknown> }>('GET', `${V3}/capabilities`, { token: alice.token });
    expect(body.capabilities).toMatchObject({
      'm.room_versions': { default: '11', available: { 10: 'stable', 11: 'stable', 12: 'stable' } },
      'm.change_password': { enabled: true },
      'm.3pid_changes': { enabled: false },
      'm.get_login_token': { enabled: false },
    });
    expect((await shard.request('GET', `${V3}/capabilities`)).status).toBe(401);
  });
});
