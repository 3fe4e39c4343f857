import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Person, type RoomEvent, type Shard } from './harness.js';
import { syncCalls, type SyncCalls } from './sync-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#listing-notifications
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
  await shard.stop();
  expect(shard.failures()).toEqual([]);
});

interface Page {
  readonly next_token?: string;
  readonly notifications: readonly { readonly actions: readonly unknown[]; readonly event: RoomEvent; readonly read: boolean; readonly room_id: string; readonly ts: number }[];
}
const list = async (person: Person, query: Record<string, string | number> = {}): Promise<Page> =>
  (await calls.call<Page>(person, 'GET', ['notifications'], undefined, { query })).body;
const ids = ({ notifications }: Page): readonly string[] => notifications.map(({ event }) => event.event_id);
const inThread = (root: string) => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: root } });

describe('GET /notifications', () => {
  it('"events that the user has been, or would have been notified about", with what was read of them', async () => {
    const [one, two] = [await shard.createRoom(alice, [bob]), await shard.createRoom(alice, [bob])];
    const read = await calls.say(alice, one);
    await calls.say(bob, two);
    const thread = await calls.say(alice, one, inThread(read));
    await calls.setState(alice, one, 'm.room.topic', { topic: 'Quiet' });
    const last = await calls.say(alice, two);
    await calls.receipt(bob, one, read, 'm.read', 'main');
    const page = await list(bob);
    expect(page.next_token).toBeUndefined();
    expect(page.notifications.map(({ event, read: isRead, room_id }) => [event.event_id, room_id, isRead])).toEqual([[last, two, false], [thread, one, false], [read, one, true]]);
    expect(page.notifications[0]).toMatchObject({ actions: ['notify', { set_tweak: 'sound', value: 'default' }], ts: page.notifications[0]?.event.origin_server_ts });
    expect(ids(await list(alice))).toHaveLength(1);
  });

  it('"should be the next_token returned from an earlier call": page by page, each once', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const said: string[] = [];
    for (let n = 0; n < 7; n += 1) said.unshift(await calls.say(alice, roomId));
    const seen: string[] = [];
    for (let page = await list(bob, { limit: 3 }); ; page = await list(bob, { limit: 3, from: page.next_token ?? '' })) {
      seen.push(...ids(page));
      if (page.next_token === undefined) break;
    }
    expect(seen).toEqual(said);
    expect((await calls.call(bob, 'GET', ['notifications'], undefined, { query: { from: 'nonsense' } }))).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  it('"supply highlight to return only events where the notification had the highlight tweak set"', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    await calls.say(alice, roomId);
    expect(ids(await list(bob, { only: 'highlight' }))).toEqual([]);
    await calls.call(bob, 'PUT', ['pushrules', 'global', 'sender', alice.userId], { actions: ['notify', { set_tweak: 'highlight' }] });
    const loud = await calls.say(alice, roomId);
    expect(ids(await list(bob, { only: 'highlight' }))).toContain(loud);
  });

  it('shows nothing of rooms one is not in, of before one came, of people one ignores, and of what was redacted', async () => {
    const roomId = await shard.createRoom(alice);
    await calls.say(alice, roomId);
    await calls.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: bob.userId });
    await calls.call(bob, 'POST', ['rooms', roomId, 'join'], {});
    const [redacted, stays] = [await calls.say(alice, roomId), await calls.say(alice, roomId)];
    await calls.call(alice, 'PUT', ['rooms', roomId, 'redact', redacted, 'gone'], {});
    expect(ids(await list(bob))).toEqual([stays]);
    await calls.accountData(bob, 'm.ignored_user_list', { ignored_users: { [alice.userId]: {} } });
    expect(ids(await list(bob))).toEqual([]);
    await calls.accountData(bob, 'm.ignored_user_list', { ignored_users: {} });
    expect(ids(await list(bob))).toEqual([stays]);
    await calls.call(bob, 'POST', ['rooms', roomId, 'leave'], {});
    expect(ids(await list(bob))).toEqual([]);
  });
});
