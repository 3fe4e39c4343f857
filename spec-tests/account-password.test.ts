import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';

const V3 = '/_matrix/client/v3';
const NEW = 'ihatebananas';
let shard: Shard;
let alice: Person;
let other: Person;

beforeAll(async () => {
  shard = await startShard();
});
beforeEach(async () => {
  alice = await shard.register();
  other = await shard.logIn(alice);
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const proof = ({ userId, password }: Person): object => ({ type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, password });
const change = ({ token }: Person, body: object): Promise<Answer<Record<string, unknown>>> => shard.request('POST', `${V3}/account/password`, { token, body });
const isAlive = async ({ token }: Person): Promise<boolean> => (await shard.request('GET', `${V3}/account/whoami`, { token })).status === 200;
const logInWith = ({ userId }: Person, password: string): Promise<Answer<object>> =>
  shard.request('POST', `${V3}/login`, { body: { type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, password } });

describe('POST /account/password', () => {
  it('changes the password for an account: the new one logs in, the old one does not', async () => {
    expect(await change(alice, { new_password: NEW, auth: proof(alice) })).toMatchObject({ status: 200, body: {} });
    expect(await logInWith(alice, alice.password)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect((await logInWith(alice, NEW)).status).toBe(200);
  });

  it('this API endpoint uses the User-Interactive Authentication API; without proof nothing changes', async () => {
    expect(await change(alice, { new_password: NEW })).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }], session: expect.any(String) } });
    expect(await change(alice, { new_password: NEW, auth: { ...proof(alice), password: NEW } })).toMatchObject({ status: 401, body: { errcode: 'M_FORBIDDEN' } });
    expect((await logInWith(alice, alice.password)).status).toBe(200);
    expect(await isAlive(other)).toBe(true);
  });

  it('the homeserver SHOULD NOT revoke the access token provided in the request; other sessions end by default', async () => {
    await change(alice, { new_password: NEW, auth: proof(alice) });
    expect([await isAlive(alice), await isAlive(other)]).toEqual([true, false]);
    const { body } = await shard.request<{ devices: object[] }>('GET', `${V3}/devices`, { token: alice.token });
    expect(body.devices).toHaveLength(1);
  });

  it('`logout_devices`: false keeps the user’s other access tokens and their devices', async () => {
    expect((await change(alice, { new_password: NEW, logout_devices: false, auth: proof(alice) })).status).toBe(200);
    expect([await isAlive(alice), await isAlive(other)]).toEqual([true, true]);
  });

  it('ends the long polls of the sessions it revokes', async () => {
    const { body } = await shard.request<{ next_batch: string }>('GET', `${V3}/sync`, { token: other.token });
    const poll = shard.request('GET', `${V3}/sync`, { token: other.token, query: { since: body.next_batch, timeout: 90_000 } });
    const started = performance.now();
    await change(alice, { new_password: NEW, auth: proof(alice) });
    expect(await poll).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  it('a proof given for another request proves nothing here', async () => {
    const begun = await shard.request('DELETE', `${V3}/devices/${other.deviceId}`, { token: alice.token, body: {} });
    expect((await change(alice, { new_password: NEW, auth: { ...proof(alice), session: begun.body['session'] } })).status).toBe(403);
  });

  it.each(['', 'x'.repeat(513)])('refuses a password that would be none, and one beyond all measure', async (new_password) => {
    expect((await change(alice, { new_password, auth: proof(alice) })).status).toBe(400);
  });

  it('`m.change_password` is enabled, and nobody changes it without a token', async () => {
    const { body } = await shard.request<{ capabilities: object }>('GET', `${V3}/capabilities`, { token: alice.token });
    expect(body.capabilities).toMatchObject({ 'm.change_password': { enabled: true } });
    expect(await shard.request('POST', `${V3}/account/password`, { body: { new_password: NEW } })).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
  });
});
