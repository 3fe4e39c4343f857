import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { breakOff, sendRaw } from './raw-http.js';
import { sealed } from './sealed.js';

const V3 = '/_matrix/client/v3';
const MAX = 200_000;
let shard: Shard;
let alice: Person;
let bob: Person;
let stranger: Person;
let roomId: string;

beforeAll(async () => {
  shard = await startShard({ max_upload_size: MAX });
});
beforeEach(async () => {
  [alice, bob, stranger] = await Promise.all([shard.register(), shard.register(), shard.register()]) as [Person, Person, Person];
  roomId = await shard.createRoom(alice, [bob]);
});
afterAll(async () => {
  await shard.stop();
});

const upload = (who: Person, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Answer<{ content_uri: string; errcode?: string }>> =>
  shard.request('POST', '/_matrix/media/v3/upload', { token: who.token, body, headers: { 'content-type': 'application/octet-stream', ...headers } });
const uploaded = async (who: Person, bytes: Uint8Array = randomBytes(1000)): Promise<string> => (await upload(who, bytes)).body.content_uri;
const pathOf = (mxc: string, fileName = ''): string => mxc.replace('mxc://', '/_matrix/client/v1/media/download/') + fileName;
const download = (who: Person, mxc: string, fileName?: string): Promise<Answer<Buffer>> => shard.request<Buffer>('GET', pathOf(mxc, fileName), { token: who.token });
const send = async (who: Person, room = roomId): Promise<void> => {
  const path = `${V3}/rooms/${encodeURIComponent(room)}/send/m.room.encrypted/${randomBytes(6).toString('hex')}`;
  expect((await shard.request('PUT', path, { token: who.token, body: sealed() })).status).toBe(200);
};
const mayRead = async (who: Person, mxc: string): Promise<boolean> => (await download(who, mxc)).status === 200;

describe('Uploading encrypted attachments', () => {
  it('returns the mxc address, and the bytes to who uploaded them', async () => {
    const bytes = randomBytes(70_000);
    const mxc = await uploaded(alice, bytes);
    expect(mxc).toMatch(/^mxc:\/\/localhost\/[A-Za-z0-9_-]{20,}$/);
    expect((await download(alice, mxc)).body.equals(bytes)).toBe(true);
  });

  it.each([0, 1, 63, 64, 65_535, 65_536, 65_537, MAX])('takes and returns %i bytes', async (size) => {
    const bytes = randomBytes(size);
    const mxc = await uploaded(alice, bytes);
    const { headers, body } = await download(alice, mxc);
    expect([headers['content-length'], Buffer.from(body).equals(bytes)]).toEqual([String(size), true]);
  });

  it('M_TOO_LARGE: beyond what the server announces, with a length or without', async () => {
    expect((await shard.request('GET', '/_matrix/client/v1/media/config', { token: alice.token })).body).toEqual({ 'm.upload.size': MAX });
    expect((await shard.request('GET', '/_matrix/media/v3/config', { token: alice.token })).body).toEqual({ 'm.upload.size': MAX });
    const before = shard.stored()['media'];
    expect(await upload(alice, randomBytes(MAX + 1))).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
    const raw = { method: 'POST', target: '/_matrix/media/v3/upload', token: alice.token, body: randomBytes(MAX * 2), headers: { 'Content-Type': 'application/octet-stream' } };
    expect(await sendRaw(shard.baseUrl, { ...raw, chunked: true })).toMatchObject({ status: 413, text: expect.stringContaining('M_TOO_LARGE') });
    expect(shard.stored()['media']).toBe(before);
  });

  it.each([
    ['text', Buffer.from('The minutes of the meeting, which nobody else should read.\n'.repeat(20))],
    ['JSON', Buffer.from(JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ i }))))],
    ['a picture', Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(500)])],
    ['a document', Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(500)])],
    ['an archive', Buffer.concat([Buffer.from('PK\x03\x04'), randomBytes(500)])],
    ['zeros', Buffer.alloc(5000)],
  ])('%s in plain is M_FORBIDDEN (C9), and leaves nothing', async (_, bytes) => {
    const before = shard.stored();
    expect(await upload(alice, bytes)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'Only encrypted attachments are accepted' } });
    expect(shard.stored()).toEqual(before);
  });

  it.each(['image/png', 'text/plain', 'application/json', 'application/octet-streams'])('what calls itself %s is M_FORBIDDEN', async (type) => {
    expect(await upload(alice, randomBytes(500), { 'content-type': type })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });

  it('broken off, it leaves nothing', async () => {
    const before = shard.stored();
    await breakOff(shard.baseUrl, { method: 'POST', target: '/_matrix/media/v3/upload', token: alice.token }, 'x'.repeat(100), 1000);
    expect(shard.stored()).toEqual(before);
  });

  it('needs a token', async () => {
    expect(await shard.request('POST', '/_matrix/media/v3/upload', { body: randomBytes(10) })).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
  });
});

describe('Downloading', () => {
  it('C4: carries the headers that keep a browser from running what it is given, and caches from keeping it', async () => {
    const { headers } = await download(alice, await uploaded(alice));
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment',
      'content-security-policy': expect.stringContaining('sandbox'),
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
    });
  });

  it('under a file name of the client’s choosing', async () => {
    const mxc = await uploaded(alice);
    expect((await download(alice, mxc, '/report.pdf')).headers['content-disposition']).toBe('attachment; filename="report.pdf"');
    const odd = (await download(alice, mxc, `/${encodeURIComponent('Übersicht "1"; x=\\.pdf')}`)).headers['content-disposition'] ?? '';
    expect(odd).toBe(`attachment; filename="_bersicht _1_; x=_.pdf"; filename*=UTF-8''${encodeURIComponent('Übersicht "1"; x=\\.pdf')}`);
    expect((await download(alice, mxc, '/a%0d%0aSet-Cookie:%20x')).status).toBe(400);
  });

  it('HEAD tells the same of those who may, and of those who may not', async () => {
    const target = pathOf(await uploaded(alice, randomBytes(150_000)));
    for (const { token } of [alice, bob]) {
      const [head, got] = await Promise.all(['HEAD', 'GET'].map((method) => sendRaw(shard.baseUrl, { method, target, token })));
      expect([head?.status, { ...head?.headers, date: '' }]).toEqual([got?.status, { ...got?.headers, date: '' }]);
      expect(head?.text).toBe('');
    }
  });

  it('a thumbnail cannot be made of ciphertext, which only its readers learn', async () => {
    const target = pathOf(await uploaded(alice)).replace('/download/', '/thumbnail/');
    const query = { width: 32, height: 32 };
    expect(await shard.request('GET', target, { token: alice.token, query })).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
    expect(await shard.request('GET', target, { token: bob.token, query })).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  });

  it('a range is not answered with a part: Accept-Ranges is none, and the whole comes', async () => {
    const bytes = randomBytes(150_000);
    const target = pathOf(await uploaded(alice, bytes));
    for (const range of ['bytes=0-9', 'bytes=-1', 'bytes=70000-', 'bytes=9-1', 'bytes=0-1,5-6']) {
      const { status, headers, body } = await shard.request<Buffer>('GET', target, { token: alice.token, headers: { range } });
      expect([status, headers['accept-ranges'], headers['content-range'], Buffer.from(body).equals(bytes)]).toEqual([200, 'none', undefined, true]);
    }
  });

  it('who goes away in the middle does no harm', async () => {
    const target = pathOf(await uploaded(alice, randomBytes(MAX)));
    await Promise.all(Array.from({ length: 20 }, () => breakOff(shard.baseUrl, { method: 'GET', target, token: alice.token })));
    expect((await sendRaw(shard.baseUrl, { method: 'GET', target, token: alice.token })).status).toBe(200);
  });
});

describe('Who may download (C)', () => {
  it('sent after the upload: members of the room, and nobody else', async () => {
    const mxc = await uploaded(alice);
    expect(await mayRead(bob, mxc)).toBe(false);
    await send(alice);
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc), await mayRead(alice, mxc)]).toEqual([true, false, true]);
  });

  it('what another person, or another device, sends grants nothing', async () => {
    const mxc = await uploaded(alice);
    await send(bob);
    await send(await shard.logIn(alice));
    expect(await mayRead(bob, mxc)).toBe(false);
  });

  it('a kick revokes it, and so does leaving', async () => {
    const mxc = await uploaded(alice);
    await send(alice);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/kick`, { token: alice.token, body: { user_id: bob.userId } });
    expect(await mayRead(bob, mxc)).toBe(false);
    const carol = await shard.register();
    const other = await shard.createRoom(alice, [carol]);
    await send(alice, other);
    expect(await mayRead(carol, mxc)).toBe(true);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(other)}/leave`, { token: carol.token, body: {} });
    expect(await mayRead(carol, mxc)).toBe(false);
  });

  it('who only is invited may not yet', async () => {
    const mxc = await uploaded(alice);
    await send(alice);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/invite`, { token: alice.token, body: { user_id: stranger.userId } });
    expect(await mayRead(stranger, mxc)).toBe(false);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/join`, { token: stranger.token, body: {} });
    expect(await mayRead(stranger, mxc)).toBe(true);
  });

  it('who joins a room whose history begins with their joining reads nothing from before', async () => {
    const strict = await shard.createRoom(alice, [bob], { initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }] });
    const mxc = await uploaded(alice);
    await send(alice, strict);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(strict)}/invite`, { token: alice.token, body: { user_id: stranger.userId } });
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(strict)}/join`, { token: stranger.token, body: {} });
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc)]).toEqual([true, false]);
  });

  it('not granted, missing, malformed, and of another server are one answer, headers and all (C2)', async () => {
    const mxc = await uploaded(alice);
    const id = mxc.slice(mxc.lastIndexOf('/') + 1);
    const told = async (target: string, who = bob): Promise<object> => {
      const { status, headers, text } = await sendRaw(shard.baseUrl, { method: 'GET', target, token: who.token });
      return { status, headers: { ...headers, date: '' }, text };
    };
    const notGranted = await told(pathOf(mxc));
    expect(notGranted).toMatchObject({ status: 404, text: expect.stringContaining('"M_NOT_FOUND"') });
    for (const other of [`localhost/${'A'.repeat(id.length)}`, 'localhost/x', 'localhost/..%2f..%2fhomeserver.yaml', `elsewhere.example/${id}`, `localhost/${id}x`]) {
      expect(await told(pathOf(`mxc://${other}`))).toEqual(notGranted);
    }
    expect(await told(pathOf(`mxc://elsewhere.example/${id}`), alice)).toEqual(notGranted);
    expect(await told(`/_matrix/client/v1/media/thumbnail/localhost/${id}?width=10&height=10`)).toEqual(notGranted);
  });

  it('a token is needed, whoever asks: in the header only', async () => {
    const mxc = await uploaded(alice);
    expect((await shard.request('GET', pathOf(mxc))).status).toBe(401);
    expect((await shard.request('GET', pathOf(mxc), { query: { access_token: alice.token } })).status).toBe(401);
  });

  it('grants and blobs outlive a power cut', async () => {
    const bytes = randomBytes(5000);
    const mxc = await uploaded(alice, bytes);
    await send(alice);
    await shard.crash();
    expect((await download(bob, mxc)).body.equals(bytes)).toBe(true);
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
