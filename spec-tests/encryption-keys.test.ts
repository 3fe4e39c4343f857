import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { crossSigningKey, deviceKeys, newKey, oneTimeKeys, signed, type Json, type Signed, type TestKey } from './keys.js';

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;
let bob: Person;
let stranger: Person;
let aliceKey: TestKey;
let bobKey: TestKey;

beforeAll(async () => {
  shard = await startShard();
});
beforeEach(async () => {
  [alice, bob, stranger] = await Promise.all([shard.register(), shard.register(), shard.register()]) as [Person, Person, Person];
  await shard.createRoom(alice, [bob]);
  [aliceKey, bobKey] = [newKey(alice.deviceId), newKey(bob.deviceId)];
});
afterAll(async () => {
  await shard.stop();
});

type Maps = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Signed>>>>>>;
const post = <Body = Json>(who: Person, path: string, body: object): Promise<Answer<Body>> => shard.request<Body>('POST', `${V3}/keys/${path}`, { token: who.token, body });
const upload = (who: Person, body: object) => post<{ one_time_key_counts: Record<string, number> }>(who, 'upload', body);
const query = async (who: Person, ...users: readonly string[]): Promise<Maps> =>
  (await post<Maps>(who, 'query', { device_keys: Object.fromEntries(users.map((id) => [id, []])) })).body;
const claim = async (who: Person, of: Person, algorithm = 'signed_curve25519'): Promise<Json> => {
  const { body } = await post<{ one_time_keys: Record<string, Record<string, Json>> }>(who, 'claim', { one_time_keys: { [of.userId]: { [of.deviceId]: algorithm } } });
  return body.one_time_keys[of.userId]?.[of.deviceId] ?? {};
};
const since = async (who: Person): Promise<string> => (await shard.longPoll(who, undefined, () => true)).next_batch;

describe('POST /keys/upload and /keys/query', () => {
  it('publishes end-to-end encryption keys for the device, and returns them to who shares a room', async () => {
    await shard.request('PUT', `${V3}/devices/${alice.deviceId}`, { token: alice.token, body: { display_name: 'Phone' } });
    const keys = deviceKeys(alice, aliceKey);
    expect((await upload(alice, { device_keys: keys })).body).toEqual({ one_time_key_counts: { signed_curve25519: 0 } });
    const { device_keys: found } = await query(bob, alice.userId);
    expect(found?.[alice.userId]?.[alice.deviceId]).toEqual({ ...keys, unsigned: { device_display_name: 'Phone' } });
  });

  it('device keys of another user or device are refused', async () => {
    for (const keys of [deviceKeys(bob, aliceKey), deviceKeys({ ...alice, deviceId: 'OTHER' }, newKey('OTHER'))]) {
      expect(await upload(alice, { device_keys: keys })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    }
  });

  it('asked for some devices, only these are returned', async () => {
    const tablet = await shard.logIn(alice);
    await upload(alice, { device_keys: deviceKeys(alice, aliceKey) });
    await upload(tablet, { device_keys: deviceKeys(tablet, newKey(tablet.deviceId)) });
    const { body } = await post<Maps>(bob, 'query', { device_keys: { [alice.userId]: [tablet.deviceId] } });
    expect(Object.keys(body['device_keys']?.[alice.userId] ?? {})).toEqual([tablet.deviceId]);
  });

  it('strangers are missing as people who do not exist are (D4)', async () => {
    await upload(stranger, { device_keys: deviceKeys(stranger, newKey(stranger.deviceId)) });
    const ask = async (userId: string): Promise<string> => (await post(alice, 'query', { device_keys: { [userId]: [] } })).text;
    const nobody = await ask('@nobody:localhost');
    for (const userId of [stranger.userId, '@nobody:elsewhere.example', 'nonsense', '', '__proto__']) expect(await ask(userId)).toBe(nobody);
    expect(JSON.parse(nobody)).toMatchObject({ device_keys: {}, failures: {} });
  });

  it('who changes keys appears in device_lists of those who share a room, and in /keys/changes', async () => {
    const from = await since(bob);
    await upload(alice, { device_keys: deviceKeys(alice, aliceKey) });
    const sync = await shard.longPoll(bob, from, ({ device_lists: lists }) => lists?.changed?.includes(alice.userId) === true);
    const changes = async (who: Person): Promise<Json> => (await shard.request('GET', `${V3}/keys/changes`, { token: who.token, query: { from, to: sync.next_batch } })).body;
    expect(await changes(bob)).toMatchObject({ changed: [alice.userId], left: [] });
    expect(await changes(stranger)).toEqual({ changed: expect.not.arrayContaining([alice.userId]), left: [] });
  });
});

describe('One-time and fallback keys', () => {
  it('are counted, and claimed once each, in the order they were uploaded in', async () => {
    expect((await upload(alice, { one_time_keys: oneTimeKeys(alice, aliceKey, ['AAA', 'AAB']) })).body.one_time_key_counts).toEqual({ signed_curve25519: 2 });
    expect((await upload(alice, { one_time_keys: oneTimeKeys(alice, aliceKey, ['AA0']) })).body.one_time_key_counts).toEqual({ signed_curve25519: 3 });
    const claimed = [];
    for (let i = 0; i < 4; i += 1) claimed.push(...Object.keys(await claim(bob, alice)));
    expect(new Set(claimed.slice(0, 2))).toEqual(new Set(['signed_curve25519:AAA', 'signed_curve25519:AAB']));
    expect(claimed.slice(2)).toEqual(['signed_curve25519:AA0']);
  });

  it('claimed by many at once, none is given out twice', async () => {
    await upload(alice, { one_time_keys: oneTimeKeys(alice, aliceKey, ['A', 'B', 'C', 'D', 'E']) });
    const claimed = (await Promise.all(Array.from({ length: 8 }, () => claim(bob, alice)))).flatMap((keys) => Object.keys(keys));
    expect(claimed.sort()).toEqual(['A', 'B', 'C', 'D', 'E'].map((name) => `signed_curve25519:${name}`));
  });

  it('the same key again is nothing new, another one of its name is refused', async () => {
    const keys = oneTimeKeys(alice, aliceKey, ['A']);
    await upload(alice, { one_time_keys: keys });
    expect((await upload(alice, { one_time_keys: keys })).body.one_time_key_counts).toEqual({ signed_curve25519: 1 });
    const other = await upload(alice, { one_time_keys: oneTimeKeys(alice, aliceKey, ['A']) });
    expect(other).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN', error: expect.stringContaining('already exists') } });
  });

  it('when there is none left the fallback key is used, again and again, and sync says so', async () => {
    const fallback = oneTimeKeys(alice, aliceKey, ['F'], { fallback: true });
    await upload(alice, { one_time_keys: oneTimeKeys(alice, aliceKey, ['A']), fallback_keys: fallback });
    const before = await shard.longPoll(alice, undefined, () => true);
    expect([before.device_one_time_keys_count, before.device_unused_fallback_key_types]).toEqual([{ signed_curve25519: 1 }, ['signed_curve25519']]);
    expect(await claim(bob, alice)).not.toEqual(fallback);
    expect([await claim(bob, alice), await claim(bob, alice)]).toEqual([fallback, fallback]);
    const after = await shard.longPoll(alice, before.next_batch, (sync) => sync.device_unused_fallback_key_types?.length === 0);
    expect(after.device_one_time_keys_count).toEqual({ signed_curve25519: 0 });
    await upload(alice, { fallback_keys: oneTimeKeys(alice, aliceKey, ['G'], { fallback: true }) });
    await shard.longPoll(alice, after.next_batch, (sync) => sync.device_unused_fallback_key_types?.length === 1);
  });

  it('of strangers none is consumed (D4)', async () => {
    await upload(stranger, { one_time_keys: oneTimeKeys(stranger, newKey(stranger.deviceId), ['A']) });
    expect(await claim(alice, stranger)).toEqual({});
    expect((await upload(stranger, {})).body.one_time_key_counts).toEqual({ signed_curve25519: 1 });
  });

  it('go with their device', async () => {
    await upload(alice, { device_keys: deviceKeys(alice, aliceKey), one_time_keys: oneTimeKeys(alice, aliceKey, ['A']) });
    await shard.request('POST', `${V3}/logout`, { token: alice.token, body: {} });
    expect([await claim(bob, alice), (await query(bob, alice.userId))['device_keys']?.[alice.userId]]).toEqual([{}, {}]);
  });
});

describe('Cross-signing', () => {
  interface Identity {
    readonly master: TestKey;
    readonly self: TestKey;
    readonly user: TestKey;
    readonly body: Json;
  }
  const newIdentity = (who: Person): Identity => {
    const [master, self, user] = [newKey(), newKey(), newKey()];
    return {
      master, self, user,
      body: {
        master_key: crossSigningKey(who, 'master', master),
        self_signing_key: crossSigningKey(who, 'self_signing', self, master),
        user_signing_key: crossSigningKey(who, 'user_signing', user, master),
      },
    };
  };
  const publish = (who: Person, body: object): Promise<Answer<Json>> => post(who, 'device_signing/upload', body);

  it('the first upload, and the same again, needs no interactive authentication; a change does', async () => {
    const { body } = newIdentity(alice);
    expect((await publish(alice, body)).body).toEqual({});
    expect((await publish(alice, body)).status).toBe(200);
    const other = newIdentity(alice);
    const asked = await publish(alice, other.body);
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
    const auth = { type: 'm.login.password', session: asked.body['session'], password: alice.password, identifier: { type: 'm.id.user', user: alice.userId } };
    expect((await publish(alice, { ...other.body, auth })).status).toBe(200);
    expect((await query(alice, alice.userId))['master_keys']?.[alice.userId]).toMatchObject({ keys: { [other.master.id]: other.master.publicKey } });
  });

  it('a session begun for a device completes no change of identity', async () => {
    await publish(alice, newIdentity(alice).body);
    const { body: { session } } = await shard.request<{ session: string }>('DELETE', `${V3}/devices/X`, { token: alice.token, body: {} });
    const auth = { type: 'm.login.password', session, password: alice.password };
    expect((await publish(alice, { ...newIdentity(alice).body, auth })).status).toBe(403);
  });

  it('is found under the unstable prefix, where a request without keys changes nothing', async () => {
    const { body } = newIdentity(alice);
    await publish(alice, body);
    expect((await shard.request('POST', '/_matrix/client/unstable/keys/device_signing/upload', { token: alice.token, body: {} })).status).toBe(200);
    expect((await query(bob, alice.userId))['master_keys']?.[alice.userId]).toEqual(body['master_key']);
  });

  it('others see master and self-signing keys, the user-signing key only its owner; strangers none', async () => {
    await publish(alice, newIdentity(alice).body);
    const seen = async (viewer: Person): Promise<readonly boolean[]> => {
      const found = await query(viewer, alice.userId);
      return ['master_keys', 'self_signing_keys', 'user_signing_keys'].map((kind) => found[kind]?.[alice.userId] !== undefined);
    };
    expect([await seen(alice), await seen(bob), await seen(stranger)]).toEqual([[true, true, true], [true, true, false], [false, false, false]]);
  });

  it.each([
    ['a key of another user', () => ({ master_key: crossSigningKey(bob, 'master', newKey()) })],
    ['a key of another use', () => ({ master_key: crossSigningKey(alice, 'self_signing', newKey()) })],
    ['a key under another name', () => ({ master_key: { ...crossSigningKey(alice, 'master', newKey()), keys: { 'ed25519:x': newKey().publicKey } } })],
    ['a self-signing key nobody signed', () => ({ ...newIdentity(alice).body, self_signing_key: crossSigningKey(alice, 'self_signing', newKey()) })],
    ['a self-signing key another key signed', () => ({ ...newIdentity(alice).body, self_signing_key: crossSigningKey(alice, 'self_signing', newKey(), newKey()) })],
    ['a self-signing key without a master key', () => ({ self_signing_key: crossSigningKey(alice, 'self_signing', newKey(), newKey()) })],
  ])('refuses %s, and publishes nothing', async (_, body) => {
    const { status } = await publish(alice, body());
    expect([400, 403]).toContain(status);
    expect((await query(alice, alice.userId))['master_keys']).toEqual({});
  });

  describe('POST /keys/signatures/upload', () => {
    const sign = (who: Person, userId: string, name: string, object: Json): Promise<Answer<{ failures: Json }>> =>
      post<{ failures: Json }>(who, 'signatures/upload', { [userId]: { [name]: object } });

    it('the self-signing key signs devices, which everybody sees', async () => {
      const { self, body } = newIdentity(alice);
      const keys = deviceKeys(alice, aliceKey);
      await upload(alice, { device_keys: keys });
      await publish(alice, body);
      const from = await since(bob);
      expect((await sign(alice, alice.userId, alice.deviceId, signed(keys, alice.userId, self))).body).toEqual({ failures: {} });
      const found = (await query(bob, alice.userId))['device_keys']?.[alice.userId]?.[alice.deviceId];
      expect(Object.keys(found?.signatures[alice.userId] ?? {}).sort()).toEqual([aliceKey.id, self.id].sort());
      await shard.longPoll(bob, from, ({ device_lists: lists }) => lists?.changed?.includes(alice.userId) === true);
    });

    it('the user-signing key signs other people’s master keys, which nobody else learns', async () => {
      const [mine, theirs] = [newIdentity(alice), newIdentity(bob)];
      await publish(alice, mine.body);
      await publish(bob, theirs.body);
      const master = theirs.body['master_key'] as Json;
      expect((await sign(alice, bob.userId, theirs.master.publicKey, signed(master, alice.userId, mine.user))).body).toEqual({ failures: {} });
      const signersSeenBy = async (who: Person): Promise<readonly string[]> =>
        Object.keys(((await query(who, bob.userId))['master_keys']?.[bob.userId] as unknown as Partial<Signed>).signatures ?? {});
      expect(await signersSeenBy(alice)).toEqual([alice.userId]);
      expect(await signersSeenBy(bob)).toEqual([]);
    });

    it('a device signs its own master key', async () => {
      const { master, body } = newIdentity(alice);
      await upload(alice, { device_keys: deviceKeys(alice, aliceKey) });
      await publish(alice, body);
      expect((await sign(alice, alice.userId, master.publicKey, signed(body['master_key'] as Json, alice.userId, aliceKey))).body).toEqual({ failures: {} });
    });

    it('what is not valid is reported key by key: M_INVALID_SIGNATURE, M_NOT_FOUND', async () => {
      const { self, body } = newIdentity(alice);
      const keys = deviceKeys(alice, aliceKey);
      await upload(alice, { device_keys: keys });
      await publish(alice, body);
      const errcodes = async (userId: string, name: string, object: Json): Promise<unknown> => {
        const { status, body: { failures } } = await sign(alice, userId, name, object);
        return [status, ((failures[userId] as Json)[name] as Json)['errcode']];
      };
      const good = signed(keys, alice.userId, self);
      expect(await errcodes(alice.userId, alice.deviceId, { ...good, signatures: { [alice.userId]: { [self.id]: good.signatures[alice.userId]?.[self.id]?.replace(/^./, '_') } } })).toEqual([200, 'M_INVALID_SIGNATURE']);
      expect(await errcodes(alice.userId, alice.deviceId, signed(keys, alice.userId, newKey()))).toEqual([200, 'M_INVALID_SIGNATURE']);
      expect(await errcodes(alice.userId, 'NONE', good)).toEqual([200, 'M_NOT_FOUND']);
      expect(await errcodes(stranger.userId, 'x', good)).toEqual(await errcodes('@nobody:localhost', 'x', good));
      expect(Object.keys((await query(bob, alice.userId))['device_keys']?.[alice.userId]?.[alice.deviceId]?.signatures[alice.userId] ?? {})).toEqual([aliceKey.id]);
    });
  });

  it('a person signs out, and in their rooms nobody is told of keys that are gone', async () => {
    await upload(bob, { device_keys: deviceKeys(bob, bobKey) });
    const from = await since(alice);
    await shard.request('POST', `${V3}/logout`, { token: bob.token, body: {} });
    await shard.longPoll(alice, from, ({ device_lists: lists }) => lists?.changed?.includes(bob.userId) === true);
    expect((await query(alice, bob.userId))['device_keys']?.[bob.userId]).toEqual({});
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
