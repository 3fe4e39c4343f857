import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Person, RoomEvent } from './harness.js';
import { absent, refused, roomCalls, type Page } from './rooms-calls.js';
import { shardOfThree } from './shard-of-three.js';

// https://spec.matrix.org/v1.19/client-server-api/#getting-events-for-a-room
const { shard, alice, bob } = await shardOfThree();
const rooms = roomCalls(shard);

const ids = (events: readonly RoomEvent[]) => events.map(({ event_id }) => event_id);
const sayMany = async (roomId: string, n: number) => {
  const said: string[] = [];
  for (let i = 0; i < n; i += 1) said.push(await rooms.say(i % 2 === 0 ? alice : bob, roomId));
  return said;
};
const encrypted = JSON.stringify({ types: ['m.room.encrypted'] });
const context = (person: Person, roomId: string, eventId: string, query: Readonly<Record<string, string | number>> = {}) =>
  rooms.call<Page & { event: RoomEvent; events_before: RoomEvent[]; events_after: RoomEvent[] }>(person, 'GET', ['rooms', roomId, 'context', eventId], undefined, { query });
const event = (person: Person, roomId: string, eventId: string) => rooms.call<RoomEvent>(person, 'GET', ['rooms', roomId, 'event', eventId]);

it('prev_content "is only returned if […] the client has permission to see the previous content", wherever the event is shown (D9)', async () => {
  const late = await shard.register();
  const roomId = await shard.createRoom(alice, [bob]);
  const topic = (text: string) => rooms.call(alice, 'PUT', ['rooms', roomId, 'state', 'm.room.topic', ''], { topic: text });
  await rooms.call(alice, 'PUT', ['rooms', roomId, 'state', 'm.room.history_visibility', ''], { history_visibility: 'joined' });
  await rooms.call(bob, 'PUT', ['rooms', roomId, 'state', 'm.room.member', bob.userId], { membership: 'join', displayname: 'Said before' });
  await rooms.call(bob, 'PUT', ['rooms', roomId, 'state', 'm.room.member', bob.userId], { membership: 'join', displayname: 'Bob' });
  await topic('said before');
  await topic('in force');
  await rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: late.userId });
  const invited = (await rooms.sync(late)).next_batch;
  await rooms.call(late, 'POST', ['rooms', roomId, 'join'], {});
  const lazily = { room: { state: { lazy_load_members: true } } };
  const joined = await rooms.sync(late, invited, lazily);
  await rooms.say(bob, roomId);
  const get = (rest: string) => shard.request('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${rest}`, { token: late.token });
  const answers = [
    joined, await rooms.sync(late), await rooms.sync(late, joined.next_batch, lazily),
    (await shard.request('GET', '/_matrix/client/v3/sync', { token: late.token, query: { since: joined.next_batch, full_state: true } })).body,
    ...(await Promise.all(['state', 'members', 'state/m.room.topic/?format=event', 'messages?dir=b&limit=50'].map(get))).map(({ body }) => body),
  ].map((answer) => JSON.stringify(answer));
  expect(answers.filter((text) => /said before/i.test(text))).toEqual([]);
  await topic('changed while there');
  expect((await get('state/m.room.topic/?format=event')).body).toMatchObject({ unsigned: { prev_content: { topic: 'in force' } } });
});

describe('messages', () => {
  let roomId: string;
  let said: readonly string[];
  beforeAll(async () => {
    roomId = await shard.createRoom(alice, [bob]);
    said = await sayMany(roomId, 12);
  });

  it('dir=b: "in reverse-chronological order", from the newest when from is absent, ten unless told', async () => {
    const { body } = await rooms.messages(alice, roomId);
    expect(ids(body.chunk)).toEqual([...said].reverse().slice(0, 10));
    expect(body.chunk.every((one) => 'room_id' in one && one.room_id === roomId)).toBe(true);
  });

  it('dir=f: "in chronological order", from the oldest when from is absent', async () => {
    const { body } = await rooms.messages(alice, roomId, { dir: 'f', limit: 3 });
    expect(body.chunk.map(({ type }) => type)).toEqual(['m.room.create', 'm.room.member', 'm.room.power_levels']);
  });

  it('goes forward when nobody says which way, as clients of old expect', async () => {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages`;
    const { status, body } = await shard.request<Page>('GET', path, { token: alice.token, query: { limit: 1 }, malformed: true });
    expect([status, body.chunk.map(({ type }) => type)]).toEqual([200, ['m.room.create']]);
    expect((await shard.request('GET', path, { token: (await shard.register()).token, malformed: true })).status).toBe(403);
  });

  it.each(['b', 'f'])('dir=%s: every event once by following end, which is absent at the end', async (dir) => {
    const seen: string[] = [];
    let from: string | undefined;
    for (let page = 0; page < 20; page += 1) {
      const { body } = await rooms.messages(alice, roomId, { dir, limit: 4, ...(from === undefined ? {} : { from }) });
      expect(body.start).toBe(from ?? body.start);
      seen.push(...ids(body.chunk));
      from = body.end;
      if (from === undefined) break;
    }
    expect(from).toBeUndefined();
    expect(new Set(seen).size).toBe(seen.length);
    const whole = ids((await rooms.messages(alice, roomId, { dir: 'f', limit: 100 })).body.chunk);
    expect(dir === 'b' ? seen.reverse() : seen).toEqual(whole);
  });

  it('"to": the token to stop at, and end leads on from it', async () => {
    const back = (await rooms.messages(alice, roomId, { limit: 5 })).body;
    const { body } = await rooms.messages(alice, roomId, { to: back.end ?? '', limit: 100 });
    expect(ids(body.chunk)).toEqual(ids(back.chunk));
    expect(body.end).toBe(back.end);
    const forth = (await rooms.messages(alice, roomId, { dir: 'f', from: back.end ?? '', to: back.start, limit: 100 })).body;
    expect(ids(forth.chunk)).toEqual(ids(back.chunk).reverse());
    expect(forth.end).toBeUndefined();
  });

  it('tokens of /sync are good, prev_batch backwards and next_batch forwards', async () => {
    const sync = await rooms.sync(alice, undefined, { room: { timeline: { limit: 3 } } });
    const timeline = sync.rooms?.join?.[roomId]?.timeline;
    expect(timeline?.limited).toBe(true);
    const { body } = await rooms.messages(alice, roomId, { from: timeline?.prev_batch ?? '', limit: 2 });
    expect(ids(body.chunk)).toEqual([...said].reverse().slice(3, 5));
    const own = await shard.createRoom(alice);
    const { next_batch } = await rooms.sync(alice);
    const later = await rooms.say(alice, own);
    expect(ids((await rooms.messages(alice, own, { dir: 'f', from: next_batch })).body.chunk)).toEqual([later]);
    expect(ids((await rooms.messages(alice, own, { dir: 'b', from: next_batch, limit: 1 })).body.chunk)).not.toEqual([later]);
  });

  it('filters by type and sender, whole pages of what passes', async () => {
    const pages = async (filter: object, limit: number) => (await rooms.messages(alice, roomId, { limit, filter: JSON.stringify(filter) })).body;
    expect(ids((await pages({ types: ['m.room.encrypted'] }, 12)).chunk)).toEqual([...said].reverse());
    expect((await pages({ types: ['m.room.c*'] }, 5)).chunk.map(({ type }) => type)).toEqual(['m.room.create']);
    const rest = (await pages({ not_types: ['m.room.encrypted'], not_senders: [bob.userId] }, 20)).chunk;
    expect(rest.every(({ type, sender }) => type !== 'm.room.encrypted' && sender === alice.userId)).toBe(true);
    expect((await pages({ senders: [bob.userId], types: ['m.room.encrypted'] }, 20)).chunk).toHaveLength(6);
    expect((await pages({ types: [] }, 20)).chunk).toEqual([]);
    const first = await pages({ senders: [bob.userId], types: ['m.room.encrypted'] }, 4);
    const filter = JSON.stringify({ senders: [bob.userId], types: ['m.room.encrypted'] });
    const { body: second } = await rooms.messages(alice, roomId, { from: first.end ?? '', limit: 4, filter });
    expect(second.chunk).toHaveLength(2);
    expect(second.end).toBeUndefined();
  });

  it('"contains_url", "rooms" and "not_rooms"', async () => {
    const own = await shard.createRoom(alice, [], { initial_state: [{ type: 'm.room.avatar', content: { url: 'mxc://localhost/a' } }] });
    const types = async (filter: object) => (await rooms.messages(alice, own, { limit: 50, filter: JSON.stringify(filter) })).body.chunk.map(({ type }) => type);
    expect(await types({ contains_url: true })).toEqual(['m.room.avatar']);
    expect(await types({ contains_url: false })).not.toContain('m.room.avatar');
    expect(await types({ not_rooms: [own] })).toEqual([]);
    expect(await types({ rooms: [roomId] })).toEqual([]);
    expect(await types({ rooms: [own], types: ['m.room.create'] })).toEqual(['m.room.create']);
    const sync = await rooms.sync(alice, undefined, { room: { rooms: [own], timeline: { contains_url: true } } });
    expect(sync.rooms?.join?.[own]?.timeline?.events.map(({ type }) => type)).toEqual(['m.room.avatar']);
  });

  it('lazy_load_members: "state" holds the members who sent what is shown', async () => {
    const filter = JSON.stringify({ lazy_load_members: true, types: ['m.room.encrypted'] });
    const { body } = await rooms.messages(alice, roomId, { limit: 1, filter });
    expect(body.state?.map(({ type, state_key }) => [type, state_key])).toEqual([['m.room.member', body.chunk[0]?.sender]]);
    const two = (await rooms.messages(alice, roomId, { limit: 2, filter })).body;
    expect(two.state?.map(({ state_key }) => state_key).sort()).toEqual([alice.userId, bob.userId].sort());
  });

  it.each([
    ['a token that is none', { from: 'yesterday' }, 'M_INVALID_PARAM'],
    ['a to that is none', { to: 'tomorrow' }, 'M_INVALID_PARAM'],
    ['another direction', { dir: 'sideways' }, 'M_INVALID_PARAM'],
    ['a negative limit', { limit: -1 }, 'M_INVALID_PARAM'],
    ['a limit that is no number', { limit: 'many' }, 'M_INVALID_PARAM'],
    ['a filter that is no JSON', { filter: '{' }, 'M_NOT_JSON'],
    ['a filter of another shape', { filter: '{"types":7}' }, 'M_BAD_JSON'],
  ])('refuses %s', async (_, query, errcode) => {
    expect(await rooms.messages(alice, roomId, query)).toMatchObject({ status: 400, body: { errcode } });
  });

  it('a limit beyond reason is one within it', async () => {
    expect((await rooms.messages(alice, roomId, { limit: 1_000_000_000 })).status).toBe(200);
    expect((await rooms.messages(alice, roomId, { limit: 0 })).status).toBe(200);
  });
});

describe('event and context', () => {
  let roomId: string;
  let said: readonly string[];
  beforeAll(async () => {
    roomId = await shard.createRoom(alice, [bob], { name: 'Council' });
    said = await sayMany(roomId, 7);
  });

  it('"Get a single event based on roomId/eventId"', async () => {
    expect((await event(bob, roomId, said[3] ?? '')).body).toMatchObject({ event_id: said[3], room_id: roomId, type: 'm.room.encrypted', unsigned: { membership: 'join' } });
  });

  it('"The event was not found or you do not have permission to read this event": one answer for all of it', async () => {
    const carol = await shard.register();
    const other = await shard.createRoom(alice);
    const [known = ''] = said;
    const answers = [await event(carol, roomId, known), await event(carol, '!none:localhost', known), await event(bob, roomId, '$none'), await event(alice, other, known)];
    for (const answer of answers) expect(answer).toMatchObject(absent);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  it('"events that happened just before and after the specified event"', async () => {
    const { body } = await context(bob, roomId, said[3] ?? '', { limit: 4 });
    expect(body.event.event_id).toBe(said[3]);
    expect(ids(body.events_before)).toEqual([said[2], said[1]]);
    expect(ids(body.events_after)).toEqual([said[4], said[5]]);
    expect(body.state?.find(({ type }) => type === 'm.room.name')?.content).toEqual({ name: 'Council' });
    expect(ids((await rooms.messages(bob, roomId, { dir: 'f', from: body.end ?? '' })).body.chunk)).toEqual([said[6]]);
    expect(ids((await rooms.messages(bob, roomId, { dir: 'b', from: body.start, limit: 1 })).body.chunk)).toEqual([said[0]]);
  });

  it('limit=0 is the event alone; a filter holds for what surrounds it; lazy_load_members for the state', async () => {
    const alone = (await context(bob, roomId, said[3] ?? '', { limit: 0 })).body;
    expect([alone.events_before, alone.events_after]).toEqual([[], []]);
    const filter = JSON.stringify({ senders: [bob.userId], types: ['m.room.encrypted'], lazy_load_members: true });
    const { body } = await context(bob, roomId, said[3] ?? '', { limit: 20, filter });
    expect([...body.events_before, ...body.events_after].every(({ sender }) => sender === bob.userId)).toBe(true);
    expect(body.state?.filter(({ type }) => type === 'm.room.member').map(({ state_key }) => state_key)).toEqual([bob.userId]);
    expect(await context(bob, roomId, '$none')).toMatchObject(absent);
    expect(await context(bob, roomId, said[3] ?? '', { limit: -1 })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });
});

describe('history visibility', () => {
  const founded = (history_visibility: string, others: readonly Person[] = []) =>
    shard.createRoom(alice, others, { initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility } }] });
  const invite = (roomId: string, person: Person) => rooms.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: person.userId });
  const act = (person: Person, roomId: string, deed: string) => rooms.call(person, 'POST', ['rooms', roomId, deed], {});
  const read = async (person: Person, roomId: string) => ids((await rooms.messages(person, roomId, { dir: 'f', limit: 100, filter: encrypted })).body.chunk);

  /** Says something before the invitation, between it and the join, while joined, after leaving, between a new invitation and join, and after it. */
  async function storyOf(history_visibility: string) {
    const roomId = await founded(history_visibility);
    const before = await rooms.say(alice, roomId);
    await invite(roomId, bob);
    const invited = await rooms.say(alice, roomId);
    await act(bob, roomId, 'join');
    const joined = await rooms.say(alice, roomId);
    await act(bob, roomId, 'leave');
    const away = await rooms.say(alice, roomId);
    const whileAway = await read(bob, roomId);
    await invite(roomId, bob);
    const again = await rooms.say(alice, roomId);
    await act(bob, roomId, 'join');
    const back = await rooms.say(alice, roomId);
    return { roomId, before, invited, joined, away, again, back, whileAway };
  }

  it('shared: "previous events are always accessible to newly joined members"', async () => {
    const { roomId, before, invited, joined, away, again, back, whileAway } = await storyOf('shared');
    expect(whileAway).toEqual([before, invited, joined]);
    expect(await read(bob, roomId)).toEqual([before, invited, joined, away, again, back]);
  });

  it('invited: "accessible to newly joined members from the point they were invited onwards"', async () => {
    const { roomId, before, invited, joined, away, again, back, whileAway } = await storyOf('invited');
    expect(whileAway).toEqual([invited, joined]);
    expect(await read(bob, roomId)).toEqual([invited, joined, again, back]);
    for (const hidden of [before, away]) expect(await event(bob, roomId, hidden)).toMatchObject(absent);
  });

  it('joined: "accessible to newly joined members from the point they joined the room onwards"', async () => {
    const { roomId, before, invited, joined, away, again, back, whileAway } = await storyOf('joined');
    expect(whileAway).toEqual([joined]);
    expect(await read(bob, roomId)).toEqual([joined, back]);
    for (const hidden of [before, invited, away, again]) {
      expect(await event(bob, roomId, hidden)).toMatchObject(absent);
      expect(await context(bob, roomId, hidden)).toMatchObject(absent);
    }
    const around = (await context(bob, roomId, back, { limit: 20 })).body;
    expect(ids([...around.events_before, ...around.events_after])).not.toEqual(expect.arrayContaining([away]));
  });

  it('the visibility in force when an event was sent decides, not today\'s', async () => {
    const roomId = await founded('shared');
    const open = await rooms.say(alice, roomId);
    await rooms.setState(alice, roomId, 'm.room.history_visibility', { history_visibility: 'joined' });
    const closed = await rooms.say(alice, roomId);
    await rooms.setState(alice, roomId, 'm.room.history_visibility', { history_visibility: 'shared' });
    const reopened = await rooms.say(alice, roomId);
    await invite(roomId, bob);
    await act(bob, roomId, 'join');
    expect(await read(bob, roomId)).toEqual([open, reopened]);
    expect(await event(bob, roomId, closed)).toMatchObject(absent);
  });

  it('who was banned reads up to the ban; who was only invited reads nothing', async () => {
    const carol = await shard.register();
    const roomId = await founded('shared', [bob]);
    const before = await rooms.say(alice, roomId);
    await rooms.call(alice, 'POST', ['rooms', roomId, 'ban'], { user_id: bob.userId });
    await rooms.say(alice, roomId);
    expect(await read(bob, roomId)).toEqual([before]);
    await invite(roomId, carol);
    expect(await rooms.messages(carol, roomId)).toMatchObject(refused);
    expect(await rooms.messages(await shard.register(), roomId)).toMatchObject(refused);
  });

  it('unsigned.membership: "the room membership of the user making the request, at the time of the event"', async () => {
    const { roomId, before, invited, joined, away } = await storyOf('shared');
    const at = async (eventId: string) => (await event(bob, roomId, eventId)).body.unsigned?.['membership'];
    expect([await at(before), await at(invited), await at(joined), await at(away)]).toEqual(['leave', 'invite', 'join', 'leave']);
  });
});
