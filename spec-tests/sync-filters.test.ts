import { describe, expect, it } from '@jest/globals';
import type { Person } from './harness.js';
import { shardOfThree } from './shard-of-three.js';
import { joined, keysOfState, syncCalls, timelineIds } from './sync-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#filtering, #lazy-loading-room-members
const { shard, alice, bob } = await shardOfThree();
const calls = syncCalls(shard);

const filtered = (person: Person, filter: object, query: Record<string, string | number> = {}) => calls.poll(person, { ...query, filter: JSON.stringify(filter) });

describe('a filter', () => {
  it('"the ID of a filter created using the filter API or a filter JSON object encoded as a string"', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const filter = { room: { timeline: { limit: 1 } } };
    const { body } = await calls.call<{ filter_id: string }>(bob, 'POST', ['user', bob.userId, 'filter'], filter);
    const answers = [await filtered(bob, filter), await calls.poll(bob, { filter: body.filter_id })];
    for (const answer of answers) expect(joined(answer, roomId).timeline).toMatchObject({ events: [{ state_key: bob.userId }], limited: true });
  });

  it('is refused when it is none', async () => {
    const bad = ['{', '{"room":[]}', '{"room":{"timeline":{"limit":"ten"}}}', '{"room":{"timeline":{"types":"m.room.name"}}}', '{"room":{"timeline":{"limit":-1}}}', 'none-such'];
    for (const filter of bad) expect(await calls.call(bob, 'GET', ['sync'], undefined, { query: { filter } })).toMatchObject({ status: 400 });
  });

  it('is refused when it names rooms or people by what is no id', async () => {
    const bad = [{ room: { rooms: ['room'] } }, { room: { timeline: { not_rooms: ['#a:b'] } } }, { room: { state: { senders: ['bob'] } } }, { presence: { not_senders: ['@bob'] } }];
    for (const filter of bad) {
      expect(await calls.call(bob, 'POST', ['user', bob.userId, 'filter'], filter)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
      expect(await calls.call(bob, 'GET', ['sync'], undefined, { query: { filter: JSON.stringify(filter) } })).toMatchObject({ status: 400 });
    }
  });

  it('of no event at all leaves the timeline empty and has everything in the state, also of rooms one has left', async () => {
    const [roomId, left] = [await shard.createRoom(alice, [bob]), await shard.createRoom(alice, [bob])];
    await calls.call(bob, 'POST', ['rooms', left, 'leave'], {});
    const { rooms } = await filtered(bob, { room: { timeline: { limit: 0 }, include_leave: true } });
    for (const room of [rooms?.join?.[roomId], rooms?.leave?.[left]]) {
      expect(room?.timeline).toMatchObject({ events: [], limited: true });
      expect(keysOfState(room?.state?.events)).toEqual(expect.arrayContaining(['m.room.create', `m.room.member/${bob.userId}`]));
    }
    expect(rooms?.leave?.[left]?.state?.events.find(({ state_key }) => state_key === bob.userId)?.content).toMatchObject({ membership: 'leave' });
  });

  it('"types, not_types: a \'*\' can be used as a wildcard to match any sequence of characters"', async () => {
    const roomId = await shard.createRoom(alice, [bob], { name: 'Types' });
    const said = await calls.say(alice, roomId);
    const only = joined(await filtered(bob, { room: { timeline: { types: ['m.room.enc*ed'] }, state: { types: ['m.room.n*', '*.create'] } } }), roomId);
    expect(timelineIds(only)).toEqual([said]);
    expect(keysOfState(only.state?.events)).toEqual(['m.room.create', 'm.room.name']);
    const without = joined(await filtered(bob, { room: { timeline: { types: ['m.room.*'], not_types: ['m.room.encrypted', 'm.room.m*'] } } }), roomId);
    expect(without.timeline?.events.map(({ type }) => type)).not.toEqual(expect.arrayContaining(['m.room.encrypted']));
    expect(without.timeline?.events.map(({ type }) => type)).toContain('m.room.name');
    const none = joined(await filtered(bob, { room: { timeline: { types: [] }, state: { types: [] } } }), roomId);
    expect([none.timeline?.events, none.state?.events]).toEqual([[], []]);
  });

  it('that leaves the timeline empty leaves no state out: all of it comes before the end', async () => {
    const roomId = await shard.createRoom(alice, [bob], { name: 'Nothing said' });
    const room = joined(await filtered(bob, { room: { timeline: { types: ['m.room.encrypted'] } } }), roomId);
    expect(room.timeline).toMatchObject({ events: [], limited: false });
    expect(keysOfState(room.state?.events)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.encryption', 'm.room.name', `m.room.member/${bob.userId}`]));
  });

  it('finds events far back that pass, up to its limit', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const said = await calls.say(bob, roomId);
    for (let i = 0; i < 40; i += 1) await calls.say(alice, roomId);
    const room = joined(await filtered(bob, { room: { timeline: { types: ['m.room.encrypted'], senders: [bob.userId], limit: 5 } } }), roomId);
    expect(timelineIds(room)).toEqual([said]);
    expect(timelineIds(joined(await filtered(bob, { room: { timeline: { not_senders: [alice.userId] } } }), roomId)).at(-1)).toBe(said);
  });

  it('"rooms, not_rooms": of the whole, and of one kind of event', async () => {
    const [one, two] = [await shard.createRoom(alice, [bob]), await shard.createRoom(alice, [bob])];
    expect(Object.keys((await filtered(bob, { room: { rooms: [one] } })).rooms?.join ?? {})).toEqual([one]);
    expect(Object.keys((await filtered(bob, { room: { rooms: [one, two], not_rooms: [one] } })).rooms?.join ?? {})).toEqual([two]);
    expect((await filtered(bob, { room: { rooms: [] } })).rooms?.join).toEqual({});
    await calls.accountData(bob, 'm.tag', { tags: {} }, one);
    await calls.type(alice, one, true);
    const not = { not_rooms: [one] };
    const sync = await filtered(bob, { room: { rooms: [one, two], timeline: not, state: not, account_data: not, ephemeral: not } });
    expect(joined(sync, one)).toMatchObject({ timeline: { events: [] }, state: { events: [] }, account_data: { events: [] }, ephemeral: { events: [] } });
    expect(joined(sync, two).timeline?.events).not.toEqual([]);
    expect((await filtered(bob, { room: { rooms: [] } }, { since: sync.next_batch })).rooms?.join).toEqual({});
  });

  it('looks at account data and ephemeral events too', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const { next_batch: since } = await calls.poll(bob);
    const said = await calls.say(alice, roomId);
    await calls.type(alice, roomId, true);
    await calls.receipt(alice, roomId, said);
    await calls.accountData(bob, 'org.example.a', {});
    await calls.accountData(bob, 'org.example.b', {});
    const sync = await filtered(bob, { account_data: { types: ['org.example.a'] }, room: { ephemeral: { not_types: ['m.receipt'] } } }, { since });
    expect(sync.account_data?.events.map(({ type }) => type)).toEqual(['org.example.a']);
    expect(joined(sync, roomId).ephemeral?.events.map(({ type }) => type)).toEqual(['m.typing']);
  });

  it('that hides receipts hides no counts', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const said = await calls.say(alice, roomId);
    const { next_batch: since } = await calls.poll(bob);
    await calls.receipt(bob, roomId, said);
    const room = joined(await filtered(bob, { room: { ephemeral: { types: [] } } }, { since }), roomId);
    expect(room).toMatchObject({ ephemeral: { events: [] }, unread_notifications: { notification_count: 0 } });
  });
});

describe('lazy_load_members', () => {
  const lazily = { room: { state: { lazy_load_members: true } } };
  const redundantly = { room: { state: { lazy_load_members: true, include_redundant_members: true } } };
  const members = (room: { state?: { events: readonly { type: string; state_key?: string }[] } }) =>
    (room.state?.events ?? []).filter(({ type }) => type === 'm.room.member').map(({ state_key }) => state_key).sort();

  async function crowd(name = 'Crowd'): Promise<{ roomId: string; carol: Person }> {
    const carol = await shard.register();
    const roomId = await shard.createRoom(alice, [bob, carol], { name });
    for (let i = 0; i < 21; i += 1) await calls.say(alice, roomId);
    return { roomId, carol };
  }

  it('"only the membership events of those who sent the events of the timeline", and one’s own', async () => {
    const { roomId } = await crowd();
    const room = joined(await filtered(bob, lazily), roomId);
    expect(members(room)).toEqual([alice.userId, bob.userId].sort());
    expect(keysOfState(room.state?.events)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.encryption', 'm.room.name']));
  });

  it('the heroes of a room without a name come along', async () => {
    const { roomId, carol } = await crowd('');
    expect(members(joined(await filtered(bob, lazily), roomId))).toContain(carol.userId);
  });

  it('tells each member once, unless "include_redundant_members"', async () => {
    const { roomId, carol } = await crowd();
    let { next_batch: since } = await filtered(bob, lazily);
    const seen = [];
    for (let i = 0; i < 3; i += 1) {
      await calls.say(carol, roomId);
      const again = joined(await filtered(bob, redundantly, { since }), roomId);
      expect(members(again)).toEqual([carol.userId]);
      const sync = await filtered(bob, lazily, { since });
      seen.push(members(joined(sync, roomId)));
      since = sync.next_batch;
    }
    expect(seen).toEqual([[carol.userId], [], []]);
  });

  it('a lost answer loses no member', async () => {
    const { roomId, carol } = await crowd();
    const { next_batch: since } = await filtered(bob, lazily);
    await calls.say(carol, roomId);
    await filtered(bob, lazily, { since }); // lost on its way
    for (let i = 0; i < 25; i += 1) await calls.say(alice, roomId);
    const gappy = await filtered(bob, lazily, { since }); // carol's message is in the gap now
    expect(members(joined(gappy, roomId))).toEqual([]);
    await calls.say(carol, roomId);
    expect(members(joined(await filtered(bob, lazily, { since: gappy.next_batch }), roomId))).toEqual([carol.userId]);
  });

  it('who comes back to a room is told its members anew', async () => {
    const { roomId, carol } = await crowd();
    await calls.say(carol, roomId);
    const { next_batch: since } = await filtered(bob, lazily);
    await calls.call(bob, 'POST', ['rooms', roomId, 'leave'], {});
    const left = await filtered(bob, lazily, { since });
    await calls.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: bob.userId });
    await calls.call(bob, 'POST', ['rooms', roomId, 'join'], {});
    for (let i = 0; i < 20; i += 1) await calls.say(alice, roomId);
    const back = await filtered(bob, lazily, { since: left.next_batch });
    expect(members(joined(back, roomId))).not.toContain(carol.userId);
    await calls.say(carol, roomId);
    expect(members(joined(await filtered(bob, lazily, { since: back.next_batch }), roomId))).toEqual([carol.userId]);
  });
});
