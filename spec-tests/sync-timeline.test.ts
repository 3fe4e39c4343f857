import { describe, expect, it } from '@jest/globals';
import type { Person } from './harness.js';
import { shardOfThree } from './shard-of-three.js';
import { joined, keysOfState, syncCalls, timelineIds } from './sync-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#syncing
const { shard, alice, bob } = await shardOfThree();
const calls = syncCalls(shard);

async function sayMany(person: Person, roomId: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) ids.push(await calls.say(person, roomId));
  return ids;
}

describe('a first sync', () => {
  it('"if since is not specified", tells of all rooms with their full state', async () => {
    const roomId = await shard.createRoom(alice, [bob], { name: 'The first' });
    const said = await calls.say(bob, roomId);
    const room = joined(await calls.poll(alice), roomId);
    expect(timelineIds(room).at(-1)).toBe(said);
    const known = [...(room.state?.events ?? []), ...(room.timeline?.events ?? [])];
    expect(keysOfState(known)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.encryption', 'm.room.name', 'm.room.power_levels', `m.room.member/${alice.userId}`]));
    expect(room.timeline?.limited).toBe(false);
    expect(room.ephemeral).toEqual({ events: [] });
    expect(room.account_data).toEqual({ events: [] });
  });

  it('has every event once, in the state or in the timeline, and no room_id in any', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    await sayMany(alice, roomId, 22);
    const room = joined(await calls.poll(alice), roomId);
    expect(room.timeline).toMatchObject({ limited: true, prev_batch: expect.any(String) });
    expect(room.timeline?.events).toHaveLength(20);
    const all = [...(room.state?.events ?? []), ...(room.timeline?.events ?? [])];
    expect(new Set(all.map(({ event_id }) => event_id)).size).toBe(all.length);
    expect(all.filter((event) => 'room_id' in event)).toEqual([]);
    expect(keysOfState(room.state?.events)).toContain('m.room.encryption');
  });

  it('carries the push rules, the account data, and accepts every presence', async () => {
    await calls.accountData(alice, 'org.example.colour', { colour: 'blue' });
    for (const set_presence of ['offline', 'online', 'unavailable']) {
      const { account_data } = await calls.poll(alice, { set_presence });
      expect(account_data?.events).toEqual(expect.arrayContaining([
        { type: 'm.push_rules', content: { global: expect.objectContaining({ override: expect.anything() }) } },
        { type: 'org.example.colour', content: { colour: 'blue' } },
      ]));
    }
    expect(await calls.call(alice, 'GET', ['sync'], undefined, { query: { set_presence: 'asleep' }, malformed: true })).toMatchObject({ status: 400 });
  });
});

describe('a later sync', () => {
  it('"the same since" is answered alike, however often', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const { next_batch: since } = await calls.poll(bob);
    const said = await calls.say(alice, roomId);
    await calls.receipt(alice, roomId, said);
    const answers = [await calls.poll(bob, { since }), await calls.poll(bob, { since })];
    await calls.poll(bob, { since: answers[1]?.next_batch ?? '' });
    answers.push(await calls.poll(bob, { since }));
    for (const answer of answers) {
      expect(answer.next_batch).toBe(answers[0]?.next_batch);
      expect(timelineIds(joined(answer, roomId))).toEqual([said]);
      expect(joined(answer, roomId).ephemeral?.events).toEqual([{ type: 'm.receipt', content: { [said]: { 'm.read': { [alice.userId]: { ts: expect.any(Number) } } } } }]);
    }
  });

  it('has nothing twice and nothing of rooms in which nothing moved', async () => {
    const [quiet, loud] = [await shard.createRoom(alice, [bob]), await shard.createRoom(alice, [bob])];
    const first = await calls.poll(bob);
    const one = await calls.say(alice, loud);
    const second = await calls.poll(bob, { since: first.next_batch });
    const two = await calls.say(alice, loud);
    const third = await calls.poll(bob, { since: second.next_batch });
    expect([timelineIds(joined(second, loud)), timelineIds(joined(third, loud))]).toEqual([[one], [two]]);
    expect(second.rooms?.join).not.toHaveProperty([quiet]);
    expect((await calls.poll(bob, { since: third.next_batch })).rooms?.join).toEqual({});
  });

  it('refuses tokens it never gave', async () => {
    const { next_batch } = await calls.poll(alice);
    const future = `s${Number(next_batch.slice(1)) + 100_000}`;
    for (const since of [future, 'nonsense', '', 's-1', 't3', 's1.5', 's99999999999999999999']) {
      expect(await calls.call(alice, 'GET', ['sync'], undefined, { query: { since } })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    }
    expect(await calls.call(alice, 'GET', ['sync'], undefined, { query: { timeout: 'soon' }, malformed: true })).toMatchObject({ status: 400 });
  });

  it('"limited: true if the number of events returned was limited", and prev_batch leads to what was left out, without gap or repetition', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const { next_batch: since } = await calls.poll(bob);
    const said = await sayMany(alice, roomId, 37);
    const answer = await calls.poll(bob, { since });
    const { timeline } = joined(answer, roomId);
    expect(timeline?.limited).toBe(true);
    const back: string[] = [];
    for (let from: string | undefined = timeline?.prev_batch; from !== undefined && back.length < 17; ) {
      const { body } = await calls.messages(bob, roomId, { from, to: since, limit: 6 });
      back.unshift(...body.chunk.map(({ event_id }) => event_id).reverse());
      from = body.end;
    }
    expect([...back, ...timelineIds({ timeline })]).toEqual(said);
    // Forwards from the token of the sync there is nothing that the sync did not tell.
    expect((await calls.messages(bob, roomId, { dir: 'f', from: answer.next_batch })).body.chunk).toEqual([]);
  });

  it('"full_state: true": all state comes, the timeline does not', async () => {
    const roomId = await shard.createRoom(alice, [bob], { topic: 'Everything' });
    const { next_batch: since } = await calls.poll(bob);
    const room = joined(await calls.poll(bob, { since, full_state: true, timeout: 30_000 }), roomId);
    expect(room.timeline).toMatchObject({ events: [], limited: false });
    expect(keysOfState(room.state?.events)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.encryption', 'm.room.topic', `m.room.member/${bob.userId}`]));
    expect(room.summary).toMatchObject({ 'm.joined_member_count': 2, 'm.heroes': [alice.userId] });
  });
});

describe('state', () => {
  it('holds what changed "between the time indicated by the since parameter, and the start of the timeline"', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const { next_batch: since } = await calls.poll(bob);
    await calls.setState(alice, roomId, 'm.room.name', { name: 'old' });
    await calls.setState(alice, roomId, 'm.room.name', { name: 'in the gap' });
    await sayMany(alice, roomId, 19);
    await calls.setState(alice, roomId, 'm.room.name', { name: 'in the timeline' });
    const room = joined(await calls.poll(bob, { since }), roomId);
    expect(room.state?.events.map(({ content }) => content)).toEqual([{ name: 'in the gap' }]);
    expect(room.timeline?.events.at(-1)).toMatchObject({ content: { name: 'in the timeline' }, unsigned: { prev_content: { name: 'in the gap' }, prev_sender: alice.userId } });
  });

  it.each(['use_state_after', 'org.matrix.msc4222.use_state_after'] as const)('"%s": the state at the end of the timeline, the timeline’s own included', async (spelling) => {
    const member = spelling === 'use_state_after' ? 'state_after' : 'org.matrix.msc4222.state_after';
    const roomId = await shard.createRoom(alice, [bob]);
    const { next_batch: since } = await calls.poll(bob);
    await calls.setState(alice, roomId, 'm.room.topic', { topic: 'in the gap' });
    await sayMany(alice, roomId, 20);
    await calls.setState(alice, roomId, 'm.room.name', { name: 'in the timeline' });
    const later = joined(await calls.poll(bob, { since, [spelling]: true }), roomId) as unknown as Record<string, { events: { type: string }[] }>;
    expect(later).not.toHaveProperty('state');
    expect(keysOfState(later[member]?.events)).toEqual(['m.room.name', 'm.room.topic']);
    const first = joined(await calls.poll(bob, { [spelling]: true }), roomId) as unknown as Record<string, { events: { type: string }[] }>;
    expect(keysOfState(first[member]?.events)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.encryption', 'm.room.name', 'm.room.topic']));
  });
});

describe('unsigned', () => {
  it('"transaction_id: the client-supplied transaction ID, if the client being given the event is the same one which sent it"', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const tablet = await shard.logIn(alice);
    const tokens = await Promise.all([alice, tablet, bob].map(async (person) => ({ person, since: (await calls.poll(person)).next_batch })));
    await calls.say(alice, roomId);
    const unsigned = await Promise.all(tokens.map(async ({ person, since }) => joined(await calls.poll(person, { since }), roomId).timeline?.events[0]?.unsigned));
    expect(unsigned.map((of) => typeof of?.['transaction_id'])).toEqual(['string', 'undefined', 'undefined']);
    expect(unsigned.map((of) => of?.['membership'])).toEqual(['join', 'join', 'join']);
  });

  it('"membership: the room membership of the user making the request, at the time of the event"', async () => {
    const roomId = await shard.createRoom(alice);
    await calls.say(alice, roomId);
    await calls.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: bob.userId });
    await calls.say(alice, roomId);
    await calls.call(bob, 'POST', ['rooms', roomId, 'join'], {});
    const events = joined(await calls.poll(bob), roomId).timeline?.events ?? [];
    expect(events.slice(-4).map(({ unsigned }) => unsigned?.['membership'])).toEqual(['leave', 'invite', 'invite', 'join']);
  });

  it('"redacted_because: the event that redacted this event", whose content is gone', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const { next_batch: since } = await calls.poll(bob);
    const said = await calls.say(alice, roomId);
    const [{ next_batch: between }] = [await calls.poll(bob, { since })];
    const redacted = await calls.call<{ event_id: string }>(alice, 'PUT', ['rooms', roomId, 'redact', said, 'r1'], {});
    const events = joined(await calls.poll(bob, { since }), roomId).timeline?.events;
    expect(events).toMatchObject([
      { event_id: said, content: {}, unsigned: { redacted_because: { event_id: redacted.body.event_id, type: 'm.room.redaction' } } },
      { event_id: redacted.body.event_id, type: 'm.room.redaction', content: { redacts: said } },
    ]);
    expect(events?.[0]?.content).toEqual({});
    expect(timelineIds(joined(await calls.poll(bob, { since: between }), roomId))).toEqual([redacted.body.event_id]);
  });
});
