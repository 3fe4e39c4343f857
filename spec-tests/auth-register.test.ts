import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Shard } from './harness.js';

const REGISTER = '/_matrix/client/v3/register';
const ADMIN = '/_synapse/admin/v1/register';
const SECRET = 'a secret of this test';
let open: Shard;
let closed: Shard;

beforeAll(async () => {
  [open, closed] = await Promise.all([
    startShard({ registration_shared_secret: SECRET }),
    startShard({ registration_shared_secret: SECRET, enable_registration: false, enable_registration_without_verification: false }),
  ]);
});
afterAll(async () => {
  await Promise.all([open.stop(), closed.stop()]);
});

type Body = Readonly<Record<string, unknown>>;
type Registered = Answer<Body & { readonly user_id: string; readonly access_token: string; readonly device_id: string }>;

const register = (body: Body, query: Record<string, string> = {}): Promise<Registered> => open.request('POST', REGISTER, { body, query });
const dummy = { type: 'm.login.dummy' };

describe('POST /register', () => {
  it('asks for m.login.dummy first, and then makes an account and a session', async () => {
    const wish = { username: 'dora', password: 'a good password', initial_device_display_name: 'Phone' };
    const asked = await register(wish);
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.dummy'] }], session: expect.any(String) } });
    expect(asked.body).not.toHaveProperty('errcode');
    const { status, body } = await register({ ...wish, auth: { ...dummy, session: asked.body['session'] } });
    expect([status, body.user_id]).toEqual([200, '@dora:localhost']);
    expect((await open.request('GET', '/_matrix/client/v3/account/whoami', { token: body.access_token })).body).toMatchObject({ user_id: '@dora:localhost', device_id: body.device_id });
  });

  it('generates a localpart when none is given, and no session when `inhibit_login` says so', async () => {
    const { status, body } = await register({ password: 'a good password', auth: dummy, inhibit_login: true });
    expect([status, body.user_id]).toEqual([200, expect.stringMatching(/^@[a-z0-9]+:localhost$/)]);
    expect(body).not.toHaveProperty('access_token');
  });

  it('M_USER_IN_USE: the desired user id is already taken, in capitals too, before any question is asked', async () => {
    await register({ username: 'erna', password: 'a good password', auth: dummy });
    for (const username of ['erna', 'ERNA']) expect(await register({ username, password: 'x' })).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
  });

  it('two at once for one name: one gets it', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => register({ username: 'twins', password: 'a good password', auth: dummy })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400]);
  });

  it.each(['', 'a b', 'ålice', 'a:b', '@a', 'x'.repeat(250), 'a/../b\u0001'])('M_INVALID_USERNAME: %j', async (username) => {
    expect(await register({ username, password: 'a good password', auth: dummy })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_USERNAME' } });
  });

  it('an account without a password is none', async () => {
    expect(await register({ username: 'nopass', auth: dummy })).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
    expect((await register({ username: 'nopass', password: '', auth: dummy })).status).toBe(400);
  });

  it('guest accounts are M_GUEST_ACCESS_FORBIDDEN (A5), whether registration is open or not', async () => {
    expect(await register({}, { kind: 'guest' })).toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
    expect(await closed.request('POST', REGISTER, { body: {}, query: { kind: 'guest' } })).toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
    expect((await open.request('POST', REGISTER, { body: {}, query: { kind: 'robot' }, malformed: true })).status).toBe(400);
  });

  it('M_FORBIDDEN: the homeserver does not permit registration', async () => {
    const answer = await closed.request('POST', REGISTER, { body: { username: 'eve', password: 'x', auth: dummy } });
    expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });
});

describe('GET /register/available', () => {
  const available = (shard: Shard, username: string) => shard.request('GET', `${REGISTER}/available`, { query: { username } });

  it('checks to see if a username is available', async () => {
    await register({ username: 'frida', password: 'a good password', auth: dummy });
    expect((await available(open, 'nobody-yet')).body).toEqual({ available: true });
    expect(await available(open, 'frida')).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
    expect(await available(open, 'a b')).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_USERNAME' } });
  });

  it('tells nobody who exists while registration is closed (D7)', async () => {
    const someone = await closed.register();
    const [known, unknown] = [await available(closed, someone.userId.slice(1, someone.userId.indexOf(':'))), await available(closed, 'nobody')];
    expect(known).toMatchObject({ status: 403, text: unknown.text });
  });
});

describe('/_synapse/admin/v1/register', () => {
  const nonceOf = async (): Promise<string> => (await closed.request<{ nonce: string }>('GET', ADMIN)).body.nonce;
  const mac = (secret: string, ...signed: readonly string[]): string => createHmac('sha1', secret).update(signed.join('\0')).digest('hex');
  const post = (body: object): Promise<Registered> => closed.request('POST', ADMIN, { body });

  it('makes an account for who knows the secret, closed as registration is', async () => {
    const nonce = await nonceOf();
    const { status, body } = await post({ nonce, username: 'Gerda', password: 'pw', admin: true, mac: mac(SECRET, nonce, 'Gerda', 'pw', 'admin') });
    expect([status, body.user_id]).toEqual([200, '@gerda:localhost']);
    expect((await closed.request('GET', '/_matrix/client/v3/devices', { token: body.access_token })).status).toBe(200);
  });

  it('a nonce is good once', async () => {
    const nonce = await nonceOf();
    const call = { nonce, username: 'hanna', password: 'pw', mac: mac(SECRET, nonce, 'hanna', 'pw', 'notadmin') };
    expect((await post(call)).status).toBe(200);
    expect(await post(call)).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN', error: 'unrecognised nonce' } });
    const other = { nonce, username: 'ida', password: 'pw', mac: mac(SECRET, nonce, 'ida', 'pw', 'notadmin') };
    expect((await post(other)).status).toBe(400);
  });

  it('one nonce used many times at once makes one account', async () => {
    const nonce = await nonceOf();
    const names = ['k1', 'k2', 'k3', 'k4'];
    const answers = await Promise.all(names.map((username) => post({ nonce, username, password: 'pw', mac: mac(SECRET, nonce, username, 'pw', 'notadmin') })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400]);
  });

  it('a wrong code makes nothing, and neither does one for other words', async () => {
    const nonce = await nonceOf();
    const wish = { nonce, username: 'lena', password: 'pw' };
    for (const wrong of [mac('another secret', nonce, 'lena', 'pw', 'notadmin'), '', 'é', mac(SECRET, nonce, 'lena', 'other', 'notadmin')]) {
      expect(await post({ ...wish, mac: wrong })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    }
    expect((await post({ ...wish, admin: true, mac: mac(SECRET, nonce, 'lena', 'pw', 'notadmin') })).status).toBe(403);
    expect((await post({ ...wish, mac: mac(SECRET, nonce, 'lena', 'pw', 'notadmin') })).status).toBe(200);
  });

  it('a nonce of its own making, or an interactive session, is none', async () => {
    const { body } = await open.request('POST', REGISTER, { body: { username: 'mona', password: 'pw' } });
    for (const nonce of ['', 'x', String(body['session'])]) {
      const answer = await open.request('POST', ADMIN, { body: { nonce, username: 'mona', password: 'pw', mac: mac(SECRET, nonce, 'mona', 'pw', 'notadmin') } });
      expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
    }
  });
});
