import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refusalOf } from '../auth/people.testing.js';
import type { Session } from '../auth/session.js';
import { setLocked } from '../auth/users-store.js';
import type { RoomId } from '../matrix/identifiers.js';
import { leaveRoomsOfClosedAccounts } from '../rooms/closed-accounts.js';
import { engines } from '../storage/engines.testing.js';
import { advance, currentPosition } from '../storage/stream.js';
import { assemble } from './answer.js';
import { readRequest } from './request.js';
import { openSyncing, type Synced } from './syncing.testing.js';
import { warmUp } from './warm-up.js';

/** A state has no order. */
function sorted(answer: Synced): object {
  const inOrder = (events: readonly { readonly event_id: string }[] = []): object[] => [...events].sort((a, b) => (a.event_id < b.event_id ? -1 : 1));
  const rooms = { ...answer.rooms.join, ...answer.rooms.leave };
  const parts = Object.values(rooms).map((part) => ({ ...part, state: inOrder(part.state?.events), state_after: inOrder(part.state_after?.events) }));
  return { ...answer, rooms: { ...answer.rooms, join: parts, leave: [] } };
}

type Syncing = Awaited<ReturnType<typeof openSyncing>>;

describe.each(engines)('sync on $name', (engine) => {
  let talk: Syncing['talk'];
  let start: Syncing['start'];
  let alice: Session;
  let bob: Session;

  beforeEach(async () => {
    ({ talk, start } = await openSyncing(engine));
    [alice, bob] = [await talk.person('alice'), await talk.person('bob')];
  });
  afterEach(() => talk.drop());

  async function rooms(count: number): Promise<RoomId[]> {
    const ids: RoomId[] = [];
    for (let i = 0; i < count; i += 1) ids.push(await talk.room(alice, bob));
    return ids;
  }

  it('has a server read at its start about as much as a first answer does', async () => {
    await rooms(1);
    const server = await start();
    const first = await server.statementsOf(() => server.sync(bob, { filter: JSON.stringify({ room: { state: { lazy_load_members: true } } }) }));
    // Who asks, their push rules and whom they ignore are read of every person anyway.
    const warm = await start();
    expect(await warm.statementsOf(() => warmUp(warm))).toBeGreaterThanOrEqual(first - 3);
    // What it read of the rooms where something happened last is not read again.
    expect(await warm.statementsOf(() => warm.sync(bob, { filter: JSON.stringify({ room: { state: { lazy_load_members: true } } }) }))).toBeLessThan(first);
  });

  it('asks the database as often for many rooms as for five', async () => {
    const asked: number[][] = [];
    for (const count of [5, engine.name === 'SQLite' ? 45 : 15]) {
      const ids = await rooms(count);
      const server = await start();
      let since = '';
      const initial = await server.statementsOf(async () => { since = (await server.sync(bob)).next_batch; });
      for (const id of ids) await talk.read(bob, id, await talk.say(alice, id));
      await server.upToDate();
      const incremental = await server.statementsOf(() => server.sync(bob, { since }));
      const lazily = { filter: JSON.stringify({ room: { state: { lazy_load_members: true, types: ['m.*'] } } }) };
      asked.push([initial, incremental, await server.statementsOf(() => server.sync(bob, lazily))]);
    }
    expect(asked[1]).toEqual(asked[0]);
    expect(Math.max(...(asked[1] ?? []))).toBeLessThanOrEqual(25);
  });

  it('asks the database nothing when nothing moved', async () => {
    await rooms(3);
    const server = await start();
    const { next_batch: since } = await server.sync(bob);
    expect(await server.statementsOf(() => server.sync(bob, { since }))).toBe(0);
  });

  it('tells a session nothing that was locked after it was let in and before it began to wait', async () => {
    await rooms(1);
    const server = await start();
    const { next_batch: since } = await server.sync(bob);
    await talk.db.transaction(async (tx) => {
      await setLocked(tx, bob.userNid, true);
      await advance(tx, [`ownDevices/${bob.userNid}`]);
    });
    await server.upToDate();
    await expect(server.sync(bob, { since, timeout: 60_000 })).rejects.toMatchObject({ errcode: 'M_USER_LOCKED' });
  });

  it('reads once what a room shows first to all who come before its next event', async () => {
    const [roomId] = await rooms(2);
    if (roomId === undefined) throw new Error('there are two rooms');
    const server = await start();
    const room = { timeline: { limit: 1 }, state: { lazy_load_members: true } };
    const query = { filter: JSON.stringify({ room }), use_state_after: true };
    const asked = (): Promise<number> => server.statementsOf(() => server.sync(bob, query));
    await asked();
    const nothingNew = await asked();
    await talk.say(alice, roomId);
    await server.upToDate();
    // The end of the timeline.
    expect([await asked(), await asked()]).toEqual([nothingNew + 1, nothingNew]);
    await talk.name(alice, roomId, 'one');
    await server.upToDate();
    // The same, the state, and the members seen there.
    expect([await asked(), await asked()]).toEqual([nothingNew + 3, nothingNew]);
  });

  it('shows a room as a server does that remembers nothing, whatever happened there', async () => {
    const carol = await talk.person('carol');
    const roomId = await talk.room(alice, bob);
    const said = await talk.say(bob, roomId);
    await talk.say(alice, roomId);
    const [server, forgetful] = [await start(), await start({ remembersRooms: false })];
    await warmUp(server);
    const { next_batch: since } = await server.sync(alice);
    const happenings = [
      () => talk.say(bob, roomId),
      () => talk.redact(bob, roomId, said),
      () => talk.name(alice, roomId, 'one'),
      async () => talk.redact(alice, roomId, (await talk.name(alice, roomId, 'two')).event_id),
      () => talk.invite(alice, roomId, carol),
      () => talk.join(carol, roomId),
      () => talk.leave(bob, roomId),
      () => talk.ban(alice, roomId, carol),
    ];
    const room = { timeline: { limit: 4 }, state: { lazy_load_members: true, include_redundant_members: true } };
    const queries = [{}, { since }, { use_state_after: true }, { since, use_state_after: true }].flatMap((query) => [
      { ...query, filter: JSON.stringify({ room }) },
      { ...query, filter: JSON.stringify({ room: { ...room, timeline: { limit: 6 } } }) },
    ]);
    for (const happen of happenings) {
      await happen();
      await Promise.all([server.upToDate(), forgetful.upToDate()]);
      for (const query of queries) for (const person of [alice, bob, carol]) expect(sorted(await server.sync(person, query))).toEqual(sorted(await forgetful.sync(person, query)));
    }
  });

  it('continues on a server that has just started where the last one ended', async () => {
    const [one, two] = await rooms(2);
    if (one === undefined || two === undefined) throw new Error('there are two rooms');
    const { next_batch: since } = await (await start()).sync(bob);
    const said = await talk.say(alice, two);
    const { rooms: { join } } = await (await start()).sync(bob, { since });
    expect(Object.keys(join)).toEqual([two]);
    expect(join[two]?.timeline.events.map(({ event_id }) => event_id)).toEqual([said]);
  });

  it('shows redacted copies of what somebody erased sent to who came after that, and to them alone', async () => {
    const roomId = await talk.room(alice, bob);
    const said = await talk.say(bob, roomId);
    await talk.db.transaction((tx) => leaveRoomsOfClosedAccounts(talk).accountClosed(tx, { ...bob, isErased: true }));
    const carol = await talk.person('carol');
    await talk.invite(alice, roomId, carol);
    await talk.join(carol, roomId);
    const server = await start();
    const contentFor = async (reader: Session) =>
      (await server.sync(reader)).rooms.join[roomId]?.timeline.events.find(({ event_id }) => event_id === said)?.content;
    expect([await contentFor(carol), await contentFor(alice)]).toEqual([{}, expect.objectContaining({ algorithm: 'm.megolm.v1.aes-sha2' })]);
    await talk.leave(carol, roomId);
    const { leave } = (await server.sync(carol, { filter: JSON.stringify({ room: { include_leave: true } }) })).rooms;
    expect(leave[roomId]?.timeline.events.find(({ event_id }) => event_id === said)?.content).toEqual({});
  });

  it('answers up to a position as if the snapshot held nothing after it', async () => {
    const position = () => talk.db.read(currentPosition);
    const roomId = await talk.room(alice);
    await talk.invite(alice, roomId, bob);
    const invited = await position();
    await talk.join(bob, roomId);
    const said = await talk.say(alice, roomId);
    const before = await position();
    await talk.ban(alice, roomId, bob);
    const server = await start();
    const answerTo = async (since: number, upTo: number): Promise<Synced> => {
      const request = await readRequest(server, bob, { since: `s${since}` });
      return JSON.parse((await talk.db.read((tx) => assemble(server, tx, request, upTo))).parts.join('')) as Synced;
    };
    expect((await answerTo(1, invited)).rooms).toMatchObject({ join: {}, invite: { [roomId]: {} }, leave: {} });
    const joined = await answerTo(invited, before);
    expect(joined.rooms).toMatchObject({ join: { [roomId]: {} }, leave: {} });
    expect(joined.rooms.join[roomId]?.timeline.events.at(-1)?.event_id).toBe(said);
    const { rooms: { join, leave } } = await server.sync(bob, { since: joined.next_batch });
    expect(join).toEqual({});
    expect(leave[roomId]?.timeline.events.map(({ type }) => type)).toEqual(['m.room.member']);
  });

  it('takes the tokens of every process of the shard, and of the future none', async () => {
    const [roomId] = await rooms(1);
    if (roomId === undefined) throw new Error('there is a room');
    const [one, two] = [await start(), await start()];
    for (let i = 0; i < 5; i += 1) {
      await talk.say(alice, roomId);
      await one.upToDate();
      const { next_batch: since } = await one.sync(bob);
      expect((await two.sync(bob, { since })).next_batch).toBe(since);
      expect(await refusalOf(two.sync(bob, { since: `${since}0` }))).toMatchObject({ errcode: 'M_INVALID_PARAM' });
    }
  });

  it('tells a first sync of 200 rooms each with its own', async () => {
    const [named] = await rooms(1);
    if (named === undefined) throw new Error('there is a room');
    const ids = [...await rooms(engine.name === 'SQLite' ? 199 : 40), named];
    const said = new Map<RoomId, string>();
    for (const id of ids) said.set(id, await talk.say(alice, id));
    await talk.name(alice, named, 'Named');
    const { rooms: { join } } = await (await start()).sync(bob);
    expect(Object.keys(join).sort()).toEqual([...ids].sort());
    for (const id of ids) {
      const types = (join[id]?.timeline.events ?? []).map(({ type }) => type);
      expect([types[0], types.includes('m.room.name')]).toEqual(['m.room.create', id === named]);
      expect(join[id]?.timeline.events.map(({ event_id }) => event_id)).toContain(said.get(id));
    }
  });
});
