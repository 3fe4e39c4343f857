import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';

const KEYS = '/_matrix/client/v3/room_keys';
let shard: Shard;
let alice: Person;

beforeAll(async () => {
  shard = await startShard();
});
beforeEach(async () => {
  alice = await shard.register();
});
afterAll(async () => {
  await shard.stop();
});

interface Stored {
  readonly etag: string;
  readonly count: number;
}
const call = <Body = Record<string, unknown>>(method: string, path: string, body?: object, query?: Record<string, string>, who = alice): Promise<Answer<Body>> =>
  shard.request<Body>(method, `${KEYS}/${path}`, { token: who.token, ...(body && { body }), ...(query && { query }) });

const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2';
const authData = { public_key: 'abc', signatures: { '@a:b': { 'ed25519:X': 'sig' } } };
const create = async (): Promise<string> => (await call<{ version: string }>('POST', 'version', { algorithm, auth_data: authData })).body.version;
const key = (index: number, more: object = {}): object =>
  ({ first_message_index: index, forwarded_count: 0, is_verified: false, session_data: { ciphertext: `c${index}`, mac: 'm', ephemeral: 'e' }, ...more });
const [ROOM, OTHER] = ['!room:localhost', '!other:localhost'];
const path = (...parts: readonly string[]): string => ['keys', ...parts.map(encodeURIComponent)].join('/');

describe('Server-side key backups: versions', () => {
  it('without a backup the answer is 404 M_NOT_FOUND', async () => {
    expect(await call('GET', 'version')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect(await call('GET', 'version/1')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  });

  it('creates a new backup, whose version, etag and count have the types clients insist on', async () => {
    const version = await create();
    expect(version).toEqual(expect.any(String));
    const expected = { version, algorithm, auth_data: authData, etag: expect.any(String), count: 0 };
    expect((await call('GET', 'version')).body).toEqual(expected);
    expect((await call('GET', `version/${version}`)).body).toEqual(expected);
  });

  it('a new one is the current one; when it is deleted the one before is, and at last none', async () => {
    const [first, second] = [await create(), await create()];
    expect(Number(second)).toBeGreaterThan(Number(first));
    expect((await call('DELETE', `version/${second}`)).body).toEqual({});
    expect((await call('GET', 'version')).body).toMatchObject({ version: first });
    expect((await call('GET', `version/${second}`)).status).toBe(404);
    await call('DELETE', `version/${first}`);
    expect(await call('GET', 'version')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect((await call('DELETE', `version/${first}`)).status).toBe(200);
    expect(await call('DELETE', 'version/999')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect(Number(await create())).toBeGreaterThan(Number(second));
  });

  it('updates information about an existing backup, never its algorithm', async () => {
    const version = await create();
    const changed = { ...authData, more: 1 };
    expect((await call('PUT', `version/${version}`, { algorithm, auth_data: changed, version })).body).toEqual({});
    expect((await call('GET', 'version')).body).toMatchObject({ auth_data: changed });
    for (const body of [{ algorithm: 'another', auth_data: authData }, { algorithm, auth_data: authData, version: 'x' }]) {
      expect(await call('PUT', `version/${version}`, body)).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    }
    expect((await call('PUT', 'version/999', { algorithm, auth_data: authData })).status).toBe(404);
  });

  it('another person’s backup does not exist', async () => {
    const bob = await shard.register();
    const version = await create();
    for (const [method, target, body] of [['GET', `version/${version}`, undefined], ['PUT', `version/${version}`, { algorithm, auth_data: {} }], ['DELETE', `version/${version}`, undefined]] as const) {
      expect((await call(method, target, body, undefined, bob)).status).toBe(404);
    }
    expect((await call('PUT', 'keys', { rooms: {} }, { version }, bob)).status).toBe(404);
    expect((await call('GET', 'keys', undefined, { version }, bob)).status).toBe(404);
  });
});

describe('Server-side key backups: keys', () => {
  it('stores several keys, of a room, or one, and counts them', async () => {
    const query = { version: await create() };
    const all = await call<Stored>('PUT', path(), { rooms: { [ROOM]: { sessions: { s1: key(1), s2: key(2) } } } }, query);
    expect(all.body).toEqual({ etag: expect.any(String), count: 2 });
    expect((await call<Stored>('PUT', path(ROOM), { sessions: { s3: key(3) } }, query)).body.count).toBe(3);
    const one = await call<Stored>('PUT', path(OTHER, 's/4+='), key(4), query);
    expect(one.body.count).toBe(4);
    expect(one.body.etag).not.toBe(all.body.etag);
    expect((await call('GET', 'version')).body).toMatchObject(one.body);
  });

  it('retrieves them likewise, as they were', async () => {
    const query = { version: await create() };
    const rooms = { [ROOM]: { sessions: { s1: key(1), s2: key(2) } }, [OTHER]: { sessions: { s3: key(3) } } };
    await call('PUT', path(), { rooms }, query);
    expect((await call('GET', path(), undefined, query)).body).toEqual({ rooms });
    expect((await call('GET', path(ROOM), undefined, query)).body).toEqual(rooms[ROOM]);
    expect((await call('GET', path(OTHER, 's3'), undefined, query)).body).toEqual(key(3));
  });

  it('what was never stored: empty objects for all and for a room, 404 M_NOT_FOUND for one', async () => {
    const query = { version: await create() };
    expect((await call('GET', path(), undefined, query)).body).toEqual({ rooms: {} });
    expect((await call('GET', path(ROOM), undefined, query)).body).toEqual({ sessions: {} });
    expect(await call('GET', path(ROOM, 's1'), undefined, query)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    for (const target of [path(), path(ROOM), path(ROOM, 's1')]) expect((await call('GET', target, undefined, { version: '999' })).status).toBe(404);
  });

  it.each([
    ['is_verified', key(5), key(9, { is_verified: true })],
    ['first_message_index', key(5), key(4)],
    ['forwarded_count', key(5, { forwarded_count: 3 }), key(5, { forwarded_count: 2 })],
  ])('a key is replaced by a better one, and never by a worse, in this order: %s', async (_, worse, better) => {
    const query = { version: await create() };
    for (const [first, second] of [[worse, better], [better, worse]] as const) {
      await call('DELETE', path(), undefined, query);
      await call('PUT', path(ROOM, 's1'), first, query);
      const before = (await call<Stored>('GET', 'version')).body.etag;
      const { body } = await call<Stored>('PUT', path(ROOM, 's1'), second, query);
      expect((await call('GET', path(ROOM, 's1'), undefined, query)).body).toEqual(better);
      expect([body.count, body.etag === before]).toEqual([1, second === worse]);
    }
  });

  it('deletes one, a room’s, or all, and only these', async () => {
    const query = { version: await create() };
    await call('PUT', path(), { rooms: { [ROOM]: { sessions: { s1: key(1), s2: key(2) } }, [OTHER]: { sessions: { s3: key(3), s4: key(4) } } } }, query);
    expect((await call<Stored>('DELETE', path(ROOM, 's1'), undefined, query)).body).toEqual({ etag: expect.any(String), count: 3 });
    expect((await call<Stored>('DELETE', path(OTHER), undefined, query)).body.count).toBe(1);
    expect((await call('GET', path(), undefined, query)).body).toEqual({ rooms: { [ROOM]: { sessions: { s2: key(2) } } } });
    expect((await call<Stored>('DELETE', path(), undefined, query)).body.count).toBe(0);
    expect((await call('DELETE', path(ROOM, 'none'), undefined, query)).status).toBe(200);
  });

  it('M_WRONG_ROOM_KEYS_VERSION with the current version: a device that writes into an older backup', async () => {
    const [old, current] = [await create(), await create()];
    for (const [target, body] of [[path(), { rooms: {} }], [path(ROOM), { sessions: { s: key(1) } }], [path(ROOM, 's'), key(1)]] as const) {
      expect(await call('PUT', target, body, { version: old })).toMatchObject({ status: 403, body: { errcode: 'M_WRONG_ROOM_KEYS_VERSION', current_version: current } });
      expect((await call('GET', target.endsWith('s') ? path(ROOM) : target, undefined, { version: old })).status).toBe(200);
    }
  });

  it('a request without a version is M_MISSING_PARAM', async () => {
    await create();
    for (const method of ['GET', 'DELETE']) expect(await call(method, path())).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
    expect(await call('PUT', path(), { rooms: {} })).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
  });

  it.each([[{ first_message_index: -1 }], [{ first_message_index: 1.5 }], [{ is_verified: 'yes' }], [{ session_data: 'x' }], [{ forwarded_count: 2 ** 53 }]])('refuses a key with %j', async (wrong) => {
    const query = { version: await create() };
    const call400 = { token: alice.token, query, body: { ...key(1), ...wrong }, malformed: true };
    expect(await shard.request('PUT', `${KEYS}/${path(ROOM, 's')}`, call400)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect((await call('GET', path(), undefined, query)).body).toEqual({ rooms: {} });
  });

  it('takes a backup of thousands of keys at once, and gives it back whole', async () => {
    const query = { version: await create() };
    const sessions = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`session-${i}`, key(i, { session_data: { ciphertext: 'x'.repeat(800), mac: 'm', ephemeral: 'e' } })]));
    expect((await call<Stored>('PUT', path(ROOM), { sessions }, query)).body.count).toBe(5000);
    expect((await call('GET', path(ROOM), undefined, query)).body).toEqual({ sessions });
  });

  it('many devices write at once: all keys are there, and the etag has moved', async () => {
    const query = { version: await create() };
    const counts = await Promise.all(Array.from({ length: 10 }, async (_, i) => (await call<Stored>('PUT', path(ROOM, `s${i}`), key(i), query)).body.count));
    expect(counts.sort((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, i) => i + 1));
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
