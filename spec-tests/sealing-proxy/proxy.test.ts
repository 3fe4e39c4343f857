import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import { filesHolding } from '../conversation/find-plaintext.js';
import { startShard, type Person, type RoomEvent, type Shard, type SyncAnswer } from '../harness.js';
import { newShared, startProxy, type Proxy } from './proxy.js';

const V3 = '/_matrix/client/v3';
let shard: Shard;
let proxy: Proxy;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  shard = await startShard();
  proxy = await startProxy(newShared(), { host: '127.0.0.1', port: 0 }, shard.baseUrl);
  [alice, bob] = await Promise.all([shard.register(), shard.register()]) as [Person, Person];
});
afterAll(async () => {
  await proxy.stop();
  await shard.stop();
});

type Body = Readonly<Record<string, unknown>>;
interface Timeline {
  readonly chunk: readonly RoomEvent[];
}

/** What a client that knows nothing of encryption asks, through the proxy. */
async function plain<Answered = Body>(method: string, path: string, who?: Person, body?: Body | string | Buffer): Promise<{ status: number; headers: Headers; body: Answered }> {
  const headers: Record<string, string> = who === undefined ? {} : { authorization: `Bearer ${who.token}` };
  const sent = body === undefined || typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body);
  const answer = await fetch(`${proxy.url}${path}`, { method, headers: { ...headers, 'content-type': 'application/json' }, ...(sent === undefined ? {} : { body: sent }) });
  return { status: answer.status, headers: answer.headers, body: await answer.json() as Answered };
}

async function publicRoom(creator: Person, more: Body = {}): Promise<string> {
  const { body } = await plain<{ room_id: string }>('POST', `${V3}/createRoom`, creator, { preset: 'public_chat', ...more });
  return body.room_id;
}

let lastTxn = 0;
const inRoom = (roomId: string, rest: string): string => `${V3}/rooms/${encodeURIComponent(roomId)}/${rest}`;
const joined = async (who: Person, room: string): Promise<number> => (await plain('POST', `${V3}/join/${encodeURIComponent(room)}`, who, {})).status;
async function say(who: Person, roomId: string, content: Body, type = 'm.room.message'): Promise<string> {
  const { status, body } = await plain<{ event_id: string }>('PUT', inRoom(roomId, `send/${type}/${lastTxn++}`), who, content);
  expect(status).toBe(200);
  return body.event_id;
}
const filtered = (filter: Body): string => `filter=${encodeURIComponent(JSON.stringify(filter))}`;
const idsOf = ({ chunk }: Timeline): readonly string[] => chunk.map(({ event_id }) => event_id);

describe('A conversation in plaintext', () => {
  it('works through the proxy, and leaves nothing but ciphertext behind it', async () => {
    const roomId = await publicRoom(alice);
    expect(await joined(bob, roomId)).toBe(200);
    const secret = `the ${randomBytes(8).toString('hex')} of the state`;
    const root = await say(alice, roomId, { msgtype: 'm.text', body: secret });
    const reply = await say(bob, roomId, { body: `${secret}?`, 'm.relates_to': { rel_type: 'm.thread', event_id: root } }, 'org.example.answer');

    const { body: sync } = await plain<SyncAnswer>('GET', `${V3}/sync`, bob);
    expect(sync.rooms?.join?.[roomId]?.timeline?.events).toEqual(expect.arrayContaining([
      expect.objectContaining({ event_id: root, type: 'm.room.message', content: { msgtype: 'm.text', body: secret } }),
      expect.objectContaining({ event_id: reply, type: 'org.example.answer', unsigned: expect.objectContaining({ transaction_id: String(lastTxn - 1) }) }),
    ]));
    const { body: one } = await plain<RoomEvent>('GET', inRoom(roomId, `event/${encodeURIComponent(root)}`), bob);
    expect(one).toMatchObject({ type: 'm.room.message', content: { body: secret }, unsigned: { 'm.relations': { 'm.thread': { latest_event: { type: 'org.example.answer' } } } } });
    const { body: context } = await plain('GET', inRoom(roomId, `context/${encodeURIComponent(root)}`), bob);
    expect(context).toMatchObject({ event: { content: { body: secret } }, events_after: [{ event_id: reply, type: 'org.example.answer' }] });
    const { body: threads } = await plain('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/threads`, bob);
    expect(threads).toMatchObject({ chunk: [{ type: 'm.room.message' }] });

    expect(messageTypes()).toEqual(['m.room.encrypted']);
    expect(await filesHolding(shard.folders, secret)).toEqual([]);
    expect(await filesHolding(shard.folders, 'org.example.answer')).toEqual([]);
  });

  it('finds what a filter names by the types it was said with', async () => {
    const roomId = await publicRoom(alice);
    const message = await say(alice, roomId, { body: 'one' });
    const file = await say(alice, roomId, { body: 'two', url: 'mxc://a/b' }, 'org.example.file');
    const messages = async (filter: Body): Promise<readonly string[]> =>
      idsOf((await plain<Timeline>('GET', `${inRoom(roomId, 'messages')}?dir=f&${filtered(filter)}`, alice)).body);
    expect(await messages({ types: ['m.room.message'] })).toEqual([message]);
    expect(await messages({ types: ['m.room.encrypted'] })).toEqual([]);
    expect(await messages({ not_types: ['m.room.*'] })).toEqual([file]);
    expect(await messages({ contains_url: true })).toEqual([file]);

    const filter = { room: { timeline: { types: ['m.room.message'] } } };
    const mine = `${V3}/user/${encodeURIComponent(alice.userId)}/filter`;
    const { body: { filter_id } } = await plain<{ filter_id: string }>('POST', mine, alice, filter);
    expect((await plain('GET', `${mine}/${filter_id}`, alice)).body).toEqual(filter);
    for (const parameter of [filtered(filter), `filter=${filter_id}`]) {
      const { body } = await plain<SyncAnswer>('GET', `${V3}/sync?${parameter}`, alice);
      expect(body.rooms?.join?.[roomId]?.timeline?.events.map(({ event_id }) => event_id)).toEqual([message]);
    }
  });

  it('finds relations by the type of what relates', async () => {
    const roomId = await publicRoom(alice);
    const root = await say(alice, roomId, { body: 'root' });
    const related = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
    const reply = await say(alice, roomId, { body: 'reply', ...related });
    const dummy = await say(alice, roomId, related, 'm.dummy');
    const relations = async (rest: string): Promise<readonly string[]> =>
      idsOf((await plain<Timeline>('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/relations/${encodeURIComponent(root)}${rest}`, alice)).body);
    expect(await relations('/m.thread')).toEqual([dummy, reply]);
    expect(await relations('/m.thread/m.room.message')).toEqual([reply]);
  });

  it.each([0, 1, 100, 115, 116, 20_000])('takes %i characters', async (length) => {
    const roomId = await publicRoom(alice);
    const eventId = await say(alice, roomId, { body: 'é'.repeat(length) });
    const { body } = await plain<RoomEvent>('GET', inRoom(roomId, `event/${encodeURIComponent(eventId)}`), alice);
    expect(body.content).toEqual({ body: 'é'.repeat(length) });
  });

  it('sends the same once, and refuses as the server does', async () => {
    const roomId = await publicRoom(alice);
    const send = (body: string) => plain('PUT', inRoom(roomId, 'send/m.room.message/same'), alice, body);
    const { body: { event_id } } = await send('{"body":"one"}');
    expect((await send('{"body":"two"}')).body).toEqual({ event_id });
    expect([await send('"text"'), await send('{')].map(({ status, body }) => [status, body['errcode']])).toEqual([[400, 'M_BAD_JSON'], [400, 'M_NOT_JSON']]);
    for (const length of [70_000, 3_000_000]) {
      expect((await plain('PUT', inRoom(roomId, 'send/m.room.message/large'), alice, { body: 'x'.repeat(length) })).body).toMatchObject({ errcode: 'M_TOO_LARGE' });
    }
    expect((await plain('GET', `${V3}/sync`)).body).toMatchObject({ errcode: 'M_MISSING_TOKEN' });
    expect((await plain('GET', `${V3}/account/whoami`)).headers.get('content-type')).toBe('application/json');
  });
});

describe('A room that was asked to be public', () => {
  it('is joined by its id, its alias, again, and after leaving, and nobody sees an invitation', async () => {
    const alias = `hall-${randomBytes(4).toString('hex')}`;
    const roomId = await publicRoom(alice, { room_alias_name: alias });
    const [carol, dora] = await Promise.all([shard.register(), shard.register()]) as [Person, Person];
    expect([await joined(carol, roomId), await joined(carol, roomId), await joined(dora, `#${alias}:localhost`)]).toEqual([200, 200, 200]);
    expect((await plain('POST', inRoom(roomId, 'leave'), carol, {})).status).toBe(200);
    expect((await plain('POST', inRoom(roomId, 'join'), carol, {})).status).toBe(200);
    const { body } = await plain<Timeline>('GET', `${inRoom(roomId, 'messages')}?dir=f&limit=100`, alice);
    const memberships = body.chunk.filter(({ type }) => type === 'm.room.member').map(({ content }) => content['membership']);
    expect(memberships).toEqual(['join', 'join', 'join', 'leave', 'join']);
    expect(JSON.stringify(body)).not.toContain('sealing proxy');
  });

  it('is open when its creator has left, and no more once its join rule says otherwise', async () => {
    const roomId = await publicRoom(alice, { power_level_content_override: { invite: 0 } });
    const [carol, dora, eve] = await Promise.all([shard.register(), shard.register(), shard.register()]) as [Person, Person, Person];
    expect(await joined(carol, roomId)).toBe(200);
    await plain('POST', inRoom(roomId, 'leave'), alice, {});
    expect(await joined(dora, roomId)).toBe(200);
    expect(await joined(alice, roomId)).toBe(200);
    expect((await plain('PUT', inRoom(roomId, 'state/m.room.join_rules'), alice, { join_rule: 'invite' })).status).toBe(200);
    expect(await joined(eve, roomId)).toBe(403);
    expect((await plain('PUT', inRoom(roomId, 'state/m.room.join_rules/'), alice, { join_rule: 'public' })).status).toBe(200);
    expect(await joined(eve, roomId)).toBe(200);
  });

  it('lets in nobody who was banned, and no other room lets in anybody', async () => {
    const roomId = await publicRoom(alice);
    await plain('POST', inRoom(roomId, 'ban'), alice, { user_id: bob.userId });
    expect(await joined(bob, roomId)).toBe(403);
    const { body } = await plain<{ room_id: string }>('POST', `${V3}/createRoom`, alice, { preset: 'private_chat' });
    expect(await joined(bob, body.room_id)).toBe(403);
  });

  it('is replaced by one that is as open', async () => {
    const { body } = await plain<{ replacement_room: string }>('POST', inRoom(await publicRoom(alice), 'upgrade'), alice, { new_version: '11' });
    expect(await joined(bob, body.replacement_room)).toBe(200);
  });
});

describe('Files', () => {
  it('are ciphertext on the server, and come back with their type and their name', async () => {
    const letter = Buffer.from('A letter that says what it says, at some length, so that anybody would take it for a text.\n'.repeat(20));
    const headers = { authorization: `Bearer ${alice.token}`, 'content-type': 'text/plain; charset=utf-8' };
    const answer = await fetch(`${proxy.url}/_matrix/media/v3/upload?filename=${encodeURIComponent('a; "letter"')}`, { method: 'POST', headers, body: letter });
    const { content_uri } = await answer.json() as { content_uri: string };
    expect(answer.status).toBe(200);
    const path = content_uri.replace('mxc://', '/_matrix/client/v1/media/download/');
    const download = async (base: string, name = ''): Promise<Response> => fetch(`${base}${path}${name}`, { headers: { authorization: headers.authorization } });
    const opened = await download(proxy.url);
    expect(Buffer.from(await opened.arrayBuffer()).equals(letter)).toBe(true);
    expect([opened.headers.get('content-type'), opened.headers.get('content-disposition')]).toEqual(['text/plain; charset=utf-8', 'attachment; filename="a; \\"letter\\""']);
    expect((await download(proxy.url, '/other.txt')).headers.get('content-disposition')).toContain('other.txt');
    expect(Buffer.from(await (await download(shard.baseUrl)).arrayBuffer()).includes('letter')).toBe(false);
  });

  it('may be pictures, of which the server still draws thumbnails', async () => {
    const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');
    const headers = { authorization: `Bearer ${alice.token}`, 'content-type': 'image/png' };
    const { content_uri } = await (await fetch(`${proxy.url}/_matrix/media/v3/upload?filename=%F0%9F%90%94`, { method: 'POST', headers, body: picture })).json() as { content_uri: string };
    const opened = await fetch(`${proxy.url}${content_uri.replace('mxc://', '/_matrix/client/v1/media/download/')}`, { headers: { authorization: headers.authorization } });
    expect(opened.headers.get('content-disposition')).toBe(`attachment; filename*=UTF-8''%F0%9F%90%94`);
    expect(Buffer.from(await opened.arrayBuffer()).equals(picture)).toBe(true);
    const asked = `${content_uri.replace('mxc://', '/_matrix/client/v1/media/thumbnail/')}?width=32&height=32&method=crop`;
    const thumbnail = await fetch(`${proxy.url}${asked}`, { headers: { authorization: headers.authorization } });
    expect([thumbnail.status, thumbnail.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect((await fetch(`${shard.baseUrl}${asked}`, { headers: { authorization: headers.authorization } })).status).toBe(400);
    expect((await fetch(`${proxy.url}${asked}`)).status).toBe(401);
  });
});

describe('Strangers', () => {
  it('are introduced before one asks for their profile and their keys, and writes to their devices', async () => {
    const [carol, dora, eve] = await Promise.all([shard.register(), shard.register(), shard.register()]) as [Person, Person, Person];
    const profile = `${V3}/profile/${encodeURIComponent(carol.userId)}`;
    expect((await shard.request('GET', profile, { token: alice.token })).status).toBe(404);
    expect((await plain('GET', profile, alice)).status).toBe(200);
    const { body } = await plain<{ device_keys: Body }>('POST', `${V3}/keys/query`, alice, { device_keys: { [dora.userId]: [] } });
    expect(Object.keys(body.device_keys)).toEqual([dora.userId]);
    await plain('PUT', `${V3}/sendToDevice/m.dummy/1`, alice, { messages: { [eve.userId]: { '*': { hello: 1 } } } });
    const { body: sync } = await plain<SyncAnswer>('GET', `${V3}/sync`, eve);
    expect(sync.to_device?.events).toEqual([{ type: 'm.dummy', sender: alice.userId, content: { hello: 1 } }]);
  });

  it('are introduced once more when they no longer share a room', async () => {
    const [carol, roomId] = await Promise.all([shard.register(), publicRoom(alice)]);
    await joined(carol, roomId);
    const keysOfCarol = async (): Promise<readonly string[]> =>
      Object.keys((await plain<{ device_keys: Body }>('POST', `${V3}/keys/query`, alice, { device_keys: { [carol.userId]: [] } })).body.device_keys);
    expect(await keysOfCarol()).toEqual([carol.userId]);
    await plain('POST', inRoom(roomId, 'leave'), carol, {});
    expect(await keysOfCarol()).toEqual([carol.userId]);
  });
});

it('says so when there is no server behind it', async () => {
  const alone = await startProxy(newShared(), { host: '127.0.0.1', port: 0 }, 'http://127.0.0.1:1');
  const [seen, unseen] = await Promise.all([fetch(`${alone.url}${V3}/sync`), fetch(`${alone.url}/_matrix/client/versions`)]);
  expect([seen.status, unseen.status]).toEqual([502, 502]);
  expect(await unseen.json()).toMatchObject({ errcode: 'M_UNKNOWN' });
  await alone.stop();
});

function messageTypes(): readonly string[] {
  const db = new Sqlite(join(shard.folders[0] ?? '', 'homeserver.db'), { readonly: true });
  try {
    return db.prepare<[], { type: string }>('SELECT DISTINCT type FROM events WHERE state_key IS NULL').all().map(({ type }) => type);
  } finally {
    db.close();
  }
}
