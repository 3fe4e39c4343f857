import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { directoryCalls, type DirectoryCalls } from './directory-calls.js';
import { startShard, type Person, type Shard } from './harness.js';

// What operators say about people with `cloison user`: RULES D2.
let shard: Shard;
let directory: DirectoryCalls;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  shard = await startShard({ cloison: { introductions: { per_day: 1, per_week: 1 }, max_room_members: 2 } });
  directory = directoryCalls(shard);
  [alice, bob] = [await shard.register(), await shard.register()];
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const localpart = ({ userId }: Person) => userId.slice(1, userId.indexOf(':'));
const failing = (...args: readonly string[]) => expect(directory.operate(...args)).rejects;
const admin = (deed: string, body: object) => shard.request('POST', `/_synapse/admin/cloison/v1/${deed}`, { body });

describe('the operator', () => {
  it('gives an account its address, and takes it away; the person cannot', async () => {
    expect(await directory.operate('set-email', '--user', localpart(bob), '--email', 'Bob.Dylan@Service.Example.FR')).toBe(`${bob.userId} is found by Bob.Dylan@Service.Example.FR.`);
    expect(await directory.found(alice, 'bob.dylan@service.example.fr')).toEqual([bob.userId]);
    await failing('set-email', '--user', alice.userId, '--email', 'bob.dylan@service.example.fr').toThrow('Another account has that address');
    await failing('set-email', '--user', alice.userId, '--email', 'bob').toThrow('not a whole e-mail address');
    await failing('set-email', '--user', 'nobody', '--email', 'nobody@service.example.fr').toThrow('There is no such account');
    expect(await directory.operate('set-email', '--user', bob.userId, '--remove')).toBe(`${bob.userId} has no address any more.`);
    expect(await directory.found(alice, 'bob.dylan@service.example.fr')).toEqual([]);
  });

  it('lets one account look for more people until a day, whom the record names', async () => {
    expect(await directory.search(alice, '@u1:localhost')).toMatchObject({ status: 429 });
    await failing('introductions', '--user', alice.userId, '--per-day', '3', '--until', '2001-01-01').toThrow('within a year');
    await failing('introductions', '--user', alice.userId, '--per-day', '3', '--until', '9999-01-01').toThrow('within a year');
    await failing('introductions', '--user', alice.userId, '--per-day', 'many', '--until', '2001-01-01').toThrow('--per-day');
    const until = new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10);
    expect(await directory.operate('introductions', '--user', alice.userId, '--per-day', '3', '--until', until)).toBe(`${alice.userId} may look for 3 new people a day until ${until}.`);
    expect((await directory.search(alice, '@u1:localhost')).status).toBe(200);
    expect((await directory.search(alice, '@u2:localhost')).status).toBe(200);
    expect((await directory.search(alice, '@u3:localhost')).status).toBe(429);
    expect(shard.stored()['introduction_allowances']).toMatch(/^1 rows/);
  });

  it('is obeyed only with the secret, and each order once', async () => {
    const { body: { nonce } } = await shard.request('GET', '/_synapse/admin/cloison/v1/nonce');
    const body = { nonce, by: 'eve', user: bob.userId, hidden: true, mac: '0'.repeat(64) };
    expect(await admin('set_hidden', body)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await admin('set_hidden', { ...body, nonce: 'another' })).toMatchObject({ status: 400 });
    expect(await admin('set_hidden', { ...body, mac: 'x' })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(shard.stored()['hidden_users']).toMatch(/^0 rows/);
    const { body: { nonce: other } } = await shard.request('GET', '/_synapse/admin/v1/register');
    expect(await admin('set_hidden', { ...body, nonce: other })).toMatchObject({ status: 400 });
  });

  it('D8: bounds the size of rooms', async () => {
    const carol = await shard.register();
    const roomId = await shard.createRoom(bob, [alice]);
    await directory.operate('introductions', '--user', bob.userId, '--per-day', '9', '--until', new Date(Date.now() + 86_400_000).toISOString().slice(0, 10));
    const at = (deed: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${deed}`;
    expect(await shard.request('POST', at('invite'), { token: bob.token, body: { user_id: carol.userId } })).toMatchObject({ status: 200 });
    expect(await shard.request('POST', at('join'), { token: carol.token, body: {} })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    await shard.request('POST', at('leave'), { token: alice.token, body: {} });
    expect(await shard.request('POST', at('join'), { token: carol.token, body: {} })).toMatchObject({ status: 200 });
  });
});
