import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makePerson, refusalOf, testDeps, type TestDeps } from '../auth/people.testing.js';
import type { Session } from '../auth/session.js';
import { parseRoomId } from '../matrix/identifiers.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { currentPosition } from '../storage/stream.js';
import { accountDataSince } from './account-data-store.js';
import { getAccountData, getRoomAccountData, setAccountData, setRoomAccountData, type AccountDataObserver } from './account-data.js';
import { shareRoom } from './contacts.testing.js';
import { defineFilter, getFilter } from './filters.js';

describe.each(engines)('what clients keep on the server, on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps & { accountDataObserver: AccountDataObserver };
  let alice: Session;

  beforeEach(async () => {
    test = await engine.open();
    deps = { ...testDeps(test.db), accountDataObserver: { onAccountData: async () => undefined } };
    alice = await makePerson(deps, 'alice');
  });
  afterEach(() => test.drop());

  const global = (type: string, session = alice) => ({ session, params: { userId: alice.userId, type } });
  const inRoom = (room: string, type: string, session = alice) => ({ session, params: { userId: session.userId, roomId: parseRoomId(room), type } });

  it('is account data: kept, replaced, and not found while unset', async () => {
    expect(await refusalOf(getAccountData(deps, global('m.direct')))).toMatchObject({ errcode: 'M_NOT_FOUND' });
    await setAccountData(deps, { ...global('m.direct'), body: { '@bob:shard.example': ['!r:shard.example'] } });
    await setAccountData(deps, { ...global('m.direct'), body: { a: 1 } });
    expect((await getAccountData(deps, global('m.direct'))).text).toBe('{"a":1}');
  });

  it('comes back through sync from where it changed, even when it did not differ', async () => {
    const room = await shareRoom(test.db, '!r:shard.example', [alice.userNid]);
    const heard: string[] = [];
    test.db.listen({ heard: ({ topics }) => heard.push(...topics), lost: () => undefined });
    await setAccountData(deps, { ...global('m.direct'), body: {} });
    const after = await test.db.read(currentPosition);
    await setRoomAccountData(deps, { ...inRoom('!r:shard.example', 'm.tag'), body: { tags: {} } });
    await setAccountData(deps, { ...global('m.direct'), body: {} });
    const upTo = await test.db.read(currentPosition);
    expect(await test.db.read((tx) => accountDataSince(tx, alice.userNid, { after, upTo }))).toEqual([
      { room_nid: room, type: 'm.tag', content: '{"tags":{}}' },
      { room_nid: 0, type: 'm.direct', content: '{}' },
    ]);
    expect(await test.db.read((tx) => accountDataSince(tx, alice.userNid, { after: upTo, upTo }))).toEqual([]);
    await until(() => heard.length >= 3);
    expect(heard).toEqual(Array<string>(3).fill(`account/${alice.userNid}`));
  });

  it('belongs to its person alone', async () => {
    const bob = await makePerson(deps, 'bob');
    await setAccountData(deps, { ...global('m.direct'), body: {} });
    expect(await refusalOf(getAccountData(deps, global('m.direct', bob)))).toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(await refusalOf(setAccountData(deps, { ...global('m.direct', bob), body: {} }))).toMatchObject({ errcode: 'M_FORBIDDEN' });
  });

  it('is not where push rules and read markers are set', async () => {
    for (const type of ['m.push_rules', 'm.fully_read']) {
      expect(await refusalOf(setAccountData(deps, { ...global(type), body: {} }))).toMatchObject({ errcode: 'M_BAD_JSON', status: 405 });
      expect(await refusalOf(setRoomAccountData(deps, { ...inRoom('!r:s', type), body: {} }))).toMatchObject({ errcode: 'M_BAD_JSON', status: 405 });
    }
  });

  it('is kept for rooms one knows; others’ rooms and none are refused alike', async () => {
    const bob = await makePerson(deps, 'bob');
    await shareRoom(test.db, '!r:shard.example', [alice.userNid]);
    await setRoomAccountData(deps, { ...inRoom('!r:shard.example', 'm.marked_unread'), body: { unread: true } });
    expect((await getRoomAccountData(deps, inRoom('!r:shard.example', 'm.marked_unread'))).text).toBe('{"unread":true}');
    expect(await refusalOf(getAccountData(deps, global('m.marked_unread')))).toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(await refusalOf(getRoomAccountData(deps, inRoom('!r:shard.example', 'm.tag')))).toMatchObject({ errcode: 'M_NOT_FOUND' });
    const refusal = await refusalOf(setRoomAccountData(deps, { ...inRoom('!r:shard.example', 'm.tag', bob), body: {} }));
    expect(refusal.errcode).toBe('M_FORBIDDEN');
    expect(await refusalOf(setRoomAccountData(deps, { ...inRoom('!none:shard.example', 'm.tag', bob), body: {} }))).toEqual(refusal);
  });

  it('is filters: one id for one filter, of one person', async () => {
    const bob = await makePerson(deps, 'bob');
    const filter = { room: { timeline: { limit: 5 } }, 'org.example.more': 1 };
    const call = { session: alice, params: { userId: alice.userId }, body: filter };
    const { filter_id: filterId } = (await defineFilter(deps, call)) as { filter_id: string };
    expect(await defineFilter(deps, call)).toEqual({ filter_id: filterId });
    expect(JSON.parse((await getFilter(deps, { session: alice, params: { userId: alice.userId, filterId } })).text)).toEqual(filter);
    expect(await refusalOf(getFilter(deps, { session: alice, params: { userId: alice.userId, filterId: 'x' } }))).toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(await refusalOf(getFilter(deps, { session: bob, params: { userId: bob.userId, filterId } }))).toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(await refusalOf(getFilter(deps, { session: bob, params: { userId: alice.userId, filterId } }))).toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(await refusalOf(defineFilter(deps, { ...call, session: bob }))).toMatchObject({ errcode: 'M_FORBIDDEN' });
  });
});

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 3000 && !isTrue(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
}
