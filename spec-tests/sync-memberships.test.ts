import { describe, expect, it } from '@jest/globals';
import type { Person } from './harness.js';
import { shardOfThree } from './shard-of-three.js';
import { deliberatelyOdd } from './spec-events.js';
import { joined, keysOfState, syncCalls, timelineIds } from './sync-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#syncing, #stripped-state, #room-history-visibility
const { shard, alice, bob } = await shardOfThree();
const calls = syncCalls(shard);

const change = (by: Person, roomId: string, what: string, of?: Person) =>
  calls.call(by, 'POST', ['rooms', roomId, what], of === undefined ? {} : { user_id: of.userId });
const since = async (person: Person): Promise<string> => (await calls.poll(person)).next_batch;

describe('rooms one is not in', () => {
  it('"invite: the rooms that the user has been invited to", with their stripped state', async () => {
    const roomId = await shard.createRoom(alice, [], { name: 'Come in', topic: 'Tea' });
    const before = await since(bob);
    await change(alice, roomId, 'invite', bob);
    for (const sync of [await calls.poll(bob, { since: before }), await calls.poll(bob)]) {
      const events = sync.rooms?.invite?.[roomId]?.invite_state.events ?? [];
      expect(keysOfState(events)).toEqual(['m.room.create', 'm.room.encryption', 'm.room.join_rules', `m.room.member/${bob.userId}`, 'm.room.name', 'm.room.topic']);
      expect(events.at(-1)).toMatchObject({ sender: alice.userId, content: { membership: 'invite' } });
      expect(sync.rooms?.join).not.toHaveProperty([roomId]);
    }
    expect((await calls.poll(bob, { since: await since(bob) })).rooms?.invite).toEqual({});
  });

  it('a declined invite ends in "leave", without the room’s timeline', async () => {
    const roomId = await shard.createRoom(alice);
    await calls.say(alice, roomId);
    await change(alice, roomId, 'invite', bob);
    const before = await since(bob);
    await change(bob, roomId, 'leave');
    const sync = await calls.poll(bob, { since: before });
    expect(sync.rooms?.leave?.[roomId]?.timeline?.events).toMatchObject([{ type: 'm.room.member', state_key: bob.userId, content: { membership: 'leave' } }]);
    expect(sync.rooms?.leave?.[roomId]?.state?.events).toEqual([]);
    expect(sync.rooms?.invite).toEqual({});
  });

  it('"knock: the rooms that the user has knocked upon", until they are let in', async () => {
    const roomId = await shard.createRoom(alice, [], { initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }] });
    const before = await since(bob);
    expect(await calls.call(bob, 'POST', ['knock', roomId], { reason: 'let me in' })).toMatchObject({ status: 200 });
    const knocked = await calls.poll(bob, { since: before });
    expect(knocked.rooms?.knock?.[roomId]).toMatchObject({ knock_state: { events: [{ type: 'm.room.member', state_key: bob.userId }] } });
    await change(alice, roomId, 'invite', bob);
    const invited = await calls.poll(bob, { since: knocked.next_batch });
    expect([Object.keys(invited.rooms?.knock ?? {}), Object.keys(invited.rooms?.invite ?? {})]).toEqual([[], [roomId]]);
  });

  it.each(['kick', 'ban'])('"leave: the rooms that the user has left or been banned from": %s', async (what) => {
    const roomId = await shard.createRoom(alice, [bob]);
    const before = await since(bob);
    const said = await calls.say(alice, roomId);
    await change(alice, roomId, what, bob);
    const after = await calls.say(alice, roomId);
    const left = (await calls.poll(bob, { since: before })).rooms?.leave?.[roomId];
    expect(left?.timeline?.events).toMatchObject([{ event_id: said }, { type: 'm.room.member', state_key: bob.userId }]);
    expect(timelineIds(left)).not.toContain(after);
    const later = await calls.poll(bob, { since: await since(bob) });
    expect(later.rooms).toEqual({ join: {}, invite: {}, knock: {}, leave: {} });
  });

  it('who comes and goes between two syncs is told the whole room as left', async () => {
    const roomId = await shard.createRoom(alice, [], { name: 'Briefly' });
    await change(alice, roomId, 'invite', bob);
    const before = await since(bob);
    await change(bob, roomId, 'join');
    await change(bob, roomId, 'leave');
    const left = (await calls.poll(bob, { since: before })).rooms?.leave?.[roomId];
    const known = [...(left?.state?.events ?? []), ...(left?.timeline?.events ?? [])];
    expect(keysOfState(known)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.encryption', 'm.room.name']));
  });

  it('"include_leave: whether to include rooms that the user has left", and none that was forgotten', async () => {
    const person = await shard.register();
    const roomId = await shard.createRoom(alice, [person]);
    const said = await calls.say(alice, roomId);
    await change(person, roomId, 'leave');
    await calls.say(alice, roomId);
    const filter = JSON.stringify({ room: { include_leave: true } });
    const left = (await calls.poll(person, { filter })).rooms?.leave?.[roomId];
    expect(timelineIds(left).at(-2)).toBe(said);
    expect(left?.timeline?.events.at(-1)).toMatchObject({ content: { membership: 'leave' } });
    expect((await calls.poll(person)).rooms?.leave).toEqual({});
    await change(person, roomId, 'forget');
    expect((await calls.poll(person, { filter })).rooms?.leave).toEqual({});
  });

  it('that were left and forgotten at once are told of to other devices: that they were left, and nothing else', async () => {
    const person = await shard.register();
    const roomId = await shard.createRoom(alice, [person]);
    const before = await since(person);
    await calls.say(alice, roomId);
    await change(person, roomId, 'leave');
    await change(person, roomId, 'forget');
    const { next_batch, rooms } = await calls.poll(person, { since: before });
    expect(rooms?.leave?.[roomId]).toMatchObject({ timeline: { events: [{ type: 'm.room.member', content: { membership: 'leave' } }] }, state: { events: [] } });
    expect((await calls.poll(person, { since: next_batch })).rooms?.leave).toEqual({});
  });
});

describe('rooms one comes to', () => {
  it('are "limited: true" with full state, summary and one’s account data', async () => {
    const roomId = await shard.createRoom(alice, [bob], { name: 'Back again' });
    await calls.accountData(bob, 'm.tag', { tags: { u: {} } }, roomId);
    await change(bob, roomId, 'leave');
    const before = await since(bob);
    await calls.setState(alice, roomId, 'm.room.topic', { topic: 'while away' });
    await change(alice, roomId, 'invite', bob);
    await change(bob, roomId, 'join');
    const room = joined(await calls.poll(bob, { since: before }), roomId);
    expect(room.timeline?.limited).toBe(true);
    const known = [...(room.state?.events ?? []), ...(room.timeline?.events ?? [])];
    expect(keysOfState(known)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.encryption', 'm.room.name', 'm.room.topic', `m.room.member/${alice.userId}`]));
    expect(room.summary).toMatchObject({ 'm.joined_member_count': 2, 'm.invited_member_count': 0 });
    expect(room.account_data?.events).toEqual([{ type: 'm.tag', content: { tags: { u: {} } } }]);
  });

  it('come whole after a rejoin between two syncs', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const before = await since(bob);
    await change(bob, roomId, 'leave');
    await change(alice, roomId, 'invite', bob);
    await change(bob, roomId, 'join');
    const sync = await calls.poll(bob, { since: before });
    expect(joined(sync, roomId).timeline?.limited).toBe(true);
    expect(sync.rooms?.leave).toEqual({});
  });

  const visibility = (history_visibility: string) => ({ initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility } }] });

  it.each(['joined', 'invited', 'shared'])('history_visibility %s: shows what it allows, with the state right before that', async (kind) => {
    const roomId = await shard.createRoom(alice, [], visibility(kind));
    const hidden = await calls.say(alice, roomId);
    await calls.setState(alice, roomId, 'm.room.name', { name: 'set unseen' });
    await change(alice, roomId, 'invite', bob);
    const whileInvited = await calls.say(alice, roomId);
    const before = await since(bob);
    await change(bob, roomId, 'join');
    const said = await calls.say(alice, roomId);
    for (const query of [{ since: before }, {}]) {
      const room = joined(await calls.poll(bob, query), roomId);
      const ids = timelineIds(room);
      expect([ids.includes(hidden), ids.includes(whileInvited), ids.includes(said)]).toEqual([kind === 'shared', kind !== 'joined', true]);
      const known = [...(room.state?.events ?? []), ...(room.timeline?.events ?? [])];
      expect(keysOfState(known)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.encryption', 'm.room.name', 'm.room.power_levels', `m.room.member/${bob.userId}`]));
      expect(new Set(keysOfState(room.state?.events)).has('m.room.encryption')).toBe(kind !== 'shared');
    }
  });

  it('history_visibility joined: what changed while one was away is in the state', async () => {
    const roomId = await shard.createRoom(alice, [bob], visibility('joined'));
    await calls.say(alice, roomId);
    await change(bob, roomId, 'leave');
    await calls.setState(alice, roomId, 'm.room.name', { name: 'set while away' });
    const unseen = await calls.say(alice, roomId);
    await change(alice, roomId, 'invite', bob);
    await change(bob, roomId, 'join');
    const room = joined(await calls.poll(bob), roomId);
    expect(room.state?.events.find(({ type }) => type === 'm.room.name')?.content).toEqual({ name: 'set while away' });
    expect(timelineIds(room)).not.toContain(unseen);
    expect(room.timeline?.limited).toBe(true);
    const { body } = await calls.messages(bob, roomId, { from: room.timeline?.prev_batch ?? '', limit: 100 });
    expect(body.chunk[0]).toMatchObject({ state_key: bob.userId, content: { membership: 'leave' } });
    expect(body.chunk.map(({ event_id }) => event_id)).not.toContain(unseen);
  });
});

describe('summary', () => {
  it('"m.heroes: the users which can be used to generate a room name if the room does not have one"', async () => {
    const others = [bob, await shard.register(), await shard.register(), await shard.register(), await shard.register(), await shard.register()];
    const roomId = await shard.createRoom(alice, others.slice(0, 5));
    await change(alice, roomId, 'invite', others[5]);
    const { summary } = joined(await calls.poll(alice), roomId);
    expect(summary).toEqual({ 'm.heroes': others.slice(0, 5).map(({ userId }) => userId), 'm.joined_member_count': 6, 'm.invited_member_count': 1 });
    expect(joined(await calls.poll(bob), roomId).summary?.['m.heroes']).not.toContain(bob.userId);
  });

  it('comes again when the members or the name change, and names who left when nobody else is there', async () => {
    const roomId = await shard.createRoom(alice, [bob], { name: 'Named' });
    let { next_batch } = await calls.poll(alice);
    await calls.setState(alice, roomId, 'm.room.name', deliberatelyOdd({}));
    const unnamed = await calls.poll(alice, { since: next_batch });
    expect(joined(unnamed, roomId).summary).toMatchObject({ 'm.heroes': [bob.userId] });
    ({ next_batch } = unnamed);
    await change(bob, roomId, 'leave');
    expect(joined(await calls.poll(alice, { since: next_batch }), roomId).summary).toEqual({ 'm.heroes': [bob.userId], 'm.joined_member_count': 1, 'm.invited_member_count': 0 });
  });
});
