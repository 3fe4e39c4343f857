import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { sealed } from './sealed.js';

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;
let bob: Person;
let stranger: Person;
let picture: Buffer;

beforeAll(async () => {
  shard = await startShard();
  // Noise, so that nothing about its size is an accident of compression.
  picture = await sharp(randomBytes(400 * 200 * 3), { raw: { width: 400, height: 200, channels: 3 } })
    .withExif({ IFD0: { Artist: 'a name that nobody may learn', ImageDescription: '48.8566 N 2.3522 E' } })
    .jpeg()
    .toBuffer();
});
beforeEach(async () => {
  [alice, bob, stranger] = await Promise.all([shard.register(), shard.register(), shard.register()]) as [Person, Person, Person];
});
afterAll(async () => {
  await shard.stop();
});

const upload = (who: Person, body: Buffer, type: string): Promise<Answer<{ content_uri: string; errcode?: string }>> =>
  shard.request('POST', '/_matrix/media/v3/upload', { token: who.token, body, headers: { 'content-type': type } });
const uploaded = async (who: Person, body = picture, type = 'image/jpeg'): Promise<string> => {
  const { status, body: { content_uri: mxc } } = await upload(who, body, type);
  expect(status).toBe(200);
  return mxc;
};
const fetch = (who: Person, mxc: string, what = 'download', query = {}): Promise<Answer<Buffer>> =>
  shard.request<Buffer>('GET', mxc.replace('mxc://', `/_matrix/client/v1/media/${what}/`), { token: who.token, query });
const mayRead = async (who: Person, mxc: string): Promise<boolean> => {
  const [whole, small] = [await fetch(who, mxc), await fetch(who, mxc, 'thumbnail', { width: 32, height: 32, method: 'crop' })];
  expect(small.status).toBe(whole.status);
  return whole.status === 200;
};
const setOwn = async (who: Person, mxc: string): Promise<void> => {
  const path = `${V3}/profile/${encodeURIComponent(who.userId)}/avatar_url`;
  expect((await shard.request('PUT', path, { token: who.token, body: { avatar_url: mxc } })).status).toBe(200);
};
const setRooms = (who: Person, roomId: string, mxc: string): Promise<Answer<{ event_id: string }>> =>
  shard.request('PUT', `${V3}/rooms/${encodeURIComponent(roomId)}/state/m.room.avatar`, { token: who.token, body: { url: mxc } });
const act = (who: Person, roomId: string, what: string, body = {}): Promise<Answer<unknown>> =>
  shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/${what}`, { token: who.token, body });

describe('An avatar (C8)', () => {
  it('is encoded anew: what was hidden beside the pixels is gone', async () => {
    expect(picture.includes('a name that nobody may learn')).toBe(true);
    const { headers, body } = await fetch(alice, await uploaded(alice));
    expect(headers).toMatchObject({
      'content-type': 'image/jpeg',
      'content-disposition': 'inline',
      'content-security-policy': expect.stringContaining('sandbox'),
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(await sharp(body).metadata()).toMatchObject({ format: 'jpeg', width: 400, height: 200 });
    expect((await sharp(body).metadata()).exif).toBeUndefined();
    expect([body.includes('nobody may learn'), body.includes('48.8566')]).toEqual([false, false]);
  });

  it('carries nothing that stood behind the picture', async () => {
    const mxc = await uploaded(alice, Buffer.concat([await sharp(picture).png().toBuffer(), Buffer.from('PK\x03\x04 the minutes of the meeting')]), 'image/png');
    expect((await fetch(alice, mxc)).body.includes('the minutes')).toBe(false);
  });

  it.each(['png', 'webp', 'gif', 'jpeg'] as const)('may be %s, and is no larger than anybody needs', async (format) => {
    const large = await sharp({ create: { width: 3000, height: 1500, channels: 3, background: '#123456' } })[format]().toBuffer();
    const { headers, body } = await fetch(alice, await uploaded(alice, large, `image/${format}`));
    const expected = format === 'gif' ? 'png' : format;
    expect([headers['content-type'], await sharp(body).metadata()]).toMatchObject([`image/${expected}`, { format: expected, width: 1024, height: 512 }]);
  });

  it('M_FORBIDDEN: what is no picture, whatever it calls itself', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>');
    const before = shard.stored()['media'];
    const tiff = await sharp(picture).tiff().toBuffer();
    const cases: readonly [string, Buffer][] = [
      ['image/svg+xml', svg], ['image/png', svg], ['image/png', randomBytes(500)], ['image/png', Buffer.alloc(0)],
      ['image/tiff', tiff], ['image/jpeg', tiff], ['image/jpeg', picture.subarray(0, picture.length / 2)],
    ];
    for (const [type, bytes] of cases) {
      expect([type, await upload(alice, bytes, type)]).toMatchObject([type, { status: 403, body: { errcode: 'M_FORBIDDEN' } }]);
    }
    expect(shard.stored()['media']).toBe(before);
  });

  it('M_FORBIDDEN: a small file that is a vast picture', async () => {
    const bomb = await sharp({ create: { width: 6000, height: 6000, channels: 3, background: '#000' }, limitInputPixels: false }).png({ compressionLevel: 9 }).toBuffer();
    expect(bomb.length).toBeLessThan(1_048_576);
    expect(await upload(alice, bomb, 'image/png')).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });

  it('M_TOO_LARGE: more than 1 MiB', async () => {
    expect(await upload(alice, randomBytes(1_048_577), 'image/png')).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
  });

  it('is the uploader’s alone until they show it, messages or not', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const mxc = await uploaded(alice);
    const path = `${V3}/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted/1`;
    expect((await shard.request('PUT', path, { token: alice.token, body: sealed() })).status).toBe(200);
    expect([await mayRead(alice, mxc), await mayRead(bob, mxc)]).toEqual([true, false]);
    await setOwn(bob, mxc);
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc)]).toEqual([false, false]);
  });

  it('on a profile is for whoever may see that profile', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const mxc = await uploaded(alice);
    await setOwn(alice, mxc);
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc)]).toEqual([true, false]);
    await act(alice, roomId, 'invite', { user_id: stranger.userId });
    expect(await mayRead(stranger, mxc)).toBe(true);
    await act(stranger, roomId, 'leave');
    await act(bob, roomId, 'leave');
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc)]).toEqual([false, false]);
  });

  it('of a room is for its members and who is invited', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const mxc = await uploaded(alice);
    expect((await setRooms(alice, roomId, mxc)).status).toBe(200);
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc)]).toEqual([true, false]);
    await act(alice, roomId, 'invite', { user_id: stranger.userId });
    expect(await mayRead(stranger, mxc)).toBe(true);
    await act(alice, roomId, 'kick', { user_id: stranger.userId });
    await act(alice, roomId, 'kick', { user_id: bob.userId });
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc)]).toEqual([false, false]);
  });

  it('of a room that somebody else hangs up elsewhere opens no door', async () => {
    const mxc = await uploaded(alice);
    const roomId = await shard.createRoom(bob, [stranger]);
    await setRooms(bob, roomId, mxc);
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc)]).toEqual([false, false]);
  });

  it('of a room that another room calls its predecessor, and that was not closed for it, opens no door either', async () => {
    const mxc = await uploaded(alice);
    const roomId = await shard.createRoom(alice, [bob]);
    await setRooms(alice, roomId, mxc);
    const copy = await shard.createRoom(bob, [stranger], { creation_content: { predecessor: { room_id: roomId, event_id: '$tombstone' } } });
    await setRooms(bob, copy, mxc);
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc)]).toEqual([true, false]);
  });

  it('goes with the event that showed it, once no other shows it', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const mxc = await uploaded(alice);
    const hang = async (url: string): Promise<string> => (await setRooms(alice, roomId, url)).body.event_id;
    const [once, , again] = [await hang(mxc), await hang('mxc://localhost/other'), await hang(mxc)];
    const redact = (eventId: string): Promise<Answer<unknown>> =>
      shard.request('PUT', `${V3}/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(eventId)}/${randomBytes(6).toString('hex')}`, { token: alice.token, body: {} });
    expect((await redact(once)).status).toBe(200);
    expect(await mayRead(bob, mxc)).toBe(true);
    await redact(again);
    expect([await mayRead(bob, mxc), await mayRead(alice, mxc)]).toEqual([false, true]);
  });

  it('of a new room is set with the room, and moves with an upgrade', async () => {
    const mxc = await uploaded(alice);
    const roomId = await shard.createRoom(alice, [bob], {
      initial_state: [{ type: 'm.room.avatar', state_key: '', content: { url: mxc } }], power_level_content_override: { users: { [bob.userId]: 100, [alice.userId]: 100 } },
    });
    expect(await mayRead(bob, mxc)).toBe(true);
    const { body } = await shard.request<{ replacement_room: string }>('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/upgrade`, { token: bob.token, body: { new_version: '11' } });
    await act(bob, body.replacement_room, 'invite', { user_id: stranger.userId });
    expect(await mayRead(stranger, mxc)).toBe(true);
  });

  it('shown in one room only is for that room', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    await shard.createRoom(alice, [stranger]);
    const mxc = await uploaded(alice);
    const member = `${V3}/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(alice.userId)}`;
    expect((await shard.request('PUT', member, { token: alice.token, body: { membership: 'join', avatar_url: mxc } })).status).toBe(200);
    expect([await mayRead(bob, mxc), await mayRead(stranger, mxc)]).toEqual([true, false]);
  });
});

describe('A thumbnail', () => {
  it.each([
    [{ width: 32, height: 32, method: 'crop' }, 32, 32],
    [{ width: 20, height: 90, method: 'crop' }, 96, 96],
    [{ width: 300, height: 100, method: 'scale' }, 320, 160],
    [{ width: 300, height: 100 }, 320, 160],
    [{ width: 640, height: 480, method: 'scale' }, 400, 200],
    [{ width: 5000, height: 5000, method: 'crop' }, 400, 200],
  ])('for %j has %i by %i pixels: never upscaled', async (query, width, height) => {
    const mxc = await uploaded(alice);
    for (const again of [1, 2]) {
      const { status, headers, body } = await fetch(alice, mxc, 'thumbnail', query);
      expect([again, status, headers['content-type'], headers['content-disposition']]).toEqual([again, 200, 'image/jpeg', 'inline; filename="thumbnail.jpeg"']);
      expect(await sharp(body).metadata()).toMatchObject({ width, height });
    }
  });

  it('asked for by many at once is drawn and kept once', async () => {
    const mxc = await uploaded(alice);
    const before = Number.parseInt(shard.stored()['media_thumbnails'] ?? '', 10);
    const answers = await Promise.all(Array.from({ length: 6 }, () => fetch(alice, mxc, 'thumbnail', { width: 96, height: 96, method: 'crop' })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(Number.parseInt(shard.stored()['media_thumbnails'] ?? '', 10)).toBe(before + 1);
  });

  it('M_INVALID_PARAM, M_MISSING_PARAM: dimensions that make no sense', async () => {
    const mxc = await uploaded(alice);
    for (const query of [{ width: 0, height: 1 }, { width: -1, height: 1 }, { width: 'x', height: 1 }, { width: 1.5, height: 1 }, { height: 1 }, { width: 1, height: 1, method: 'squeeze' }]) {
      const path = mxc.replace('mxc://', '/_matrix/client/v1/media/thumbnail/');
      expect((await shard.request('GET', path, { token: alice.token, query, malformed: true })).status).toBe(400);
    }
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
