import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { sealed } from './sealed.js';

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;
let bob: Person;
let carol: Person;
let roomId: string;

beforeAll(async () => {
  shard = await startShard();
  // One of them for each test would be one Argon2id too many.
  [alice, bob, carol] = await Promise.all([shard.register(), shard.register(), shard.register()]) as [Person, Person, Person];
});
beforeEach(async () => {
  roomId = await shard.createRoom(alice, [bob]);
});
afterAll(async () => {
  await shard.stop();
});

type Refusal = { errcode?: string };
const room = (id: string, rest: string): string => `${V3}/rooms/${encodeURIComponent(id)}/${rest}`;
const uploaded = async (who: Person, bytes = randomBytes(700)): Promise<string> =>
  (await shard.request<{ content_uri: string }>('POST', '/_matrix/media/v3/upload', { token: who.token, body: bytes })).body.content_uri;
const fetch = (who: Person, mxc: string): Promise<Answer<Buffer & Refusal>> =>
  shard.request<Buffer & Refusal>('GET', mxc.replace('mxc://', '/_matrix/client/v1/media/download/'), { token: who.token });
const mayRead = async (who: Person, mxc: string): Promise<boolean> => (await fetch(who, mxc)).status === 200;
const send = async (who: Person, to = roomId, query = {}): Promise<string> => {
  const path = room(to, `send/m.room.encrypted/${randomBytes(6).toString('hex')}`);
  const { status, body } = await shard.request<{ event_id: string }>('PUT', path, { token: who.token, query, body: sealed() });
  expect(status).toBe(200);
  return body.event_id;
};
const redact = async (who: Person, eventId: string, from = roomId): Promise<void> => {
  const path = room(from, `redact/${encodeURIComponent(eventId)}/${randomBytes(6).toString('hex')}`);
  expect((await shard.request('PUT', path, { token: who.token, body: {} })).status).toBe(200);
};

/** A grey point. */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');
const setState = (who: Person, mxc: string, content = {}): Promise<Answer<Refusal & { event_id?: string }>> =>
  shard.request('PUT', room(roomId, 'state/org.example.note/'), { token: who.token, query: { attach_media: mxc }, body: content });

describe('Sending to devices', () => {
  const toDevice = (who: Person, to: Person): Promise<Answer<unknown>> => shard.request('PUT', `${V3}/sendToDevice/m.room.encrypted/${randomBytes(6).toString('hex')}`, {
    token: who.token, body: { messages: { [to.userId]: { '*': { algorithm: 'm.olm.v1.curve25519-aes-sha2', ciphertext: {} } } } },
  });

  it('a bundle of room keys is for whom it is sent to (3)', async () => {
    await shard.request('POST', room(roomId, 'invite'), { token: alice.token, body: { user_id: carol.userId } });
    const mxc = await uploaded(alice);
    await toDevice(alice, carol);
    expect([await mayRead(carol, mxc), await mayRead(bob, mxc)]).toEqual([true, false]);
  });

  it('a stranger, to whom nothing is sent, is granted nothing (B13)', async () => {
    const stranger = await shard.register();
    const mxc = await uploaded(alice);
    await toDevice(alice, stranger);
    expect(await mayRead(stranger, mxc)).toBe(false);
  });

  it('keys sent ahead of a message do not outlive a kick', async () => {
    const mxc = await uploaded(alice);
    await toDevice(alice, bob);
    await send(alice);
    expect(await mayRead(bob, mxc)).toBe(true);
    await shard.request('POST', room(roomId, 'kick'), { token: alice.token, body: { user_id: bob.userId } });
    expect(await mayRead(bob, mxc)).toBe(false);
  });
});

describe('Forwarding', () => {
  it('by who has fetched the file opens it to the room they write to, not before, and not after leaving (4)', async () => {
    const other = await shard.createRoom(bob, [carol]);
    const mxc = await uploaded(alice);
    await send(alice);
    await send(bob, other);
    expect(await mayRead(carol, mxc)).toBe(false);
    expect(await mayRead(bob, mxc)).toBe(true);
    expect(await mayRead(carol, mxc)).toBe(false);
    await send(bob, other);
    expect(await mayRead(carol, mxc)).toBe(true);
    await shard.request('POST', room(other, 'leave'), { token: carol.token, body: {} });
    expect(await mayRead(carol, mxc)).toBe(false);
  });

  it('is known to the ledger before the bytes leave, and over a crash', async () => {
    const other = await shard.createRoom(bob, [carol]);
    const mxc = await uploaded(alice);
    await send(alice);
    const before = shard.stored();
    expect(await mayRead(carol, mxc)).toBe(false);
    expect(shard.stored()).toEqual(before);
    expect(await mayRead(bob, mxc)).toBe(true);
    expect(Number.parseInt(shard.stored()['ledger_blobs'] ?? '', 10)).toBe(Number.parseInt(before['ledger_blobs'] ?? '', 10) + 1);
    await shard.crash();
    await send(bob, other);
    expect(await mayRead(carol, mxc)).toBe(true);
  });
});

describe('Other shards (6)', () => {
  it('are served nothing, whatever they say they are, and here nobody is served what is theirs', async () => {
    const mxc = await uploaded(alice);
    await send(alice);
    const mediaId = mxc.slice(mxc.lastIndexOf('/') + 1);
    const signed = 'X-Matrix origin="other.example",destination="localhost",key="ed25519:1",sig="c2lnbmVk"';
    for (const path of [`download/${mediaId}`, `thumbnail/${mediaId}`, `download/localhost/${mediaId}`]) {
      for (const headers of [{}, { authorization: signed }, { authorization: `Bearer ${alice.token}` }]) {
        expect(await shard.request('GET', `/_matrix/federation/v1/media/${path}`, { headers })).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
      }
    }
    for (const server of ['other.example', 'localhost:8448']) expect((await fetch(alice, `mxc://${server}/${mediaId}`)).body.errcode).toBe('M_NOT_FOUND');
    expect(await mayRead(bob, mxc)).toBe(true);
  });
});

describe('attach_media (MSC3911)', () => {
  it('names what a message carries, and that is its only grant (C7)', async () => {
    const other = await shard.createRoom(alice, [carol]);
    const [named, unnamed] = [await uploaded(alice), await uploaded(alice)];
    await send(alice, roomId, { attach_media: named });
    await send(alice, other);
    expect([await mayRead(bob, named), await mayRead(carol, named)]).toEqual([true, false]);
    expect([await mayRead(bob, unnamed), await mayRead(carol, unnamed)]).toEqual([false, true]);
  });

  it('M_INVALID_PARAM: not one’s own, named twice, of another server, or no address; and nothing is sent', async () => {
    const own = await uploaded(alice);
    await send(alice, roomId, { attach_media: own });
    const before = shard.stored();
    for (const mxc of [own, await uploaded(bob), 'mxc://elsewhere.example/abc', 'mxc://localhost/abc']) {
      const path = room(roomId, `send/m.room.encrypted/${randomBytes(6).toString('hex')}`);
      const refusal = await shard.request<Refusal>('PUT', path, { token: alice.token, query: { attach_media: mxc }, body: sealed() });
      expect([mxc, refusal.status, refusal.body.errcode]).toEqual([mxc, 400, 'M_INVALID_PARAM']);
    }
    expect(shard.stored()['events']).toBe(before['events']);
    expect(shard.stored()['media_grants']).toBe(before['media_grants']);
  });

  it('"If any of the attach_media parameters do not correspond to known restricted media items […] 400 error with M_INVALID_PARAM": also of state events', async () => {
    const own = await uploaded(alice);
    await setState(alice, own);
    const before = shard.stored();
    for (const mxc of [own, await uploaded(bob), 'mxc://elsewhere.example/abc', 'mxc://localhost/abc', 'nonsense']) {
      const refusal = await setState(alice, mxc, { and: 'more' });
      expect([mxc, refusal.status, refusal.body.errcode]).toEqual([mxc, 400, 'M_INVALID_PARAM']);
    }
    expect(shard.stored()['events']).toBe(before['events']);
    expect(shard.stored()['media_grants']).toBe(before['media_grants']);
  });

  it('"the media can be seen by any user who can see the event itself": what is state, by who joins later too', async () => {
    const [attached, sent] = [await uploaded(alice), await uploaded(alice)];
    await shard.request('PUT', room(roomId, 'state/m.room.history_visibility'), { token: alice.token, body: { history_visibility: 'joined' } });
    const { body: { event_id: event } } = await setState(alice, attached);
    await send(alice);
    await shard.request('POST', room(roomId, 'invite'), { token: alice.token, body: { user_id: carol.userId } });
    expect([await mayRead(bob, attached), await mayRead(carol, attached)]).toEqual([true, false]);
    await shard.request('POST', room(roomId, 'join'), { token: carol.token, body: {} });
    expect([await mayRead(carol, attached), await mayRead(carol, sent)]).toEqual([true, false]);
    await setState(alice, await uploaded(alice), { and: 'more' });
    expect([await mayRead(bob, attached), await mayRead(carol, attached)]).toEqual([true, false]);
    await redact(alice, event ?? '');
    expect([await mayRead(bob, attached), await mayRead(alice, attached)]).toEqual([false, true]);
  });

  it('"if a client […] repeats the operation with identical parameters, a 200 response must be returned (with the original event ID)"', async () => {
    const mxc = await uploaded(alice);
    const [first, again] = [await setState(alice, mxc), await setState(alice, mxc)];
    expect([first.status, again.status, again.body.event_id]).toEqual([200, 200, first.body.event_id]);
    const path = room(roomId, 'send/m.room.encrypted/the-same');
    const other = { token: alice.token, query: { attach_media: await uploaded(alice) }, body: sealed() };
    const answers = [await shard.request<{ event_id: string }>('PUT', path, other), await shard.request<{ event_id: string }>('PUT', path, other)];
    expect(answers.map(({ status, body }) => [status, body.event_id])).toEqual([[200, answers[0]?.body.event_id], [200, answers[0]?.body.event_id]]);
  });

  it('a picture is attached to the event that hangs it up, and hangs nowhere else', async () => {
    const dora = await shard.register();
    const other = await shard.createRoom(dora, [carol]);
    const mine = await shard.createRoom(dora, [bob]);
    const picture = (await shard.request<{ content_uri: string }>('POST', '/_matrix/media/v3/upload', { token: dora.token, body: PNG, headers: { 'content-type': 'image/png' } })).body.content_uri;
    const hang = (where: string, query = {}): Promise<Answer<Refusal>> => shard.request('PUT', room(where, 'state/m.room.avatar'), { token: dora.token, query, body: { url: picture } });
    expect(await hang(mine, { attach_media: picture })).toMatchObject({ status: 200 });
    expect(await hang(other, { attach_media: picture })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    await hang(other);
    expect([await mayRead(bob, picture), await mayRead(carol, picture)]).toEqual([true, false]);
    expect(await shard.request('PUT', `${V3}/profile/${encodeURIComponent(dora.userId)}/avatar_url`, { token: dora.token, body: { avatar_url: picture } }))
      .toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });
});

describe('Redacting', () => {
  it('takes back what the message may have carried, once no other message may carry it', async () => {
    const [first, second] = [await uploaded(alice), await uploaded(alice)];
    const [one, two] = [await send(alice), await send(alice)];
    await redact(alice, one);
    expect([await mayRead(bob, first), await mayRead(bob, second)]).toEqual([true, true]);
    await redact(alice, two);
    expect([await mayRead(bob, first), await mayRead(bob, second), await mayRead(alice, first)]).toEqual([false, false, true]);
    await send(alice);
    expect(await mayRead(bob, first)).toBe(false);
  });

  it('a message that is gone forwards nothing (4)', async () => {
    const other = await shard.createRoom(bob, [carol]);
    const mxc = await uploaded(alice);
    await send(alice);
    await send(bob, other);
    expect(await mayRead(bob, mxc)).toBe(true);
    const forward = await send(bob, other);
    await redact(bob, forward, other);
    expect(await mayRead(carol, mxc)).toBe(false);
    await send(bob, other);
    const last = await send(bob, other);
    await redact(bob, last, other);
    expect(await mayRead(carol, mxc)).toBe(true);
  });

  it('another person’s message takes back nothing', async () => {
    const mxc = await uploaded(alice);
    const [event] = [await send(bob), await send(alice)];
    await redact(bob, event);
    expect(await mayRead(bob, mxc)).toBe(true);
  });
});

describe('Uploading in two steps', () => {
  const create = (who: Person): Promise<Answer<{ content_uri: string; unused_expires_at: number }>> => shard.request('POST', '/_matrix/media/v1/create', { token: who.token });
  const put = (who: Person, mxc: string, body: Buffer): Promise<Answer<Refusal>> =>
    shard.request<Refusal>('PUT', mxc.replace('mxc://', '/_matrix/media/v3/upload/'), { token: who.token, body });

  it('M_NOT_YET_UPLOADED: to whom it is granted; to everybody else it does not exist (C3)', async () => {
    const bytes = randomBytes(5000);
    const { body: { content_uri: mxc, unused_expires_at: expires } } = await create(alice);
    expect(mxc).toMatch(/^mxc:\/\/localhost\/[A-Za-z0-9_-]{32}$/);
    expect(expires).toBeGreaterThan(Date.now() + 86_000_000);
    expect([await fetch(alice, mxc), await fetch(bob, mxc)]).toMatchObject([{ status: 504, body: { errcode: 'M_NOT_YET_UPLOADED' } }, { status: 404 }]);
    await send(alice);
    expect([await fetch(bob, mxc), await fetch(carol, mxc)]).toMatchObject([{ status: 504 }, { status: 404, body: { errcode: 'M_NOT_FOUND' } }]);
    expect(await put(alice, mxc, bytes)).toMatchObject({ status: 200, body: {} });
    expect((await fetch(bob, mxc)).body.equals(bytes)).toBe(true);
  });

  it('M_CANNOT_OVERWRITE_MEDIA: what has content keeps it', async () => {
    const bytes = randomBytes(500);
    const { body: { content_uri: mxc } } = await create(alice);
    await put(alice, mxc, bytes);
    for (const taken of [mxc, await uploaded(alice)]) {
      expect(await put(alice, taken, randomBytes(500))).toMatchObject({ status: 409, body: { errcode: 'M_CANNOT_OVERWRITE_MEDIA' } });
    }
    expect((await fetch(alice, mxc)).body.equals(bytes)).toBe(true);
  });

  it('M_NOT_FOUND: what nobody announced, or another person, or another server', async () => {
    const { body: { content_uri: mxc } } = await create(alice);
    const answers = [await put(bob, mxc, randomBytes(9)), await put(bob, await uploaded(alice), randomBytes(9))];
    for (const other of ['mxc://localhost/AAAA', mxc.replace('localhost', 'elsewhere.example')]) answers.push(await put(alice, other, randomBytes(9)));
    for (const { status, text } of answers) expect([status, text]).toEqual([404, answers[0]?.text]);
  });

  it('refused content leaves the address to be tried again', async () => {
    const { body: { content_uri: mxc } } = await create(alice);
    expect(await put(alice, mxc, Buffer.from('The minutes of the meeting. '.repeat(50)))).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect((await put(alice, mxc, randomBytes(500))).status).toBe(200);
  });

  it('M_LIMIT_EXCEEDED: too many announced and not uploaded', async () => {
    const eve = await shard.register();
    for (let i = 0; i < 5; i += 1) expect((await create(eve)).status).toBe(200);
    const refusal = await create(eve);
    expect([refusal.status, refusal.body]).toMatchObject([429, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) }]);
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
