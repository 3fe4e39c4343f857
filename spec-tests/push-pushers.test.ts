import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { NOTIFY, pusher, pushingTo } from './push-gateway.js';
import { roomCalls, type RoomCalls } from './rooms-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers, #post_matrixclientv3pushersset
const gateway = { url: 'https://push.example.org' };
let shard: Shard;
let rooms: RoomCalls;
let alice: Person;
beforeAll(async () => {
  shard = await startShard(pushingTo(gateway));
  rooms = roomCalls(shard);
});
beforeEach(async () => {
  alice = await shard.register();
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

type Body = Readonly<Record<string, unknown>>;
const set = (person: Person, body: object, malformed = false): Promise<Answer<Body>> => rooms.call(person, 'POST', ['pushers', 'set'], body, { malformed });
const pushers = async (person: Person): Promise<readonly Body[]> => (await rooms.call<{ pushers: readonly Body[] }>(person, 'GET', ['pushers'])).body.pushers;
const keys = async (person: Person): Promise<readonly unknown[]> => (await pushers(person)).map(({ pushkey }) => pushkey);
const url = `${gateway.url}${NOTIFY}`;

describe('POST /pushers/set', () => {
  it('"allows the creation, modification and deletion of pushers for this user ID"', async () => {
    expect(await set(alice, pusher(gateway, 'one', { profile_tag: 'xyz' }))).toMatchObject({ status: 200, body: {} });
    const shown = {
      kind: 'http', app_id: 'org.example.app', pushkey: 'one', app_display_name: 'App', device_display_name: 'Telephone', lang: 'en', profile_tag: 'xyz',
      data: { url, format: 'event_id_only', brand: 'app' },
    };
    expect(await pushers(alice)).toEqual([shown]);
    await set(alice, pusher(gateway, 'one', { lang: 'fr', profile_tag: 'xyz' }));
    expect(await pushers(alice)).toEqual([{ ...shown, lang: 'fr' }]);
    expect((await set(alice, { kind: null, app_id: 'org.example.app', pushkey: 'one' })).status).toBe(200);
    expect(await pushers(alice)).toEqual([]);
    expect((await set(alice, { kind: null, app_id: 'org.example.app', pushkey: 'none' })).status).toBe(200);
  });

  it.each([[{}], [{ format: 'full' }]])('a push carries the id of an event and nothing of it, whatever format is asked for: %j (B11)', async (format) => {
    await set(alice, pusher(gateway, 'one', { data: { url, ...format } }), true);
    expect(await pushers(alice)).toMatchObject([{ data: { url, format: 'event_id_only' } }]);
  });

  it.each<readonly [string, object, number, string, boolean?]>([
    ['e-mail', { kind: 'email', app_id: 'm.email', pushkey: 'alice@example.org' }, 400, 'M_INVALID_PARAM'],
    ['another kind', { kind: 'pigeon' }, 400, 'M_INVALID_PARAM'],
    ['"Missing parameters"', { lang: undefined, data: undefined }, 400, 'M_MISSING_PARAM'],
    ['no url', { data: {} }, 400, 'M_MISSING_PARAM'],
    ['what is no url', { data: { url: 'push.example.org' } }, 400, 'M_INVALID_PARAM', true],
    ['another scheme', { data: { url: `ftp://push.example.org${NOTIFY}` } }, 400, 'M_INVALID_PARAM'],
    ['another path', { data: { url: 'https://push.example.org/' } }, 400, 'M_INVALID_PARAM'],
    ['a query', { data: { url: `${url}?x=1` } }, 400, 'M_INVALID_PARAM'],
    ['a password in the url', { data: { url: `https://a:b@push.example.org${NOTIFY}` } }, 400, 'M_INVALID_PARAM'],
    ['a pushkey of 513 bytes', { pushkey: 'x'.repeat(513) }, 400, 'M_BAD_JSON'],
    ['a pushkey of 257 letters in 514 bytes', { pushkey: 'ü'.repeat(257) }, 400, 'M_INVALID_PARAM'],
    ['an app_id of 65 letters', { app_id: 'x'.repeat(65) }, 400, 'M_BAD_JSON'],
    ['more data than goes with every push', { data: { url, blob: 'x'.repeat(5000) } }, 400, 'M_INVALID_PARAM'],
    ['a gateway the operator does not list', { data: { url: `https://matrix.org${NOTIFY}` } }, 403, 'M_FORBIDDEN'],
    ['a listed host at another port', { data: { url: `https://push.example.org:444${NOTIFY}` } }, 403, 'M_FORBIDDEN'],
    ['a listed host without encryption', { data: { url: `http://push.example.org${NOTIFY}` } }, 403, 'M_FORBIDDEN'],
  ])('refuses %s (B11)', async (_, change, status, errcode, malformed = false) => {
    expect(await set(alice, pusher(gateway, 'one', change), malformed)).toMatchObject({ status, body: { errcode } });
    expect(await pushers(alice)).toEqual([]);
  });

  it('"must remove any other pushers with the same App ID and pushkey for different users", unless append', async () => {
    const [bob, carol] = [await shard.register(), await shard.register()];
    await set(alice, pusher(gateway, 'shared'));
    await set(bob, pusher(gateway, 'shared', { append: true }));
    expect([await keys(alice), await keys(bob)]).toEqual([['shared'], ['shared']]);
    await set(carol, pusher(gateway, 'shared', { append: false }));
    expect([await keys(alice), await keys(bob), await keys(carol)]).toEqual([[], [], ['shared']]);
  });

  it('has an end', async () => {
    for (let n = 0; n < 50; n += 1) await set(alice, pusher(gateway, `key ${n}`));
    expect(await set(alice, pusher(gateway, 'one too many'))).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect((await set(alice, pusher(gateway, 'key 7', { lang: 'fr' }))).status).toBe(200);
    expect(await keys(alice)).toHaveLength(50);
  });
});

describe('a pusher dies with the session that set it (B11)', () => {
  it.each<readonly [string, (other: Person) => Promise<Answer<Body>>]>([
    ['logout', (other) => rooms.call(other, 'POST', ['logout'], {})],
    ['a log-in that uses the device again', ({ userId: user, password, deviceId: device_id }) =>
      rooms.call(alice, 'POST', ['login'], { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password, device_id })],
    ['a change of the password', () => withPassword('POST', ['account', 'password'], { new_password: 'another password of Alice' })],
    ['the deletion of the device', (other) => withPassword('DELETE', ['devices', other.deviceId], {})],
  ])('%s', async (_, end) => {
    const other = await shard.logIn(alice);
    await set(alice, pusher(gateway, 'stays'));
    await set(other, pusher(gateway, 'goes'));
    expect(await keys(alice)).toEqual(['stays', 'goes']);
    expect((await end(other)).status).toBe(200);
    expect(await keys(alice)).toEqual(['stays']);
  });

  const withPassword = (method: string, path: readonly string[], body: object) =>
    rooms.call(alice, method, path, { ...body, auth: { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.userId }, password: alice.password } });
});
