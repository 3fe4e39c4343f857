import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type RoomEvent, type Shard, type SyncAnswer } from './harness.js';
import { roomCalls, type Page } from './rooms-calls.js';

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  shard = await startShard();
});
beforeEach(async () => {
  [alice, bob] = [await shard.register(), await shard.register()];
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const proof = ({ userId, password }: Person): object => ({ type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, password });
const deactivate = (who: Person, more: object = {}): Promise<Answer<Record<string, unknown>>> =>
  shard.request('POST', `${V3}/account/deactivate`, { token: who.token, body: { auth: proof(who), ...more } });
const logIn = ({ userId, password }: Person): Promise<Answer<object>> =>
  shard.request('POST', `${V3}/login`, { body: { type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, password } });
const whoAmI = ({ token }: Person): Promise<Answer<object>> => shard.request('GET', `${V3}/account/whoami`, { token });
const memberOf = async (roomId: string, viewer: Person, { userId }: Person): Promise<unknown> =>
  (await shard.request('GET', `${V3}/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`, { token: viewer.token })).body['membership'];
const put = (who: Person, path: string, body: object): Promise<Answer<object>> =>
  shard.request('PUT', `${V3}/${path.replace('ME', encodeURIComponent(who.userId))}`, { token: who.token, body });

describe('POST /account/deactivate', () => {
  it('uses the User-Interactive Authentication API; without proof the account stays', async () => {
    expect(await shard.request('POST', `${V3}/account/deactivate`, { token: alice.token, body: {} })).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
    expect((await deactivate(alice, { auth: { ...proof(alice), password: 'wrong' } })).status).toBe(401);
    expect((await whoAmI(alice)).status).toBe(200);
  });

  it('removes all ability for the user to log in again, and every session with it', async () => {
    const other = await shard.logIn(alice);
    expect(await deactivate(alice)).toMatchObject({ status: 200, body: { id_server_unbind_result: 'success' } });
    for (const session of [alice, other]) expect(await whoAmI(session)).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    expect(await logIn(alice)).toMatchObject({ status: 403, body: { errcode: 'M_USER_DEACTIVATED' } });
  });

  it('tells who does not know the password nothing but what it tells of an account that never was', async () => {
    await deactivate(alice);
    const nobody = await logIn({ ...alice, userId: '@nobody:localhost' });
    expect(await logIn({ ...alice, password: 'wrong' })).toMatchObject({ status: nobody.status, text: nobody.text });
  });

  it('leaves all rooms, declines invitations, takes knocks back', async () => {
    const shared = await shard.createRoom(bob, [alice]);
    const invited = await shard.createRoom(bob, []);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(invited)}/invite`, { token: bob.token, body: { user_id: alice.userId } });
    const knocked = await shard.createRoom(bob, [], { initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }] });
    await shard.request('POST', `${V3}/knock/${encodeURIComponent(knocked)}`, { token: alice.token, body: {} });
    await deactivate(alice);
    expect([await memberOf(shared, bob, alice), await memberOf(invited, bob, alice), await memberOf(knocked, bob, alice)]).toEqual(['leave', 'leave', 'leave']);
  });

  it('tells those who shared a room that the person is gone, down /sync', async () => {
    const roomId = await shard.createRoom(bob, [alice]);
    const { body } = await shard.request<{ next_batch: string }>('GET', `${V3}/sync`, { token: bob.token });
    await deactivate(alice);
    const sync = await shard.longPoll(bob, body.next_batch, ({ rooms }) => rooms?.join?.[roomId]?.timeline?.events.some(({ state_key }) => state_key === alice.userId) === true);
    expect(sync.rooms?.join?.[roomId]?.timeline?.events.at(-1)?.content).toEqual({ membership: 'leave' });
  });

  it('the name stays taken', async () => {
    await deactivate(alice);
    const username = alice.userId.slice(1, alice.userId.indexOf(':'));
    expect(await shard.request('POST', `${V3}/register`, { body: { username, password: 'another', auth: { type: 'm.login.dummy' } } })).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
  });

  it.each([[false, 1], [true, 0]])('erase %s: account data and keys go; the profile when it is to be erased', async (erase, fields) => {
    await put(alice, 'user/ME/account_data/org.example', { some: 'thing' });
    await put(alice, 'profile/ME/displayname', { displayname: 'Alice' });
    await shard.request('POST', `${V3}/room_keys/version`, { token: alice.token, body: { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: { public_key: 'x', signatures: {} } } });
    await shard.request('POST', `${V3}/user/${encodeURIComponent(alice.userId)}/filter`, { token: alice.token, body: { room: { timeline: { limit: 3 } } } });
    const before = shard.stored();
    await deactivate(alice, { erase });
    const after = shard.stored();
    const lost = (table: string): number => Number.parseInt(before[table] ?? '') - Number.parseInt(after[table] ?? '');
    expect(['account_data', 'key_backups', 'filters', 'devices', 'profile_fields'].map(lost)).toEqual([1, 1, 1, 1, 1 - fields]);
    expect(await logIn(alice)).toMatchObject({ status: 403, body: { errcode: erase ? 'M_FORBIDDEN' : 'M_USER_DEACTIVATED' } });
  });

  describe('any users which join the room after the erasure request', () => {
    let roomId: string;
    let said: string;
    let carol: Person;
    beforeEach(async () => {
      carol = await shard.register();
      await put(alice, 'profile/ME/displayname', { displayname: 'Alice the Erased' });
      roomId = await shard.createRoom(bob, [alice]);
      said = await roomCalls(shard).say(alice, roomId);
      await roomCalls(shard).say(bob, roomId, { 'm.relates_to': { rel_type: 'm.thread', event_id: said } });
    });
    const join = async (): Promise<void> => {
      const { call } = roomCalls(shard);
      await call(bob, 'POST', ['rooms', roomId, 'invite'], { user_id: carol.userId });
      expect((await call(carol, 'POST', ['rooms', roomId, 'join'], {})).status).toBe(200);
    };
    const at = (who: Person, ...path: readonly string[]) => roomCalls(shard).call<Page & RoomEvent & { event: RoomEvent; events_before: readonly RoomEvent[] }>(who, 'GET', ['rooms', roomId, ...path]);

    it('are served redacted copies of the events sent by this account', async () => {
      const { body: { next_batch: before } } = await shard.request<SyncAnswer>('GET', `${V3}/sync`, { token: carol.token });
      await deactivate(alice, { erase: true });
      await join();
      expect((await at(carol, 'event', said)).body).toMatchObject({ sender: alice.userId, content: {} });
      const { messages, sync } = roomCalls(shard);
      const ofRoom = async (since?: string): Promise<readonly RoomEvent[]> => {
        const { timeline, state } = (await sync(carol, since, { room: { timeline: { limit: 50 } } })).rooms?.join?.[roomId] ?? {};
        return [...(timeline?.events ?? []), ...(state?.events ?? [])];
      };
      const context = (await at(carol, 'context', said)).body;
      const { body: threads } = await shard.request<Page>('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/threads`, { token: carol.token });
      const seen = [
        (await messages(carol, roomId, { limit: 50 })).body.chunk, [context.event, ...context.events_before], await ofRoom(), await ofRoom(before),
        threads.chunk, (await at(carol, 'members')).body.chunk,
      ].map((events) => events.filter(({ sender }) => sender === alice.userId));
      for (const events of seen) {
        expect(events.length).toBeGreaterThan(0);
        for (const { content, unsigned } of events) expect([Object.keys(content), unsigned?.['prev_content']]).toEqual([Object.keys(content).filter((name) => name === 'membership'), undefined]);
      }
    });

    it('find the room as it is, encryption and all', async () => {
      await deactivate(alice, { erase: true });
      await join();
      const { state, messages } = roomCalls(shard);
      expect(await state(carol, roomId, 'm.room.encryption')).toMatchObject({ algorithm: 'm.megolm.v1.aes-sha2' });
      const { body } = await messages(carol, roomId, { limit: 50 });
      expect(body.chunk.filter(({ sender, type }) => sender === bob.userId && type === 'm.room.encrypted').map(({ content }) => Object.keys(content))).toEqual([expect.arrayContaining(['ciphertext'])]);
    });

    it('while users which had visibility on those events prior to the erasure are still able to see unredacted copies', async () => {
      await join();
      await roomCalls(shard).call(carol, 'POST', ['rooms', roomId, 'leave'], {});
      await deactivate(alice, { erase: true });
      await join();
      for (const who of [bob, carol]) expect((await at(who, 'event', said)).body.content).toHaveProperty('ciphertext');
    });

    it('see what was sent by an account that was closed without erasure', async () => {
      await deactivate(alice);
      await join();
      expect((await at(carol, 'event', said)).body.content).toHaveProperty('ciphertext');
    });
  });

  it('nobody is introduced to a closed account, by name or by key', async () => {
    const roomId = await shard.createRoom(bob, []);
    await deactivate(alice);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/invite`, { token: bob.token, body: { user_id: alice.userId } });
    const found = await shard.request('POST', `${V3}/user_directory/search`, { token: bob.token, body: { search_term: alice.userId } });
    expect(found.body).toEqual({ limited: false, results: [] });
    const keys = await shard.request('POST', `${V3}/keys/query`, { token: bob.token, body: { device_keys: { [alice.userId]: [] } } });
    expect(keys.body['device_keys']).toEqual({});
  });
});
