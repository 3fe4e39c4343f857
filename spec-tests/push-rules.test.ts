import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { joined, syncCalls, type SyncCalls } from './sync-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#push-rules-api
let shard: Shard;
let calls: SyncCalls;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  shard = await startShard();
  calls = syncCalls(shard);
});
beforeEach(async () => {
  [alice, bob] = [await shard.register(), await shard.register()];
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

interface Rule {
  readonly rule_id: string;
  readonly enabled: boolean;
  readonly default: boolean;
  readonly actions: readonly unknown[];
}
type Body = Readonly<Record<string, unknown>>;
const silent = { actions: [] };
const refusedAs = (status: number, errcode: string) => ({ status, body: { errcode } });
const set = (person: Person, kind: string, ruleId: string, body: object, query: Record<string, string> = {}, malformed = false): Promise<Answer<Body>> =>
  calls.call(person, 'PUT', ['pushrules', 'global', kind, ruleId], body, { query, malformed });
const part = (person: Person, kind: string, ruleId: string, of: 'enabled' | 'actions', body?: object, malformed = false): Promise<Answer<Body>> =>
  calls.call(person, body === undefined ? 'GET' : 'PUT', ['pushrules', 'global', kind, ruleId, of], body, { malformed });
const remove = (person: Person, kind: string, ruleId: string) => calls.call(person, 'DELETE', ['pushrules', 'global', kind, ruleId]);
const rulesOf = async (person: Person, kind: string): Promise<readonly Rule[]> =>
  (await calls.call<Record<string, readonly Rule[]>>(person, 'GET', ['pushrules', 'global', ''])).body[kind] ?? [];
const own = async (person: Person, kind: string): Promise<readonly string[]> =>
  (await rulesOf(person, kind)).filter((rule) => !rule.default).map(({ rule_id }) => rule_id);

describe('PUT /pushrules/global/{kind}/{ruleId}', () => {
  it.each([
    ['override', 'quiet', { conditions: [{ kind: 'event_match', key: 'type', pattern: 'm.reaction' }], actions: ['notify', { set_tweak: 'sound', value: 'bing' }] }],
    ['underride', 'loud', { conditions: [], actions: ['notify'] }],
    ['content', 'nocake', { pattern: 'cake*lie', actions: [] }],
    ['room', '!foo:example.com', { actions: ['dont_notify'] }],
    ['sender', '@bar:example.com', { actions: ['dont_notify', 'coalesce'] }],
  ])('%s: "allows the creation of user defined push rules", enabled, its actions as they were given', async (kind, ruleId, body) => {
    expect(await set(alice, kind, ruleId, body)).toMatchObject({ status: 200, body: {} });
    const { body: rule } = await calls.call(alice, 'GET', ['pushrules', 'global', kind, ruleId]);
    expect(rule).toEqual({ rule_id: ruleId, default: false, enabled: true, ...body });
    expect(await own(alice, kind)).toEqual([ruleId]);
    expect(await own(bob, kind)).toEqual([]);
  });

  it('"it should be added as the most important user defined rule", but the master rule stays the first', async () => {
    for (const id of ['one', 'two']) await set(alice, 'override', id, { conditions: [], ...silent });
    expect((await rulesOf(alice, 'override')).slice(0, 4).map(({ rule_id }) => rule_id)).toEqual(['.m.rule.master', 'two', 'one', '.m.rule.suppress_notices']);
  });

  it('"if both after and before are provided", before decides; each alone says where', async () => {
    for (const id of ['c', 'b', 'a']) await set(alice, 'room', `!${id}`, silent);
    await set(alice, 'room', '!x', silent, { before: '!b' });
    await set(alice, 'room', '!y', silent, { after: '!b' });
    await set(alice, 'room', '!z', silent, { after: '!a', before: '!c' });
    expect(await own(alice, 'room')).toEqual(['!a', '!x', '!b', '!y', '!z', '!c']);
    await set(alice, 'room', '!c', silent, { before: '!a' });
    expect(await own(alice, 'room')).toEqual(['!c', '!a', '!x', '!b', '!y', '!z']);
  });

  it('"if a rule with the same rule_id already exists … it is updated": in its place, off if it was off', async () => {
    for (const id of ['b', 'a']) await set(alice, 'content', id, { pattern: id, ...silent });
    await part(alice, 'content', 'b', 'enabled', { enabled: false });
    await set(alice, 'content', 'b', { pattern: 'bee', actions: ['notify'] });
    expect(await rulesOf(alice, 'content')).toMatchObject([{ rule_id: 'a' }, { rule_id: 'b', pattern: 'bee', actions: ['notify'], enabled: false }]);
  });

  it.each<readonly [string, Parameters<typeof set> extends readonly [Person, ...infer Rest] ? Rest : never, number, string]>([
    ['a rule id that "starts with a dot"', ['override', '.mine', { ...silent, conditions: [] }], 400, 'M_INVALID_PARAM'],
    ['the id of a predefined rule', ['override', '.m.rule.master', { ...silent, conditions: [] }], 400, 'M_INVALID_PARAM'],
    ['slashes', ['content', 'a/b', { pattern: 'x', ...silent }], 400, 'M_INVALID_PARAM'],
    ['backslashes', ['content', 'a\\b', { pattern: 'x', ...silent }], 400, 'M_INVALID_PARAM'],
    ['a content rule without a pattern', ['content', 'x', silent], 400, 'M_MISSING_PARAM'],
    ['no actions', ['room', '!x', {}, {}, true], 400, 'M_BAD_JSON'],
    ['an action nobody knows', ['room', '!x', { actions: ['shout'] }], 400, 'M_INVALID_PARAM'],
    ['an object that sets no tweak', ['room', '!x', { actions: [{ value: 'bing' }] }], 400, 'M_INVALID_PARAM'],
    ['a condition without a kind', ['override', 'x', { conditions: [{ key: 'type' }], ...silent }, {}, true], 400, 'M_BAD_JSON'],
    ['a room rule for what is no room', ['room', 'somewhere', silent], 400, 'M_INVALID_PARAM'],
    ['a sender rule for nobody', ['sender', 'somebody', silent], 400, 'M_INVALID_PARAM'],
    ['a kind that does not exist', ['sideride', 'x', silent, {}, true], 400, 'M_INVALID_PARAM'],
    ['"before/after rule not found"', ['room', '!x', silent, { before: '!none' }], 400, 'M_UNKNOWN'],
    ['"it is not possible to add a rule relative to a predefined server rule"', ['override', 'x', { ...silent, conditions: [] }, { after: '.m.rule.master' }], 400, 'M_UNKNOWN'],
  ])('refuses %s, and nothing changes', async (_, arguments_, status, errcode) => {
    expect(await set(alice, ...arguments_)).toMatchObject(refusedAs(status, errcode));
    for (const kind of ['override', 'content', 'room', 'sender', 'underride']) expect(await own(alice, kind)).toEqual([]);
  });

  it('keeps no more rules than it can ask of every event', async () => {
    const conditions = Array.from({ length: 50 }, () => ({ kind: 'event_match', key: 'k'.repeat(500), pattern: 'p'.repeat(255) }));
    const statuses: number[] = [];
    for (const id of ['a', 'b', 'c', 'd']) statuses.push((await set(alice, 'override', id, { conditions, ...silent })).status);
    expect(statuses).toEqual([200, 200, 200, 413]);
  });
});

describe('enabled, actions and DELETE', () => {
  it('"enable or disable" and "change the actions of" rules, "builtin rules" too', async () => {
    const mention = ['override', '.m.rule.is_room_mention'] as const;
    expect((await part(alice, ...mention, 'enabled')).body).toEqual({ enabled: true });
    expect((await part(alice, ...mention, 'enabled', { enabled: false })).status).toBe(200);
    expect((await part(alice, ...mention, 'actions', { actions: ['dont_notify'] })).status).toBe(200);
    expect((await calls.call(alice, 'GET', ['pushrules', 'global', ...mention])).body).toMatchObject({ default: true, enabled: false, actions: ['dont_notify'] });
    expect((await part(alice, ...mention, 'actions', { actions: ['notify', 'shout'] }))).toMatchObject(refusedAs(400, 'M_INVALID_PARAM'));
    expect((await part(alice, ...mention, 'actions')).body).toEqual({ actions: ['dont_notify'] });
  });

  it('"removes the push rule"; predefined ones remain', async () => {
    await set(alice, 'room', '!x', silent);
    expect((await remove(alice, 'room', '!x')).status).toBe(200);
    expect(await own(alice, 'room')).toEqual([]);
    expect(await remove(alice, 'override', '.m.rule.master')).toMatchObject(refusedAs(400, 'M_INVALID_PARAM'));
    expect((await part(alice, 'override', '.m.rule.master', 'enabled')).body).toEqual({ enabled: false });
  });

  it('"the push rule does not exist": 404', async () => {
    const none = refusedAs(404, 'M_NOT_FOUND');
    for (const ruleId of ['none', '.m.rule.none']) {
      expect(await remove(alice, 'override', ruleId)).toMatchObject(none);
      expect(await part(alice, 'override', ruleId, 'enabled')).toMatchObject(none);
      expect(await part(alice, 'override', ruleId, 'actions')).toMatchObject(none);
      expect(await part(alice, 'override', ruleId, 'enabled', { enabled: true })).toMatchObject(none);
      expect(await part(alice, 'override', ruleId, 'actions', silent)).toMatchObject(none);
    }
    expect(await calls.call(alice, 'GET', ['pushrules', 'global', 'sideride', 'none'], undefined, { malformed: true })).toMatchObject(none);
  });
});

describe('m.push_rules', () => {
  it('"when a user changes their push rules", their devices hear of it in /sync at once', async () => {
    const answer = await calls.wokenBy(alice, () => set(alice, 'room', '!quiet', silent));
    const rules = answer.account_data?.events.find(({ type }) => type === 'm.push_rules');
    expect(rules?.content).toMatchObject({ global: { room: [{ rule_id: '!quiet' }] } });
    const again = await calls.wokenBy(alice, () => remove(alice, 'room', '!quiet'));
    expect(again.account_data?.events).toMatchObject([{ type: 'm.push_rules', content: { global: { room: [] } } }]);
  });

  it('is not set as account data', async () => {
    const put = await calls.call(alice, 'PUT', ['user', alice.userId, 'account_data', 'm.push_rules'], {});
    expect(put).toMatchObject(refusedAs(405, 'M_BAD_JSON'));
  });

  it('a person’s own rules decide what is counted as unread, in rooms they are in and come to', async () => {
    const before = await shard.createRoom(alice, [bob]);
    await calls.poll(bob);
    await set(bob, 'sender', alice.userId, silent);
    const after = await shard.createRoom(alice, [bob]);
    for (const roomId of [before, after]) await calls.say(alice, roomId);
    const sync = await calls.poll(bob);
    expect([before, after].map((roomId) => joined(sync, roomId).unread_notifications?.notification_count)).toEqual([0, 0]);
    await set(bob, 'sender', alice.userId, { actions: ['notify', { set_tweak: 'highlight' }] });
    await calls.say(alice, before);
    expect(joined(await calls.poll(bob), before).unread_notifications).toEqual({ notification_count: 1, highlight_count: 1 });
  });

  it('rules for a room are copied to the room that replaces it', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    await set(bob, 'room', roomId, silent);
    await set(bob, 'override', roomId, { conditions: [{ kind: 'event_match', key: 'room_id', pattern: roomId }], actions: [] });
    await set(bob, 'room', '!other', { actions: ['notify'] });
    const { body: { replacement_room: replacement } } = await calls.call<{ replacement_room: string }>(alice, 'POST', ['rooms', roomId, 'upgrade'], { new_version: '12' });
    expect(await own(bob, 'room')).toEqual(['!other', roomId, replacement]);
    expect(await own(bob, 'override')).toEqual([roomId, replacement]);
    expect((await rulesOf(bob, 'override')).find(({ rule_id }) => rule_id === replacement))
      .toMatchObject({ conditions: [{ kind: 'event_match', key: 'room_id', pattern: replacement }], actions: [], enabled: true });
    expect(await own(alice, 'room')).toEqual([]);
  });

  it('and to one that was founded by hand as its successor, but to no other that a tombstone names', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const successor = await shard.createRoom(alice, [], { creation_content: { predecessor: { room_id: roomId } } });
    const stranger = await shard.createRoom(alice);
    await set(bob, 'room', roomId, silent);
    for (const replacement_room of [stranger, '!none:localhost', 'nowhere', successor]) {
      expect(await calls.call(alice, 'PUT', ['rooms', roomId, 'state', 'm.room.tombstone', ''], { body: 'Replaced', replacement_room })).toMatchObject({ status: 200 });
    }
    const rules = await own(bob, 'room');
    expect(rules).toEqual(expect.arrayContaining([roomId, successor]));
    for (const other of [stranger, '!none:localhost', 'nowhere']) expect(rules).not.toContain(other);
  });
});
