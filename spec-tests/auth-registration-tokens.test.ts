import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Shard } from './harness.js';

const CLIENT = '/_matrix/client';
let shard: Shard;
let closed: Shard;

beforeAll(async () => {
  [shard, closed] = await Promise.all([
    startShard({ enable_registration_without_verification: false, registration_requires_token: true }),
    startShard({ enable_registration: false, registration_requires_token: true }),
  ]);
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await Promise.all([shard.stop(), closed.stop()]);
});

/** `cloison registration-token …` on the machine of the server; what it printed. */
async function operate(...args: readonly string[]): Promise<string> {
  const config = join(shard.folders[0] ?? '.', 'homeserver.yaml');
  const { stdout } = await promisify(execFile)(process.execPath, ['dist/main.js', 'registration-token', ...args, '--config', config], { env: { ...process.env, NODE_OPTIONS: '' } });
  return stdout.trim();
}

const register = (username: string, auth?: object): Promise<Answer<Record<string, unknown>>> =>
  shard.request('POST', `${CLIENT}/v3/register`, { body: { username, password: 'a good password', ...(auth === undefined ? {} : { auth }) } });
const withToken = (token: string, session?: string): object => ({ type: 'm.login.registration_token', token, ...(session === undefined ? {} : { session }) });
const isValid = async (token: string): Promise<unknown> =>
  (await shard.request('GET', `${CLIENT}/v1/register/m.login.registration_token/validity`, { query: { token } })).body['valid'];

describe('Token-authenticated registration', () => {
  it('the stage is m.login.registration_token, and the token completes it', async () => {
    const token = await operate('create');
    expect(token).toMatch(/^[A-Za-z0-9._~-]{1,64}$/);
    const asked = await register('anna');
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.registration_token'] }], session: expect.any(String) } });
    expect(await register('anna', withToken(token, String(asked.body['session'])))).toMatchObject({ status: 200, body: { user_id: '@anna:localhost' } });
  });

  it.each([[{ type: 'm.login.dummy' }, 'M_UNRECOGNIZED'], [withToken('invented'), 'M_FORBIDDEN'], [{ type: 'm.login.registration_token' }, 'M_FORBIDDEN']])(
    'nothing else completes it: %j', async (auth, errcode) => {
      expect(await register('berta', auth)).toMatchObject({ status: 401, body: { errcode, flows: [{ stages: ['m.login.registration_token'] }] } });
    });

  it('a token that may be used once makes one account, asked for twice at once too', async () => {
    const token = await operate('create', '--uses', '1');
    const both = await Promise.all(['carla', 'conny'].map((name) => register(name, withToken(token))));
    expect(both.map(({ status }) => status === 200).sort()).toEqual([false, true]);
    expect((await register('cilly', withToken(token))).status).toBe(401);
  });

  it('a name that is taken uses no token up, and nobody without one learns that it is', async () => {
    const token = await operate('create', '--uses', '1');
    expect((await register('anna')).status).toBe(401);
    expect(await shard.request('GET', `${CLIENT}/v3/register/available`, { query: { username: 'anna' } })).toMatchObject({ status: 200, body: { available: true } });
    expect(await register('anna', withToken(token))).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
    expect(await isValid(token)).toBe(true);
  });
});

describe('GET /register/m.login.registration_token/validity', () => {
  it('true if the token is still valid, false otherwise', async () => {
    const token = await operate('create', '--uses', '1', '--until', '2999-12-31');
    expect([await isValid(token), await isValid('invented'), await isValid('')]).toEqual([true, false, false]);
    await register('dora', withToken(token));
    expect(await isValid(token)).toBe(false);
  });

  it('403 M_FORBIDDEN: the homeserver does not permit registration', async () => {
    const path = `${CLIENT}/v1/register/m.login.registration_token/validity`;
    expect(await closed.request('GET', path, { query: { token: 'x' } })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });
});

describe('cloison registration-token', () => {
  it('lists what was made, without the tokens, and takes one back', async () => {
    const token = await operate('create', '--uses', '3', '--until', '2999-12-31');
    const line = (await operate('list')).split('\n').at(-1) ?? '';
    expect(line).toMatch(/^\d+ {2}used 0 of 3 {2}until 2999-12-31T23:59Z {2}made by \S+@\S+ on \S+Z$/);
    expect(line).not.toContain(token);
    const [id = ''] = line.split(' ');
    expect(await operate('revoke', '--id', id)).toBe(`Nobody registers with token ${id} any more.`);
    expect(await isValid(token)).toBe(false);
    await expect(operate('revoke', '--id', id)).rejects.toThrow('There is no such registration token');
  });

  it.each([['--uses', '0'], ['--uses', 'many'], ['--until', '2001-01-01'], ['--until', 'soon']])('refuses %s %s', async (...args) => {
    await expect(operate('create', ...args)).rejects.toThrow('cloison registration-token create');
  });
});
