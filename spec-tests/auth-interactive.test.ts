import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';

interface Challenge {
  readonly session: string;
  readonly flows: readonly { readonly stages: readonly string[] }[];
  readonly completed?: readonly string[];
  readonly errcode?: string;
}

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;
let other: Person;
let third: Person;

beforeAll(async () => {
  shard = await startShard();
});
beforeEach(async () => {
  alice = await shard.register();
  [other, third] = [await shard.logIn(alice), await shard.logIn(alice)];
});
afterAll(async () => {
  await shard.stop();
});

const remove = (who: Person, deviceId: string, auth?: object): Promise<Answer<Challenge>> =>
  shard.request<Challenge>('DELETE', `${V3}/devices/${encodeURIComponent(deviceId)}`, { token: who.token, body: auth === undefined ? {} : { auth } });
const removeMany = (who: Person, devices: readonly string[], auth?: object): Promise<Answer<Challenge>> =>
  shard.request<Challenge>('POST', `${V3}/delete_devices`, { token: who.token, body: { devices, ...(auth === undefined ? {} : { auth }) } });
const password = (who: Person, session?: string): object =>
  ({ type: 'm.login.password', identifier: { type: 'm.id.user', user: who.userId }, password: who.password, ...(session === undefined ? {} : { session }) });
const isAlive = async ({ token }: Person): Promise<boolean> => (await shard.request('GET', `${V3}/account/whoami`, { token })).status === 200;

describe('User-interactive authentication API', () => {
  it('the first answer is 401 with flows, params and a session, and is no error', async () => {
    const { status, body } = await remove(alice, other.deviceId);
    expect([status, body]).toEqual([401, { session: expect.any(String), flows: [{ stages: ['m.login.password'] }], params: {}, completed: [] }]);
  });

  it('a password completes the request', async () => {
    const { body } = await remove(alice, other.deviceId);
    expect(await remove(alice, other.deviceId, password(alice, body.session))).toMatchObject({ status: 200, body: {} });
    expect(await isAlive(other)).toBe(false);
  });

  it('takes `user`, as clients sent before identifiers existed', async () => {
    const { body } = await remove(alice, other.deviceId);
    const auth = { type: 'm.login.password', user: alice.userId, password: alice.password, session: body.session };
    expect((await remove(alice, other.deviceId, auth)).status).toBe(200);
  });

  it('a failed attempt is 401 with an errcode and the same session, with which one may try again', async () => {
    const { body } = await remove(alice, other.deviceId);
    const wrong = await remove(alice, other.deviceId, { ...password(alice, body.session), password: 'wrong' });
    expect(wrong).toMatchObject({ status: 401, body: { errcode: 'M_FORBIDDEN', session: body.session, flows: [{ stages: ['m.login.password'] }] } });
    expect(await isAlive(other)).toBe(true);
    expect((await remove(alice, other.deviceId, password(alice, body.session))).status).toBe(200);
  });

  it('a session never completes another request: not another device, endpoint, or person', async () => {
    const { body } = await remove(alice, other.deviceId);
    const auth = password(alice, body.session);
    expect(await remove(alice, third.deviceId, auth)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await removeMany(alice, [other.deviceId], auth)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    const bob = await shard.register();
    expect((await remove(bob, other.deviceId, password(bob, body.session))).status).toBe(403);
    expect([await isAlive(other), await isAlive(third)]).toEqual([true, true]);
  });

  it('of many devices the session is for those named, in whatever order', async () => {
    const { body } = await removeMany(alice, [other.deviceId, third.deviceId]);
    expect((await removeMany(alice, [other.deviceId], password(alice, body.session))).status).toBe(403);
    expect((await removeMany(alice, [third.deviceId, other.deviceId], password(alice, body.session))).status).toBe(200);
    expect([await isAlive(other), await isAlive(third), await isAlive(alice)]).toEqual([false, false, true]);
  });

  it('a session of registration completes nothing else', async () => {
    const begun = await shard.request<Challenge>('POST', `${V3}/register`, { body: { username: 'not-yet', password: 'x' } });
    expect((await remove(alice, other.deviceId, password(alice, begun.body.session))).status).toBe(403);
    expect((await remove(alice, other.deviceId, { type: 'm.login.dummy', session: begun.body.session })).status).not.toBe(200);
    expect(await isAlive(other)).toBe(true);
  });

  it('another person’s password is not one’s own', async () => {
    const bob = await shard.register();
    const { body } = await remove(alice, other.deviceId);
    expect((await remove(alice, other.deviceId, password(bob, body.session))).status).toBe(403);
    const asAlice = { ...password(alice, body.session), password: bob.password };
    expect((await remove(alice, other.deviceId, asAlice)).status).toBe(401);
    expect(await isAlive(other)).toBe(true);
  });

  it('an unknown session begins anew, and an unknown stage is refused', async () => {
    const unknown = await remove(alice, other.deviceId, password(alice, 'no-such-session'));
    expect(unknown).toMatchObject({ status: 401, body: { errcode: 'M_FORBIDDEN', session: expect.not.stringMatching(/^no-such-session$/) } });
    for (const type of ['m.login.dummy', 'm.login.token', '']) {
      expect(await remove(alice, other.deviceId, { type })).toMatchObject({ status: 401, body: { errcode: 'M_UNRECOGNIZED' } });
    }
    expect(await isAlive(other)).toBe(true);
  });

  it('half a session is none: without a type it only asks again', async () => {
    const { body } = await remove(alice, other.deviceId);
    expect(await remove(alice, other.deviceId, { session: body.session })).toMatchObject({ status: 401, body: { session: body.session } });
  });
});

describe('Device management', () => {
  it('gets information about all devices of the user, and of nobody else', async () => {
    const bob = await shard.register();
    const { body } = await shard.request<{ devices: { device_id: string }[] }>('GET', `${V3}/devices`, { token: alice.token });
    expect(body.devices.map(({ device_id }) => device_id).sort()).toEqual([alice, other, third].map(({ deviceId }) => deviceId).sort());
    expect(await shard.request('GET', `${V3}/devices/${bob.deviceId}`, { token: alice.token })).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  });

  it('a device says when and from where it was last seen', async () => {
    const { body } = await shard.request('GET', `${V3}/devices/${alice.deviceId}`, { token: alice.token });
    expect(body).toMatchObject({ device_id: alice.deviceId, last_seen_ip: '127.0.0.1', last_seen_ts: expect.any(Number) });
  });

  it('updates the metadata on the given device', async () => {
    const path = `${V3}/devices/${other.deviceId}`;
    expect((await shard.request('PUT', path, { token: alice.token, body: { display_name: 'Tablet' } })).body).toEqual({});
    expect((await shard.request('PUT', path, { token: alice.token, body: {} })).status).toBe(200);
    expect((await shard.request('GET', path, { token: alice.token })).body).toMatchObject({ display_name: 'Tablet' });
    expect(await shard.request('PUT', `${V3}/devices/NONE`, { token: alice.token, body: { display_name: 'x' } })).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect((await shard.request('PUT', path, { token: alice.token, body: { display_name: 'x'.repeat(300) } })).status).toBe(400);
  });

  it('deletes the given device, and invalidates any access token associated with it; one that is not there, too', async () => {
    expect((await remove(alice, 'NONE', password(alice))).status).toBe(200);
    expect((await remove(alice, alice.deviceId, password(alice))).status).toBe(200);
    expect([await isAlive(alice), await isAlive(other)]).toEqual([false, true]);
  });

  it('deleting others’ devices deletes nothing', async () => {
    const bob = await shard.register();
    expect((await remove(bob, alice.deviceId, password(bob))).status).toBe(200);
    expect((await removeMany(bob, [alice.deviceId, bob.deviceId], password(bob))).status).toBe(200);
    expect([await isAlive(alice), await isAlive(bob)]).toEqual([true, false]);
  });

  it('deletes none of none', async () => {
    expect((await removeMany(alice, [], password(alice))).status).toBe(200);
    expect(await isAlive(alice)).toBe(true);
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
