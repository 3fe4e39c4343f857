import { describe, expect, it } from '@jest/globals';
import { shardOfThree } from './shard-of-three.js';
import { syncCalls } from './sync-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync, #extensions-to-sync-1
const { shard, alice, bob } = await shardOfThree();
const calls = syncCalls(shard);
const roomId = await shard.createRoom(alice, [bob]);

const numbers = (sync: { to_device?: { events: readonly { content: Readonly<Record<string, unknown>> }[] } }) => (sync.to_device?.events ?? []).map(({ content }) => content['n']);

describe('to_device', () => {
  it('is kept until "the client uses the next_batch token" that proves it arrived', async () => {
    const tablet = await shard.logIn(bob);
    const first = await calls.poll(tablet);
    for (const n of [1, 2]) await calls.toDevice(alice, tablet, { n });
    const answers = [await calls.poll(tablet, { since: first.next_batch }), await calls.poll(tablet, { since: first.next_batch }), await calls.poll(tablet)];
    expect(answers.map(numbers)).toEqual([[1, 2], [1, 2], [1, 2]]);
    await calls.toDevice(alice, tablet, { n: 3 });
    const next = await calls.poll(tablet, { since: answers[1]?.next_batch ?? '' });
    expect(numbers(next)).toEqual([3]);
    await calls.poll(tablet, { since: next.next_batch });
    expect(numbers(await calls.poll(tablet))).toEqual([]);
  });

  it('more than 100 come in order, none lost, and nothing else is lost beside them', async () => {
    const tablet = await shard.logIn(bob);
    let { next_batch: since } = await calls.poll(tablet);
    const said: string[] = [];
    for (let n = 0; n < 230; n += 1) {
      await calls.toDevice(alice, tablet, { n });
      if (n % 50 === 0) said.push(await calls.say(alice, roomId));
    }
    const [arrived, heard, sizes]: [unknown[], string[], number[]] = [[], [], []];
    for (let i = 0; i < 3; i += 1) {
      const sync = await calls.poll(tablet, { since });
      arrived.push(...numbers(sync));
      sizes.push(numbers(sync).length);
      heard.push(...(sync.rooms?.join?.[roomId]?.timeline?.events ?? []).map(({ event_id }) => event_id));
      since = sync.next_batch;
    }
    expect(sizes).toEqual([100, 100, 30]);
    expect(arrived).toEqual(Array.from({ length: 230 }, (_, n) => n));
    expect(heard).toEqual(said);
  });

  it('a first sync of a device with more than 100 loses no room', async () => {
    const tablet = await shard.logIn(bob);
    for (let n = 0; n < 101; n += 1) await calls.toDevice(alice, tablet, { n });
    const late = await shard.createRoom(alice, [bob], { initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }] });
    const first = await calls.poll(tablet);
    expect(Object.keys(first.rooms?.join ?? {})).not.toContain(late);
    const second = await calls.poll(tablet, { since: first.next_batch });
    expect([numbers(first).length, numbers(second).length]).toEqual([100, 1]);
    const room = second.rooms?.join?.[late];
    expect(room?.timeline?.events.map(({ type, state_key }) => [type, state_key])).toEqual([['m.room.member', bob.userId]]);
    expect(room?.state?.events.map(({ type }) => type)).toContain('m.room.encryption');
  });
});

describe('device_lists', () => {
  it('"changed: users who have updated their device identity … or who now share an encrypted room", oneself among them', async () => {
    const { next_batch: since } = await calls.poll(bob);
    const stranger = await shard.register();
    for (const person of [alice, bob, stranger]) await calls.call(person, 'PUT', ['devices', person.deviceId], { display_name: 'Renamed' });
    const sync = await calls.poll(bob, { since });
    expect([...(sync.device_lists?.changed ?? [])].sort()).toEqual([alice.userId, bob.userId].sort());
    expect((await calls.poll(bob, { since })).device_lists).toEqual(sync.device_lists);
    expect((await calls.poll(bob, { since: sync.next_batch })).device_lists).toEqual({ changed: [], left: [] });
  });

  it('"left: users with whom we do not share any encrypted rooms anymore"', async () => {
    const carol = await shard.register();
    let { next_batch: since } = await calls.poll(bob);
    const shared = await shard.createRoom(bob, [carol]);
    const met = await calls.poll(bob, { since });
    expect(met.device_lists?.changed).toContain(carol.userId);
    ({ next_batch: since } = met);
    await calls.call(carol, 'POST', ['rooms', shared, 'leave'], {});
    expect((await calls.poll(bob, { since })).device_lists).toEqual({ changed: [], left: [carol.userId] });
  });
});

describe('keys', () => {
  it('device_one_time_keys_count is there from the first answer, zero spelled out; device_unused_fallback_key_types too', async () => {
    const person = await shard.register();
    const none = { device_one_time_keys_count: { signed_curve25519: 0 }, device_unused_fallback_key_types: [] };
    const first = await calls.poll(person);
    expect(first).toMatchObject(none);
    expect(await calls.poll(person, { since: first.next_batch })).toMatchObject(none);
    await calls.uploadKeys(person, { oneTime: 2, fallback: true });
    expect(await calls.poll(person, { since: first.next_batch })).toMatchObject({ device_one_time_keys_count: { signed_curve25519: 2 }, device_unused_fallback_key_types: ['signed_curve25519'] });
  });

  it('a used fallback key is no longer named', async () => {
    await calls.uploadKeys(bob, { fallback: true });
    const claim = { one_time_keys: { [bob.userId]: { [bob.deviceId]: 'signed_curve25519' } } };
    expect((await calls.poll(bob)).device_unused_fallback_key_types).toEqual(['signed_curve25519']);
    await calls.call(alice, 'POST', ['keys', 'claim'], claim);
    expect((await calls.poll(bob)).device_unused_fallback_key_types).toEqual([]);
  });
});
