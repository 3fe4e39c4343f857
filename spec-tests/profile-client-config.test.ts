import { describe, expect, it } from '@jest/globals';
import type { Answer, Person } from './harness.js';
import { shardOfThree } from './shard-of-three.js';

const V3 = '/_matrix/client/v3';
const { shard, alice, bob } = await shardOfThree();
const roomId = await shard.createRoom(alice);

const of = ({ userId }: Person): string => `${V3}/user/${encodeURIComponent(userId)}`;
const inRoom = (who: Person, room = roomId): string => `${of(who)}/rooms/${encodeURIComponent(room)}/account_data`;
const get = (path: string, who = alice): Promise<Answer<unknown>> => shard.request('GET', path, { token: who.token });
const put = (path: string, body: object, who = alice): Promise<Answer<object>> => shard.request('PUT', path, { token: who.token, body });

describe('Client config', () => {
  it('sets some account data for the client, and gives it back', async () => {
    const path = `${of(alice)}/account_data/org.example.settings`;
    expect(await get(path)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect((await put(path, { theme: 'dark', list: [1, { deep: null }], 'ünï': '😀' })).body).toEqual({});
    expect((await get(path)).body).toEqual({ theme: 'dark', list: [1, { deep: null }], 'ünï': '😀' });
    await put(path, {});
    expect((await get(path)).body).toEqual({});
  });

  it('is available to clients via the account_data of their /sync response, set twice alike too', async () => {
    const path = `${of(alice)}/account_data/m.direct`;
    for (let i = 0; i < 2; i += 1) {
      const { next_batch: since } = await shard.longPoll(alice, undefined, () => true);
      await put(path, { [bob.userId]: [roomId] });
      const sync = await shard.longPoll(alice, since, ({ account_data: data }) => (data?.events.length ?? 0) > 0);
      expect(sync.account_data?.events).toEqual([{ type: 'm.direct', content: { [bob.userId]: [roomId] } }]);
    }
  });

  it('of a room comes with the room, and only to its person', async () => {
    const path = `${inRoom(alice)}/m.marked_unread`;
    expect((await get(path)).status).toBe(404);
    const { next_batch: since } = await shard.longPoll(alice, undefined, () => true);
    await put(path, { unread: true });
    expect((await get(path)).body).toEqual({ unread: true });
    const sync = await shard.longPoll(alice, since, ({ rooms }) => rooms?.join?.[roomId]?.account_data !== undefined);
    expect(sync.rooms?.join?.[roomId]?.account_data?.events).toEqual([{ type: 'm.marked_unread', content: { unread: true } }]);
    expect((await get(`${of(alice)}/account_data/m.marked_unread`)).status).toBe(404);
  });

  it.each(['m.fully_read', 'm.push_rules'])('%s is managed by the server: 405 M_BAD_JSON', async (type) => {
    for (const path of [`${of(alice)}/account_data/${type}`, `${inRoom(alice)}/${type}`]) {
      expect(await put(path, {})).toMatchObject({ status: 405, body: { errcode: 'M_BAD_JSON' } });
    }
  });

  it('is nobody else’s: M_FORBIDDEN', async () => {
    for (const path of [`${of(alice)}/account_data/m.direct`, `${inRoom(alice)}/m.marked_unread`]) {
      expect(await get(path, bob)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
      expect(await put(path, {}, bob)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    }
  });

  it('a type of many letters and scripts is a type', async () => {
    const path = `${of(alice)}/account_data/${encodeURIComponent('org.example/ü#?😀')}`;
    expect((await put(path, { a: 1 })).status).toBe(200);
    expect((await get(path)).body).toEqual({ a: 1 });
  });
});

describe('Filtering', () => {
  it('uploads a new filter definition to the homeserver, and downloads it', async () => {
    const filter = { room: { timeline: { limit: 5, types: ['m.room.encrypted'] }, state: { lazy_load_members: true } }, event_fields: ['type'], presence: { types: [] } };
    const { body } = await shard.request<{ filter_id: string }>('POST', `${of(alice)}/filter`, { token: alice.token, body: filter });
    expect(body.filter_id).toEqual(expect.stringMatching(/^[^{]/));
    expect((await get(`${of(alice)}/filter/${body.filter_id}`)).body).toEqual(filter);
    expect((await shard.request<{ filter_id: string }>('POST', `${of(alice)}/filter`, { token: alice.token, body: filter })).body).toEqual(body);
    expect((await shard.request('GET', `${V3}/sync`, { token: alice.token, query: { filter: body.filter_id } })).status).toBe(200);
  });

  it('an unknown filter is M_NOT_FOUND, another person’s M_FORBIDDEN', async () => {
    const { body } = await shard.request<{ filter_id: string }>('POST', `${of(alice)}/filter`, { token: alice.token, body: {} });
    expect(await get(`${of(alice)}/filter/none`)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect(await get(`${of(alice)}/filter/${body.filter_id}`, bob)).toMatchObject({ status: 403 });
    expect(await get(`${of(bob)}/filter/${body.filter_id}`, bob)).toMatchObject({ status: 404 });
    expect((await shard.request('POST', `${of(alice)}/filter`, { token: bob.token, body: {} })).status).toBe(403);
  });

  it.each([{ room: 5 }, { room: { timeline: { limit: 'x' } } }, { room: { rooms: 'x' } }, { event_fields: [5] }])('%j is no filter', async (body) => {
    expect(await shard.request('POST', `${of(alice)}/filter`, { token: alice.token, body, malformed: true })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect((await shard.request('GET', `${V3}/sync`, { token: alice.token, query: { filter: JSON.stringify(body) }, malformed: true })).status).toBe(400);
  });
});

describe('Push rules', () => {
  interface Rule {
    readonly rule_id: string;
    readonly default: boolean;
    readonly enabled: boolean;
    readonly actions: readonly unknown[];
  }

  it('retrieves all push rulesets for this user: the predefined rules at first', async () => {
    const { body } = await shard.request<{ global: Record<string, readonly Rule[]> }>('GET', `${V3}/pushrules/`, { token: alice.token });
    expect(Object.keys(body.global).sort()).toEqual(['content', 'override', 'room', 'sender', 'underride']);
    expect(body.global['override']?.map(({ rule_id: id }) => id)).toEqual(expect.arrayContaining(['.m.rule.master', '.m.rule.suppress_notices', '.m.rule.invite_for_me', '.m.rule.is_user_mention', '.m.rule.reaction']));
    expect(body.global['underride']?.map(({ rule_id: id }) => id)).toEqual(expect.arrayContaining(['.m.rule.encrypted_room_one_to_one', '.m.rule.encrypted']));
    expect((await get(`${V3}/pushrules/global/`)).body).toEqual(body.global);
    expect((await get(`${V3}/pushrules`)).body).toEqual(body);
  });

  it('retrieves one rule, whether it is enabled, and its actions', async () => {
    const path = `${V3}/pushrules/global/override/.m.rule.master`;
    expect((await get(path)).body).toMatchObject({ rule_id: '.m.rule.master', default: true, enabled: false, actions: [] });
    expect((await get(`${path}/enabled`)).body).toEqual({ enabled: false });
    expect((await get(`${path}/actions`)).body).toEqual({ actions: [] });
  });

  it('a rule that is not there is M_NOT_FOUND, of a kind that is none too', async () => {
    expect(await get(`${V3}/pushrules/global/override/none`)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect(await get(`${V3}/pushrules/global/nothing/.m.rule.master`)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    expect((await get(`${V3}/pushrules/device/x`)).status).toBe(404);
  });
});
