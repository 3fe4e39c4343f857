import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { directoryCalls, type DirectoryCalls } from './directory-calls.js';
import { startShard, type Person, type Shard } from './harness.js';

// https://spec.matrix.org/v1.19/client-server-api/#user-directory
let shard: Shard;
let directory: DirectoryCalls;
let alice: Person;
let bob: Person;
let eve: Person;
beforeAll(async () => {
  shard = await startShard({ cloison: { introductions: { per_day: 3, per_week: 4 } } });
  directory = directoryCalls(shard);
  [alice, bob, eve] = [await shard.register('alice-1'), await shard.register('bob-2'), await shard.register('eve-3')];
  await directory.rename(bob, 'Robert Étienne');
  await shard.createRoom(bob, [alice]);
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const path = '/_matrix/client/v3/user_directory/search';

describe('searching the user directory', () => {
  it('"users that share a room with the requesting user", "case-insensitively on user IDs and display names"', async () => {
    for (const term of ['bob', 'BOB-2', '@bob', 'robert', 'ÉTIENNE', 'ert ét']) {
      expect((await directory.search(alice, term)).body).toEqual({ limited: false, results: [{ user_id: bob.userId, display_name: 'Robert Étienne' }] });
    }
  });

  it('D1: is never said to be limited, gives at most ten, and nothing for nothing', async () => {
    for (const limit of [-1, 0, 1, 10, 11, 1_000_000]) expect((await directory.search(alice, 'b', limit)).body).toMatchObject({ limited: false, results: [{ user_id: bob.userId }] });
    expect((await directory.search(alice, '')).body).toEqual({ limited: false, results: [] });
  });

  it('D1: shows nobody to strangers by their name, nor by a part of their id', async () => {
    for (const term of ['robert', 'Robert Étienne', 'bob', 'bob-2', '@bob-2', '@bob-2:', '@bob-2:localhos', '%', '_']) {
      expect([term, await directory.found(eve, term)]).toEqual([term, []]);
    }
  });

  it('needs a token, a term and a body that is one', async () => {
    expect(await shard.request('POST', path, { body: { search_term: 'bob' } })).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
    for (const body of [{}, { search_term: 3 }, { search_term: 'a\0b' }, { search_term: 'bob', limit: 'ten' }, { search_term: 'bob', limit: 1.5 }]) {
      expect([body, await shard.request('POST', path, { token: alice.token, body, malformed: true })]).toMatchObject([body, { status: 400, body: { errcode: 'M_BAD_JSON' } }]);
    }
    expect(await shard.request('GET', path, { token: alice.token })).toMatchObject({ status: 405 });
    expect(await shard.request('POST', path.replace('v3', 'r0'), { token: alice.token, body: { search_term: 'bob' } })).toMatchObject({ status: 200, body: { results: [{ user_id: bob.userId }] } });
  });

  it('D2: finds somebody new by the whole id only, as many a day as the budget has, whether they exist or not', async () => {
    expect((await directory.search(eve, bob.userId)).body).toEqual({ limited: false, results: [{ user_id: bob.userId, display_name: 'Robert Étienne' }] });
    for (const name of ['@nobody:localhost', '@no.one:localhost']) expect((await directory.search(eve, name)).body).toEqual({ limited: false, results: [] });
    for (const name of [alice.userId, '@none:localhost']) {
      const refusal = await directory.search(eve, name);
      expect(refusal).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) } });
      expect(Number(refusal.headers['retry-after'])).toBeGreaterThan(86_000);
    }
    expect(await directory.found(eve, bob.userId)).toEqual([bob.userId]);
    expect(await directory.found(eve, 'robert')).toEqual([bob.userId]);
  });

  it('D2: keeps count over a power cut', async () => {
    await shard.crash();
    expect(await directory.search(eve, '@none:localhost')).toMatchObject({ status: 429 });
    expect(await directory.found(eve, bob.userId)).toEqual([bob.userId]);
    expect(await directory.found(alice, '@nobody:localhost')).toEqual([]);
  });
});

describe('mutual rooms', () => {
  const mutual = (person: Person, userId: string, at = '/_matrix/client/v1/mutual_rooms') => shard.request<{ joined: string[] }>('GET', at, { token: person.token, query: { user_id: userId } });

  it('"a list of room IDs where both the authenticated user and user_id have a membership of type join"', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    await shard.createRoom(alice, [], { invite: [bob.userId] });
    const { status, body } = await mutual(alice, bob.userId);
    expect([status, body]).toEqual([200, { joined: expect.arrayContaining([roomId]), count: 2 }]);
    expect((await mutual(bob, alice.userId, '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms')).body).toEqual(body);
  });

  it('D6: none with strangers, as with nobody', async () => {
    const [stranger, nobody] = [await mutual(eve, alice.userId), await mutual(eve, '@nobody:localhost')];
    expect(stranger.body).toEqual({ joined: [], count: 0 });
    expect(stranger.text).toBe(nobody.text);
  });

  it('"user_id parameter was missing, non-compliant, or was the sender\'s own user ID"', async () => {
    expect(await mutual(alice, alice.userId)).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect(await shard.request('GET', '/_matrix/client/v1/mutual_rooms', { token: alice.token, malformed: true })).toMatchObject({ status: 400 });
    expect(await shard.request('GET', '/_matrix/client/v1/mutual_rooms', { token: alice.token, query: { user_id: 'bob' }, malformed: true })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect(await shard.request('GET', '/_matrix/client/v1/mutual_rooms', { token: alice.token, query: { user_id: bob.userId, from: 'x' } })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });
});
