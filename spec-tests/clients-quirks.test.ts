import { describe, expect, it } from '@jest/globals';
import type { Answer, Call, Person, RoomEvent } from './harness.js';
import { crossSigningKey, deviceKeys, newKey, oneTimeKeys, signed, type Json, type TestKey } from './keys.js';
import { OLM, sealed } from './sealed.js';
import { shardOfThree } from './shard-of-three.js';
import { joined, keysOfState, syncCalls } from './sync-calls.js';

// What Element (matrix-js-sdk) and Element X (matrix-rust-sdk) send and insist on, beyond what the specification's schemas say.
const V3 = '/_matrix/client/v3';
const { shard, alice, bob } = await shardOfThree();
const calls = syncCalls(shard);
const roomId = await shard.createRoom(alice, [bob]);

const ask = (who: Person, method: string, path: string, call: Call = {}): Promise<Answer<Json>> => shard.request<Json>(method, path, { token: who.token, ...call });
const post = (who: Person, path: string, body: object): Promise<Answer<Json>> => ask(who, 'POST', `${V3}/${path}`, { body });
const me = (who: Person): string => encodeURIComponent(who.userId);

interface Identity {
  readonly self: TestKey;
  readonly body: Json;
}

function newIdentity(who: Person): Identity {
  const [master, self, user] = [newKey(), newKey(), newKey()];
  const body = {
    master_key: crossSigningKey(who, 'master', master),
    self_signing_key: crossSigningKey(who, 'self_signing', self, master),
    user_signing_key: crossSigningKey(who, 'user_signing', user, master),
  };
  return { self, body };
}

describe('Element starts', () => {
  it('without a token: versions, no OAuth, and a login by password that has all it needs and nothing it did not ask for', async () => {
    expect(await shard.request('GET', '/_matrix/client/versions')).toMatchObject({ status: 200, body: { versions: expect.arrayContaining(['v1.11']) } });
    for (const path of ['/_matrix/client/v1/auth_metadata', '/_matrix/client/unstable/org.matrix.msc2965/auth_metadata']) {
      expect(await shard.request('GET', path)).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
    }
    expect((await shard.request('GET', `${V3}/login`)).body).toEqual({ flows: [{ type: 'm.login.password' }] });
    const identifier = { type: 'm.id.user', user: alice.userId };
    const { body } = await post(alice, 'login', { type: 'm.login.password', identifier, password: alice.password, initial_device_display_name: 'Element' });
    expect(body).toEqual(expect.objectContaining({ user_id: alice.userId, access_token: expect.any(String), device_id: expect.any(String) }));
    expect(Object.keys(body)).toEqual(expect.not.arrayContaining(['expires_in_ms', 'refresh_token']));
  });

  it('with one: what it asks in parallel with its first sync is answered in a way it understands', async () => {
    const tablet = await shard.logIn(alice);
    const answers: readonly (readonly [method: string, path: string, status: number, body: unknown])[] = [
      ['GET', '/_matrix/client/versions', 200, { versions: expect.any(Array) }],
      ['GET', `${V3}/voip/turnServer`, 403, { errcode: 'M_FORBIDDEN' }],
      ['GET', `${V3}/pushrules/`, 200, { global: { override: expect.any(Array), underride: expect.any(Array) } }],
      ['GET', `${V3}/capabilities`, 200, { capabilities: { 'm.change_password': { enabled: true } } }],
      ['GET', `${V3}/room_keys/version`, 404, { errcode: 'M_NOT_FOUND' }],
      ['GET', '/_matrix/client/v1/media/config', 200, { 'm.upload.size': expect.any(Number) }],
      ['GET', `${V3}/profile/${me(alice)}`, 200, {}],
      ['GET', `${V3}/devices`, 200, { devices: expect.any(Array) }],
      ['GET', '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device', 404, { errcode: 'M_NOT_FOUND' }],
      ['GET', `/_synapse/admin/v1/users/${me(alice)}/admin`, 404, { errcode: 'M_UNRECOGNIZED' }],
    ];
    for (const [method, path, status, body] of answers) expect({ path, ...await ask(tablet, method, path) }).toMatchObject({ path, status, body });
  });

  it('its first sync, with a filter in the query and parameters nobody else knows, and then its keys', async () => {
    const tablet = await shard.logIn(alice);
    expect((await post(tablet, 'keys/query', { device_keys: { [alice.userId]: [] } })).body).toMatchObject({ device_keys: { [alice.userId]: {} } });
    const query = {
      filter: JSON.stringify({ room: { timeline: { limit: 20, unread_thread_notifications: true }, state: { lazy_load_members: true } } }),
      timeout: 0, _cacheBuster: 1234, 'org.matrix.msc4222.use_state_after': true, set_presence: 'online',
    };
    const sync = await calls.poll(tablet, query);
    expect(sync).toMatchObject({ to_device: { events: [] }, device_one_time_keys_count: { signed_curve25519: 0 }, device_unused_fallback_key_types: [] });
    expect(sync.account_data?.events.map(({ type }) => type)).toContain('m.push_rules');
    const key = newKey(tablet.deviceId);
    const upload = { device_keys: deviceKeys(tablet, key), one_time_keys: oneTimeKeys(tablet, key, ['A', 'B']), fallback_keys: oneTimeKeys(tablet, key, ['F'], { fallback: true }) };
    expect((await post(tablet, 'keys/upload', upload)).body).toEqual({ one_time_key_counts: { signed_curve25519: 2 } });
    expect((await post(tablet, 'keys/query', { device_keys: { [alice.userId]: [] } })).body).toMatchObject({ device_keys: { [alice.userId]: { [tablet.deviceId]: upload.device_keys } } });
  });
});

describe('what comes down a sync', () => {
  it.each([[{}, 'state'], [{ use_state_after: true }, 'state_after'], [{ 'org.matrix.msc4222.use_state_after': true }, 'org.matrix.msc4222.state_after']] as const)(
    'with %j the encryption of a room one comes to is in its %s, before any message', async (query, where) => {
      const { next_batch: since } = await calls.poll(bob);
      const room = await shard.createRoom(alice, [bob]);
      for (const i of [1, 2, 3]) await calls.call(alice, 'PUT', ['rooms', room, 'send', 'm.room.encrypted', `m${i}`], sealed());
      for (const known of [{ since }, {}]) {
        const filter = JSON.stringify({ room: { timeline: { limit: 3 } } });
        const told = joined(await calls.poll(bob, { ...query, ...known, filter }), room) as Readonly<Record<string, { readonly events: readonly RoomEvent[] }>>;
        expect(keysOfState(told[where]?.events)).toContain('m.room.encryption');
      }
    });

  it('an event has what it needs, "unsigned.membership" and, for the device that sent it, "transaction_id"', async () => {
    const { next_batch: since } = await calls.poll(alice);
    await calls.call(alice, 'PUT', ['rooms', roomId, 'send', 'm.room.encrypted', 'mine'], sealed());
    const [own, other] = [await calls.poll(alice, { since }), await calls.poll(bob, { since })].map((sync) => joined(sync, roomId).timeline?.events.at(-1));
    for (const event of [own, other]) expect(Object.keys(event ?? {}).sort()).toEqual(['content', 'event_id', 'origin_server_ts', 'sender', 'type', 'unsigned']);
    expect([own, other].map((event) => event?.unsigned)).toEqual([
      { age: expect.any(Number), membership: 'join', transaction_id: 'mine' }, { age: expect.any(Number), membership: 'join' },
    ]);
  });

  const identity = newIdentity(alice);
  const key = newKey(alice.deviceId);
  const keys = deviceKeys(alice, key);
  it.each<readonly [string, () => Promise<unknown>]>([
    ['a device that came', async () => { const tablet = await shard.logIn(alice); await post(tablet, 'keys/upload', { device_keys: deviceKeys(tablet, newKey(tablet.deviceId)) }); }],
    ['a device that went', async () => { await post(alice, 'keys/upload', { device_keys: keys }); await post(await withKeys(alice), 'logout', {}); }],
    ['device keys', () => post(alice, 'keys/upload', { device_keys: deviceKeys(alice, key) })],
    ['a cross-signing identity', () => post(alice, 'keys/device_signing/upload', identity.body)],
    ['a signature', async () => {
      await post(alice, 'keys/upload', { device_keys: keys });
      const { body } = await post(alice, 'keys/signatures/upload', { [alice.userId]: { [alice.deviceId]: signed(keys, alice.userId, identity.self) } });
      expect(body).toEqual({ failures: {} });
    }],
  ])('"device_lists.changed" names the owner of %s to whoever shares a room, and to their own devices', async (_what, act) => {
    const [own, others] = [await calls.poll(alice), await calls.poll(bob)];
    await act();
    expect((await calls.poll(alice, { since: own.next_batch })).device_lists?.changed).toEqual([alice.userId]);
    expect((await calls.poll(bob, { since: others.next_batch })).device_lists?.changed).toEqual([alice.userId]);
  });

  it('every entry of the secret storage comes back to the device that wrote it: matrix-js-sdk waits for that', async () => {
    for (const type of ['m.secret_storage.key.abc', 'm.secret_storage.default_key', 'm.cross_signing.master', 'm.cross_signing.self_signing', 'm.cross_signing.user_signing', 'm.megolm_backup.v1']) {
      const { next_batch: since } = await calls.poll(alice);
      await calls.accountData(alice, type, { encrypted: { abc: { iv: 'A', ciphertext: 'A', mac: 'A' } }, key: 'abc', algorithm: 'm.secret_storage.v1.aes-hmac-sha2' });
      expect((await calls.poll(alice, { since })).account_data?.events.map((event) => event.type)).toEqual([type]);
    }
  });
});

async function withKeys(person: Person): Promise<Person> {
  const device = await shard.logIn(person);
  await post(device, 'keys/upload', { device_keys: deviceKeys(device, newKey(device.deviceId)) });
  return device;
}

describe('keys', () => {
  it('a query has no null in it, whatever is missing', async () => {
    const carol = await shard.register();
    const room = await shard.createRoom(alice, [carol]);
    await post(carol, 'keys/upload', { device_keys: deviceKeys(carol, newKey(carol.deviceId)) });
    const { text } = await post(alice, 'keys/query', { device_keys: { [carol.userId]: [], [alice.userId]: [] }, timeout: 10_000 });
    expect([text.includes(carol.deviceId), text.includes('null')]).toEqual([true, false]);
    await calls.call(carol, 'POST', ['rooms', room, 'leave'], {});
  });

  it('a claim of what nobody has is answered by an empty "one_time_keys"', async () => {
    const { status, body } = await post(alice, 'keys/claim', { one_time_keys: { [bob.userId]: { NOSUCH: 'signed_curve25519' } }, timeout: 10_000 });
    expect([status, body['one_time_keys']]).toEqual([200, {}]);
  });

  it('what says that a key is withheld, asks for a secret or for verification goes from device to device', async () => {
    const tablet = await shard.logIn(alice);
    const types = ['m.room_key.withheld', 'm.secret.request', 'm.room_key_request', 'm.key.verification.request', 'm.room.encrypted'];
    for (const type of types) {
      const content = type === 'm.room.encrypted' ? OLM : withheldOr(type);
      expect((await ask(alice, 'PUT', `${V3}/sendToDevice/${type}/${type}`, { body: { messages: { [alice.userId]: { [tablet.deviceId]: content } } }, unstable: true })).body).toEqual({});
    }
    expect((await calls.poll(tablet)).to_device?.events.map(({ type, sender }) => [type, sender])).toEqual(types.map((type) => [type, alice.userId]));
  });

  it('a new identity in place of one is asked for a password with all a client needs; one without a session counts at the first try', async () => {
    const person = await shard.register();
    const replace = (auth?: object): Promise<Answer<Json>> => post(person, 'keys/device_signing/upload', { ...newIdentity(person).body, ...(auth === undefined ? {} : { auth }) });
    expect((await replace()).body).toEqual({});
    const asked = { session: expect.any(String), flows: [{ stages: ['m.login.password'] }], params: {}, completed: [] };
    expect(await replace()).toMatchObject({ status: 401, body: asked });
    const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: person.userId }, password: person.password };
    expect(await replace({ ...auth, password: 'wrong' })).toMatchObject({ status: 401, body: { ...asked, errcode: 'M_FORBIDDEN' } });
    expect((await replace(auth)).body).toEqual({});
  });
});

function withheldOr(type: string): object {
  const ofRoom = { algorithm: 'm.megolm.v1.aes-sha2', room_id: roomId, session_id: 'A'.repeat(43), sender_key: 'A'.repeat(43) };
  const from = { from_device: alice.deviceId, transaction_id: 'one', methods: ['m.sas.v1'], timestamp: 1 };
  switch (type) {
    case 'm.room_key.withheld': return { ...ofRoom, code: 'm.unverified', reason: 'The sender has disabled encrypting to unverified devices.' };
    case 'm.secret.request': return { action: 'request', name: 'm.megolm_backup.v1', requesting_device_id: alice.deviceId, request_id: 'one' };
    case 'm.room_key_request': return { action: 'request', body: ofRoom, requesting_device_id: alice.deviceId, request_id: 'one' };
    default: return from;
  }
}

describe('on the way to a first message and a first file', () => {
  it('the members but those who left, as of the token of a sync; the encryption, with and without a slash', async () => {
    const { next_batch: at } = await calls.poll(alice);
    const { body } = await ask(alice, 'GET', `${V3}/rooms/${encodeURIComponent(roomId)}/members`, { query: { not_membership: 'leave', at } });
    expect((body['chunk'] as readonly RoomEvent[]).map(({ state_key }) => state_key).sort()).toEqual([alice.userId, bob.userId].sort());
    for (const slash of ['', '/']) {
      expect((await ask(alice, 'GET', `${V3}/rooms/${encodeURIComponent(roomId)}/state/m.room.encryption${slash}`)).body).toMatchObject({ algorithm: 'm.megolm.v1.aes-sha2' });
    }
  });

  it('a file is uploaded with or without a name, and fetched by a client that would follow a redirection', async () => {
    for (const query of [{}, { filename: 'report.pdf' }]) {
      const { body } = await ask(alice, 'POST', '/_matrix/media/v3/upload', { body: Buffer.from(sealed().ciphertext, 'base64'), query });
      const address = String(body['content_uri']).slice('mxc://'.length);
      expect((await ask(alice, 'GET', `/_matrix/client/v1/media/download/${address}`, { query: { allow_redirect: true, timeout_ms: 20_000 } })).status).toBe(200);
    }
  });
});
