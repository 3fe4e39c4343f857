import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { directoryCalls } from './directory-calls.js';
import { startShard, type Answer, type Person, type Shard } from './harness.js';

const CLIENT = '/_matrix/client';
let shard: Shard;
let alice: Person;

beforeAll(async () => {
  shard = await startShard();
  alice = await shard.register();
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const ask = (method: string, path: string, token?: string, body?: object): Promise<Answer<Readonly<Record<string, unknown>>>> =>
  shard.request(method, path, { token, ...(method === 'GET' ? {} : { body: body ?? {} }), malformed: true });

describe('Adding account administrative contact information', () => {
  it('GET /account/3pid: the address the operator gave to the account, and to no other', async () => {
    const bob = await shard.register();
    const threepids = async (who: Person): Promise<unknown> => (await ask('GET', `${CLIENT}/v3/account/3pid`, who.token)).body['threepids'];
    expect(await threepids(alice)).toEqual([]);
    await directoryCalls(shard).operate('set-email', '--user', alice.userId, '--email', 'Alice@Service.Example.FR');
    expect(await threepids(alice)).toEqual([{ medium: 'email', address: 'alice@service.example.fr', validated_at: expect.any(Number), added_at: expect.any(Number) }]);
    expect(await threepids(bob)).toEqual([]);
    expect((await ask('GET', `${CLIENT}/v3/capabilities`, alice.token)).body).toMatchObject({ capabilities: { 'm.3pid_changes': { enabled: false } } });
  });

  it('nothing is bound to an identity server, so nothing is unbound (D10)', async () => {
    const answer = await shard.request('POST', `${CLIENT}/v3/account/3pid/unbind`, { token: alice.token, body: { medium: 'email', address: 'a@b.example' } });
    expect(answer).toMatchObject({ status: 200, body: { id_server_unbind_result: 'no-support' } });
  });
});

describe('What the specification has and this server refuses', () => {
  it.each([
    ['POST', '/v3/account/3pid', 403, 'M_FORBIDDEN'],
    ['POST', '/v3/account/3pid/add', 403, 'M_FORBIDDEN'],
    ['POST', '/v3/account/3pid/bind', 403, 'M_FORBIDDEN'],
    ['POST', '/v3/account/3pid/delete', 403, 'M_FORBIDDEN'],
    ['PUT', '/v3/directory/list/appservice/irc/%21r%3Alocalhost', 403, 'M_FORBIDDEN'],
    ['POST', '/v1/appservice/irc/ping', 403, 'M_FORBIDDEN'],
    ['GET', '/v3/thirdparty/protocol/irc', 404, 'M_NOT_FOUND'],
    ['GET', '/v3/thirdparty/location', 404, 'M_NOT_FOUND'],
    ['GET', '/v3/thirdparty/user', 404, 'M_NOT_FOUND'],
  ] as const)('%s %s, to those who are logged in, and writes nothing', async (method, path, status, errcode) => {
    const before = shard.stored();
    expect(await ask(method, CLIENT + path, alice.token)).toMatchObject({ status, body: { errcode, error: expect.any(String) } });
    expect(await ask(method, CLIENT + path)).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
    expect(shard.stored()).toEqual(before);
  });

  it.each([
    ['POST', `${CLIENT}/v3/account/3pid/email/requestToken`, 403, 'M_THREEPID_DENIED'],
    ['POST', `${CLIENT}/v3/account/3pid/msisdn/requestToken`, 400, 'M_THREEPID_MEDIUM_NOT_SUPPORTED'],
    ['POST', `${CLIENT}/v3/account/password/email/requestToken`, 403, 'M_FORBIDDEN'],
    ['POST', `${CLIENT}/v3/account/password/msisdn/requestToken`, 400, 'M_THREEPID_MEDIUM_NOT_SUPPORTED'],
    ['POST', `${CLIENT}/v3/register/email/requestToken`, 403, 'M_FORBIDDEN'],
    ['POST', `${CLIENT}/v3/register/msisdn/requestToken`, 400, 'M_THREEPID_MEDIUM_NOT_SUPPORTED'],
    ['GET', `${CLIENT}/v3/login/sso/redirect/proconnect`, 404, 'M_NOT_FOUND'],
    ['GET', '/.well-known/matrix/policy_server', 404, 'M_NOT_FOUND'],
  ] as const)('%s %s, to everybody alike', async (method, path, status, errcode) => {
    const known = await ask(method, path, undefined, { email: 'alice@service.example.fr', client_secret: 'x', send_attempt: 1 });
    expect(known).toMatchObject({ status, body: { errcode, error: expect.any(String) } });
    expect((await ask(method, path, undefined, { email: 'nobody@service.example.fr', client_secret: 'x', send_attempt: 1 })).text).toBe(known.text);
  });

  it.each([
    ['GET', '/v1/auth_metadata'], ['POST', '/v1/login/get_token'], ['GET', '/v3/login/sso/redirect'], ['GET', '/v3/events'], ['GET', '/v3/initialSync'],
    ['GET', '/v3/events/%24x'], ['GET', '/v3/rooms/%21r%3Alocalhost/initialSync'], ['GET', '/v1/media/preview_url'],
  ] as const)('%s %s is not there: 404 M_UNRECOGNIZED, by which clients find out; with another method 405', async (method, path) => {
    for (const token of [alice.token, undefined]) expect(await ask(method, CLIENT + path, token)).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
    expect(await ask('PUT', CLIENT + path, alice.token)).toMatchObject({ status: 405, body: { errcode: 'M_UNRECOGNIZED' } });
  });

  it('no network is bridged: no protocols, nobody, nowhere (D10)', async () => {
    expect((await ask('GET', `${CLIENT}/v3/thirdparty/protocols`, alice.token)).body).toEqual({});
    for (const what of ['user', 'location']) expect(await ask('GET', `${CLIENT}/v3/thirdparty/${what}/irc`, alice.token)).toMatchObject({ status: 200, text: '[]' });
  });
});
