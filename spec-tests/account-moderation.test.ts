import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { registerAdministrator } from './administrators.js';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { sealed } from './sealed.js';

const CLIENT = '/_matrix/client';
const V3 = `${CLIENT}/v3`;
const SECRET = 'a secret of this test';
let shard: Shard;
let root: Person;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  shard = await startShard({ registration_shared_secret: SECRET });
  root = await registerAdministrator(shard, SECRET, 'root');
});
beforeEach(async () => {
  [alice, bob] = [await shard.register(), await shard.register()];
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

type Body = Readonly<Record<string, unknown>>;
const seen = (by: Person, what: 'lock' | 'suspend', userId: string): Promise<Answer<Body>> =>
  shard.request('GET', `${CLIENT}/v1/admin/${what}/${encodeURIComponent(userId)}`, { token: by.token });
const lock = (by: Person, userId: string, locked: boolean): Promise<Answer<Body>> =>
  shard.request('PUT', `${CLIENT}/v1/admin/lock/${encodeURIComponent(userId)}`, { token: by.token, body: { locked } });
const suspend = (by: Person, userId: string, suspended: boolean): Promise<Answer<Body>> =>
  shard.request('PUT', `${CLIENT}/v1/admin/suspend/${encodeURIComponent(userId)}`, { token: by.token, body: { suspended } });
const call = (who: Person, method: string, path: string, body?: object): Promise<Answer<Body>> =>
  shard.request(method, `${V3}/${path}`, { token: who.token, ...(body === undefined ? {} : { body }) });
const room = (roomId: string, rest: string): string => `rooms/${encodeURIComponent(roomId)}/${rest}`;
const LOCKED = { status: 401, body: { errcode: 'M_USER_LOCKED', soft_logout: true } };
const SUSPENDED = { status: 403, body: { errcode: 'M_USER_SUSPENDED' } };

describe('Server administration', () => {
  it('the user calling this endpoint MUST be a server admin: nobody else learns who exists', async () => {
    for (const ask of [(id: string) => seen(bob, 'lock', id), (id: string) => seen(bob, 'suspend', id), (id: string) => lock(bob, id, true), (id: string) => suspend(bob, id, true)]) {
      const [there, nowhere] = [await ask(alice.userId), await ask('@nobody:localhost')];
      expect(there).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      expect(nowhere.text).toBe(there.text);
    }
    expect((await call(alice, 'GET', 'account/whoami')).status).toBe(200);
  });

  it.each(['lock', 'suspend'] as const)('%s: 400 for another server’s, 404 for no account, 403 for another administrator', async (what) => {
    const set = what === 'lock' ? lock : suspend;
    const other = await registerAdministrator(shard, SECRET, `other-${what}`);
    for (const [userId, status, errcode] of [['@alice:elsewhere.example', 400, 'M_INVALID_PARAM'], ['@nobody:localhost', 404, 'M_NOT_FOUND'], [other.userId, 403, 'M_FORBIDDEN'], [root.userId, 403, 'M_FORBIDDEN']] as const) {
      expect(await seen(root, what, userId)).toMatchObject({ status, body: { errcode } });
      expect(await set(root, userId, true)).toMatchObject({ status, body: { errcode } });
    }
  });

  it('m.account_moderation is told to administrators, and omitted for others', async () => {
    expect((await call(root, 'GET', 'capabilities')).body).toMatchObject({ capabilities: { 'm.account_moderation': { lock: true, suspend: true } } });
    expect((await call(alice, 'GET', 'capabilities')).body['capabilities']).not.toHaveProperty(['m.account_moderation']);
  });

  it('whois: the devices of a user, told to an administrator or the user, and to nobody else', async () => {
    const whois = (by: Person, userId: string): Promise<Answer<Body>> => call(by, 'GET', `admin/whois/${encodeURIComponent(userId)}`);
    const expected = { user_id: alice.userId, devices: { [alice.deviceId]: { sessions: [{ connections: [{ ip: '127.0.0.1', last_seen: expect.any(Number) }] }] } } };
    expect((await whois(root, alice.userId)).body).toEqual(expected);
    expect((await whois(alice, alice.userId)).body).toEqual(expected);
    const agent = "Element Web on a stranger's computer";
    const { body: { device_id } } = await shard.request<{ device_id: string }>('POST', '/_matrix/client/v3/login', {
      body: { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.userId }, password: alice.password },
      headers: { 'user-agent': agent },
    });
    expect((await whois(root, alice.userId)).body).toMatchObject({ devices: { [device_id]: { sessions: [{ connections: [{ user_agent: agent }] }] } } });
    expect((await call(alice, 'GET', `devices/${device_id}`)).body).toMatchObject({ 'org.matrix.msc3852.last_seen_user_agent': agent });
    expect(await whois(bob, alice.userId)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect((await whois(root, '@nobody:localhost')).status).toBe(404);
  });
});

describe('Account locking', () => {
  it('a locked user gets 401 M_USER_LOCKED with soft_logout from the next request on, and all back when unlocked', async () => {
    expect((await seen(root, 'lock', alice.userId)).body).toEqual({ locked: false });
    expect(await lock(root, alice.userId, true)).toMatchObject({ status: 200, body: { locked: true } });
    expect((await seen(root, 'lock', alice.userId)).body).toEqual({ locked: true });
    for (const [method, path] of [['GET', 'account/whoami'], ['GET', 'sync'], ['POST', 'keys/query'], ['GET', 'devices']] as const) {
      expect(await call(alice, method, path, method === 'POST' ? { device_keys: {} } : undefined)).toMatchObject(LOCKED);
    }
    expect(await shard.request('POST', `${V3}/login`, { body: { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.userId }, password: alice.password } })).toMatchObject(LOCKED);
    await lock(root, alice.userId, false);
    expect((await call(alice, 'GET', 'account/whoami')).body).toMatchObject({ device_id: alice.deviceId });
  });

  it('ends the long polls of the locked user', async () => {
    const { body } = await call(alice, 'GET', 'sync');
    const poll = shard.request('GET', `${V3}/sync`, { token: alice.token, query: { since: String(body['next_batch']), timeout: 90_000 } });
    const started = performance.now();
    await lock(root, alice.userId, true);
    expect(await poll).toMatchObject(LOCKED);
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  it('all but POST /logout and POST /logout/all, which end the sessions as ever', async () => {
    const [tablet, phone] = [await shard.logIn(alice), await shard.logIn(alice)];
    await lock(root, alice.userId, true);
    expect((await call(tablet, 'POST', 'logout', {})).status).toBe(200);
    expect(await call(tablet, 'GET', 'account/whoami')).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    expect(await call(phone, 'GET', 'account/whoami')).toMatchObject(LOCKED);
    expect((await call(phone, 'POST', 'logout/all', {})).status).toBe(200);
    await lock(root, alice.userId, false);
    expect(await call(alice, 'GET', 'account/whoami')).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
  });
});

describe('Account suspension', () => {
  it('forbids joining, knocking, accepting or sending invites, sending messages, changing profile data, and writes nothing', async () => {
    const [theirs, own] = [await shard.createRoom(bob, []), await shard.createRoom(alice, [])];
    await call(bob, 'POST', room(theirs, 'invite'), { user_id: alice.userId });
    expect(await suspend(root, alice.userId, true)).toMatchObject({ status: 200, body: { suspended: true } });
    const before = shard.stored();
    for (const [method, path, body] of [
      ['POST', room(theirs, 'join'), {}],
      ['POST', `join/${encodeURIComponent(theirs)}`, {}],
      ['POST', `knock/${encodeURIComponent(theirs)}`, {}],
      ['POST', room(own, 'invite'), { user_id: bob.userId }],
      ['POST', room(own, 'ban'), { user_id: bob.userId }],
      ['POST', 'createRoom', {}],
      ['PUT', room(own, 'send/m.room.encrypted/t1'), sealed()],
      ['PUT', room(own, 'state/m.room.name/'), { name: 'x' }],
      ['PUT', `profile/${encodeURIComponent(alice.userId)}/displayname`, { displayname: 'x' }],
      ['PUT', `presence/${encodeURIComponent(alice.userId)}/status`, { presence: 'online', status_msg: 'x' }],
      ['PUT', room(own, `typing/${encodeURIComponent(alice.userId)}`), { typing: true }],
    ] as const) {
      expect([path, await call(alice, method, path, body)]).toEqual([path, expect.objectContaining({ status: 403, body: { errcode: 'M_USER_SUSPENDED', error: expect.any(String) } })]);
    }
    expect(shard.stored()).toEqual(before);
  });

  it('permits to log in, see messages, leave rooms and reject invites, redact one’s own events, log out', async () => {
    const [shared, invited] = [await shard.createRoom(bob, [alice]), await shard.createRoom(bob, [])];
    await call(bob, 'POST', room(invited, 'invite'), { user_id: alice.userId });
    const { body: mine } = await call(alice, 'PUT', room(shared, 'send/m.room.encrypted/t1'), sealed());
    await suspend(root, alice.userId, true);
    const again = await shard.logIn(alice);
    expect((await call(again, 'GET', 'sync')).status).toBe(200);
    expect((await call(again, 'GET', room(shared, 'messages?dir=b'))).status).toBe(200);
    expect((await call(again, 'PUT', room(shared, `redact/${encodeURIComponent(String(mine['event_id']))}/t2`), {})).status).toBe(200);
    expect([await call(again, 'POST', room(invited, 'leave'), {}), await call(again, 'POST', room(shared, 'leave'), {})].map(({ status }) => status)).toEqual([200, 200]);
    expect((await call(again, 'POST', 'logout', {})).status).toBe(200);
  });

  it('forbids redacting other users’ events, when permission is possible in a room, by either way', async () => {
    const own = await shard.createRoom(alice, [bob]);
    const { body: theirs } = await call(bob, 'PUT', room(own, 'send/m.room.encrypted/t1'), sealed());
    await suspend(root, alice.userId, true);
    const redacts = String(theirs['event_id']);
    expect(await call(alice, 'PUT', room(own, `redact/${encodeURIComponent(redacts)}/t2`), {})).toMatchObject(SUSPENDED);
    expect(await call(alice, 'PUT', room(own, 'send/m.room.redaction/t3'), { redacts })).toMatchObject(SUSPENDED);
    await suspend(root, alice.userId, false);
    expect((await call(alice, 'PUT', room(own, `redact/${encodeURIComponent(redacts)}/t4`), {})).status).toBe(200);
  });
});
