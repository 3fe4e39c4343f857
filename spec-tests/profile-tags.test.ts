import { describe, expect, it } from '@jest/globals';
import type { Answer, Person, SyncAnswer } from './harness.js';
import { shardOfThree } from './shard-of-three.js';

const V3 = '/_matrix/client/v3';
const { shard, alice, bob } = await shardOfThree();
const roomId = await shard.createRoom(alice);

type Body = Readonly<Record<string, unknown>>;
const tagsOf = (who: Person, room = roomId): string => `${V3}/user/${encodeURIComponent(who.userId)}/rooms/${encodeURIComponent(room)}/tags`;
const call = (method: string, path: string, body?: object, who = alice): Promise<Answer<Body>> =>
  shard.request(method, path, { token: who.token, ...(body === undefined ? {} : { body }) });
const tag = (name: string, body: object = {}, room?: string): Promise<Answer<Body>> => call('PUT', `${tagsOf(alice, room)}/${encodeURIComponent(name)}`, body);
const roomData = ({ rooms }: SyncAnswer): readonly unknown[] => rooms?.join?.[roomId]?.account_data?.events ?? [];

describe('Room tagging', () => {
  it('adds a tag to the room, lists the tags, and removes a tag from the room', async () => {
    expect((await call('GET', tagsOf(alice))).body).toEqual({ tags: {} });
    expect((await tag('m.favourite', { order: 0.25 })).body).toEqual({});
    await tag('u.Wörk', { order: 1, 'org.example.colour': 'red' });
    await tag('m.lowpriority');
    await tag('m.lowpriority');
    expect((await call('GET', tagsOf(alice))).body).toEqual({ tags: { 'm.favourite': { order: 0.25 }, 'u.Wörk': { order: 1, 'org.example.colour': 'red' }, 'm.lowpriority': {} } });
    for (let i = 0; i < 2; i += 1) expect((await call('DELETE', `${tagsOf(alice)}/m.lowpriority`)).body).toEqual({});
    await call('DELETE', `${tagsOf(alice)}/${encodeURIComponent('u.Wörk')}`);
    expect((await call('GET', tagsOf(alice))).body).toEqual({ tags: { 'm.favourite': { order: 0.25 } } });
  });

  it('the tags on a room are received as single m.tag event in the account_data section of a room in /sync', async () => {
    const { next_batch: since } = await shard.longPoll(alice, undefined, () => true);
    await tag('m.favourite', { order: 0.5 });
    const event = { type: 'm.tag', content: { tags: { 'm.favourite': { order: 0.5 } } } };
    expect(roomData(await shard.longPoll(alice, since, (sync) => roomData(sync).length > 0))).toEqual([event]);
    expect(roomData(await shard.longPoll(alice, undefined, () => true))).toEqual([event]);
  });

  it('tags set at once by several devices are all kept', async () => {
    const room = await shard.createRoom(alice);
    await Promise.all(Array.from({ length: 8 }, (_, n) => tag(`u.${n}`, {}, room)));
    const { body } = await call('GET', tagsOf(alice, room));
    expect(Object.keys(body['tags'] as object)).toHaveLength(8);
  });

  it('a tag that is a property of every object is a tag like any other', async () => {
    const room = await shard.createRoom(alice);
    await tag('__proto__', {}, room);
    await tag('constructor', {}, room);
    expect((await call('GET', tagsOf(alice, room))).text).toBe('{"tags":{"__proto__":{},"constructor":{}}}');
  });

  it('a tag name must not exceed 255 bytes; an order is a number between 0 and 1', async () => {
    expect((await tag('é'.repeat(127))).status).toBe(200);
    expect(await tag('é'.repeat(128))).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    for (const order of ['0.5', 1.5, -0.1, null]) {
      const refused = shard.request('PUT', `${tagsOf(alice)}/u.x`, { token: alice.token, body: { order }, malformed: true });
      expect(await refused).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    }
  });

  it('one’s own tags, in rooms one knows: everything else is refused alike', async () => {
    expect(await call('GET', tagsOf(alice), undefined, bob)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    const [theirs, none] = [await call('GET', tagsOf(bob), undefined, bob), await call('GET', tagsOf(bob, '!none:localhost'), undefined, bob)];
    expect([theirs.status, theirs.text]).toEqual([none.status, none.text]);
    expect(theirs.status).toBe(403);
  });
});

describe('Client config', () => {
  const globalPath = (type: string): string => `${V3}/user/${encodeURIComponent(alice.userId)}/account_data/${type}`;
  const deletion = (rest: string): string => `/_matrix/client/unstable/org.matrix.msc3391/user/${encodeURIComponent(alice.userId)}${rest}`;

  it('account data that is deleted is told as empty to who had it, and to nobody else (MSC3391)', async () => {
    await call('PUT', globalPath('org.example.gone'), { a: 1 });
    const { next_batch: since } = await shard.longPoll(alice, undefined, () => true);
    expect((await call('DELETE', deletion('/account_data/org.example.gone'))).body).toEqual({});
    expect((await call('GET', globalPath('org.example.gone'))).status).toBe(404);
    const { account_data: told } = await shard.longPoll(alice, since, (sync) => (sync.account_data?.events.length ?? 0) > 0);
    expect(told?.events).toEqual([{ type: 'org.example.gone', content: {} }]);
    const initial = await shard.longPoll(alice, undefined, () => true);
    expect(initial.account_data?.events.map(({ type }) => type)).not.toContain('org.example.gone');
    expect((await call('DELETE', deletion('/account_data/m.push_rules'))).status).toBe(405);
  });

  it('the same in a room', async () => {
    await tag('m.favourite');
    await call('DELETE', deletion(`/rooms/${encodeURIComponent(roomId)}/account_data/m.tag`));
    expect((await call('GET', tagsOf(alice))).body).toEqual({ tags: {} });
    expect(roomData(await shard.longPoll(alice, undefined, () => true))).toEqual([]);
  });

  it('one keeps account data of at most 100 types in a room; what is deleted makes place', async () => {
    const room = await shard.createRoom(alice);
    const path = (type: string): string => `${V3}/user/${encodeURIComponent(alice.userId)}/rooms/${encodeURIComponent(room)}/account_data/${type}`;
    for (let n = 0; n < 100; n += 1) expect((await call('PUT', path(`t${n}`), { n })).status).toBe(200);
    expect(await call('PUT', path('t100'), {})).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
    expect(await tag('u.one', {}, room)).toMatchObject({ status: 413 });
    expect((await call('PUT', path('t5'), { n: 'again' })).status).toBe(200);
    await call('DELETE', deletion(`/rooms/${encodeURIComponent(room)}/account_data/t7`));
    expect((await call('PUT', path('t100'), {})).status).toBe(200);
    expect((await call('PUT', path('t101'), {})).status).toBe(413);
  });

  it('an entry is at most as large as an event: M_TOO_LARGE', async () => {
    expect(await call('PUT', globalPath('org.example.large'), { text: 'x'.repeat(66_000) })).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
  });
});
