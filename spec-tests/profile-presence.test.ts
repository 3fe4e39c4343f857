import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard, type SyncAnswer } from './harness.js';

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;
let bob: Person;
let stranger: Person;

beforeAll(async () => {
  shard = await startShard({ presence: { enabled: true } });
  [alice, bob, stranger] = [await shard.register('alice'), await shard.register('bob'), await shard.register('stranger')];
  await shard.createRoom(alice, [bob]);
});
afterAll(async () => {
  await shard.stop();
});

type Content = Readonly<Record<string, unknown>>;
interface WithPresence extends SyncAnswer {
  readonly presence?: { readonly events: readonly { readonly type: string; readonly sender: string; readonly content: Content }[] };
}
const path = (userId: string): string => `${V3}/presence/${encodeURIComponent(userId)}/status`;
const status = (viewer: Person, userId: string): Promise<Answer<Content>> => shard.request('GET', path(userId), { token: viewer.token });
const set = (who: Person, body: object, userId = who.userId): Promise<Answer<Content>> => shard.request('PUT', path(userId), { token: who.token, body });
// Offline, so that the poll itself says nothing.
const sync = async (who: Person, query: Readonly<Record<string, string | number>> = {}): Promise<WithPresence> =>
  (await shard.request<WithPresence>('GET', `${V3}/sync`, { token: who.token, query: { set_presence: 'offline', ...query } })).body;
const told = ({ presence }: WithPresence): readonly unknown[] => (presence?.events ?? []).map(({ sender, content }) => [sender, content['presence'], content['status_msg']]);

describe('Presence', () => {
  it('sets the given user’s presence, and gets it: to oneself and to who shares a room', async () => {
    expect((await status(bob, alice.userId)).body).toEqual({ presence: 'offline' });
    expect((await set(alice, { presence: 'unavailable', status_msg: 'At lunch' })).body).toEqual({});
    for (const viewer of [alice, bob]) {
      expect((await status(viewer, alice.userId)).body).toEqual({ presence: 'unavailable', status_msg: 'At lunch', last_active_ago: expect.any(Number) });
    }
    await set(alice, { presence: 'online' });
    expect((await status(bob, alice.userId)).body).toEqual({ presence: 'online', currently_active: true, last_active_ago: expect.any(Number) });
  });

  it('strangers are like people who do not exist (D6)', async () => {
    const answer = async (userId: string): Promise<object> => {
      const { status: code, text, headers } = await status(alice, userId);
      return { code, text, length: headers['content-length'] };
    };
    await set(stranger, { presence: 'online' });
    const nobody = await answer('@nobody:localhost');
    expect(nobody).toMatchObject({ code: 404, text: expect.stringContaining('"M_NOT_FOUND"') });
    for (const userId of [stranger.userId, '@nobody:elsewhere.example']) expect(await answer(userId)).toEqual(nobody);
  });

  it('comes in the presence section of sync: at first of whoever is not offline, then what changes', async () => {
    await set(alice, { presence: 'unavailable', status_msg: 'In a meeting' });
    const first = await sync(bob);
    expect(told(first)).toEqual([[alice.userId, 'unavailable', 'In a meeting']]);
    expect(told(await sync(bob, { since: first.next_batch }))).toEqual([]);
    await set(alice, { presence: 'online' });
    expect(told(await sync(bob, { since: first.next_batch }))).toEqual([[alice.userId, 'online', undefined]]);
    const filter = JSON.stringify({ presence: { not_types: ['m.presence'] } });
    expect(told(await sync(bob, { since: first.next_batch, filter }))).toEqual([]);
  });

  it('wakes no poll, and is in its answer', async () => {
    for (let status_msg = 'Away', hasTold = false; !hasTold; status_msg += '!') {
      const { next_batch: since } = await sync(bob);
      const began = performance.now();
      let isOver = false;
      const polled = sync(bob, { since, timeout: 1500 }).finally(() => { isOver = true; });
      await set(alice, { presence: 'unavailable', status_msg });
      // A machine so slow that the poll ended before has shown nothing.
      hasTold = !isOver;
      if (hasTold) expect(told(await polled)).toEqual([[alice.userId, 'unavailable', status_msg]]);
      if (hasTold) expect(performance.now() - began).toBeGreaterThan(1400);
    }
  });

  it('of people one meets comes when they join', async () => {
    const roomId = await shard.createRoom(bob);
    const { next_batch: since } = await sync(bob);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/invite`, { token: bob.token, body: { user_id: stranger.userId } });
    expect(told(await sync(bob, { since }))).toEqual([]);
    const before = await sync(stranger);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/join`, { token: stranger.token, body: {} });
    expect(told(await sync(bob, { since }))).toEqual([[stranger.userId, 'online', undefined]]);
    expect(told(await sync(stranger, { since: before.next_batch }))).toContainEqual([stranger.userId, 'online', undefined]);
  });

  it('the client is automatically marked as online when it uses the sync API', async () => {
    const dora = await shard.register();
    await shard.createRoom(bob, [dora]);
    const { next_batch: since } = await sync(bob);
    await shard.request('GET', `${V3}/sync`, { token: dora.token });
    for (let at = since, tries = 0; ; tries += 1) {
      const answer = await sync(bob, { since: at, timeout: 1000 });
      if (told(answer).some((event) => JSON.stringify(event) === JSON.stringify([dora.userId, 'online', undefined]))) break;
      if (tries > 10) throw new Error('never online');
      at = answer.next_batch;
    }
  });

  it('is set by oneself only, to a state there is, with a status that is short', async () => {
    expect(await set(alice, { presence: 'offline' }, bob.userId)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    const malformed = (body: object): Promise<Answer<Content>> => shard.request('PUT', path(alice.userId), { token: alice.token, body, malformed: true });
    expect(await malformed({ presence: 'asleep' })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(await malformed({ presence: 'online', status_msg: 'x'.repeat(256) })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});

describe('Presence, switched off', () => {
  it('everybody is offline, and nothing is kept', async () => {
    const off = await startShard({ presence: { enabled: false } });
    try {
      const [carol, dora] = [await off.register(), await off.register()];
      await off.createRoom(carol, [dora]);
      const ask = (method: string, who: Person, body?: object): Promise<Answer<Content>> =>
        off.request(method, path(carol.userId), { token: who.token, ...(body === undefined ? {} : { body }) });
      expect((await ask('PUT', carol, { presence: 'online' })).body).toEqual({});
      expect((await ask('GET', dora)).body).toEqual({ presence: 'offline' });
      expect((await off.request('GET', path('@nobody:localhost'), { token: dora.token })).status).toBe(404);
      const { body } = await off.request<WithPresence>('GET', `${V3}/sync`, { token: dora.token });
      expect(told(body)).toEqual([]);
      expect(off.stored()['presence']).toMatch(/^0 rows/);
    } finally {
      await off.stop();
    }
  });
});
