import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { roomCalls } from './rooms-calls.js';
import { sealed } from './sealed.js';

let shard: Shard;
let alice: Person;
beforeAll(async () => {
  shard = await startShard({ cloison: { media_quotas: { per_user: 20_000, per_shard: '50K' } } });
  alice = await shard.register();
});
afterAll(async () => { await shard.stop(); });

const upload = (who: Person, bytes: Buffer, type = 'application/octet-stream'): Promise<Answer<{ content_uri: string; errcode?: string }>> =>
  shard.request('POST', '/_matrix/media/v3/upload', { token: who.token, body: bytes, headers: { 'content-type': type } });
const status = async (who: Person, mxc: string): Promise<number> =>
  (await shard.request('GET', mxc.replace('mxc://', '/_matrix/client/v1/media/download/'), { token: who.token })).status;
const home = (): string => shard.folders[0] ?? '.';
const files = (): number => readdirSync(join(home(), 'media_store'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('/')).length;
const operate = async (...args: readonly string[]): Promise<string> => {
  const command = ['dist/main.js', 'media', ...args, '--config', join(home(), 'homeserver.yaml')];
  const { stdout } = await promisify(execFile)(process.execPath, command, { env: { ...process.env, NODE_OPTIONS: '' } }).catch((failure: { stderr: string }) => ({ stdout: failure.stderr }));
  return stdout.trim();
};

describe('An operator (C6)', () => {
  it('deletes a file by its address: its bytes are gone from the disk, and it looks like one that never was', async () => {
    const { body: { content_uri: mxc } } = await upload(alice, randomBytes(500));
    expect(files()).toBe(1);
    expect(await operate('delete', '--mxc', mxc)).toBe('1 file deleted.');
    expect([await status(alice, mxc), files()]).toEqual([404, 0]);
    expect(await operate('delete', '--mxc', mxc)).toContain('There is no such file');
  });

  it('quarantines files by the hash of what was uploaded, and releases them', async () => {
    const bytes = randomBytes(500);
    const uploads = [(await upload(alice, bytes)).body.content_uri, (await upload(alice, bytes)).body.content_uri];
    const hash = createHash('sha256').update(bytes).digest('hex');
    expect(await operate('quarantine', '--sha256', hash)).toBe('2 files quarantined.');
    for (const mxc of uploads) expect(await status(alice, mxc)).toBe(404);
    expect(await operate('release', '--sha256', hash)).toBe('2 files released.');
    for (const mxc of uploads) expect(await status(alice, mxc)).toBe(200);
    await operate('delete', '--sha256', hash);
  });

  it('lets nobody at what is in quarantine, whatever they try, until it is released', async () => {
    const { call, say } = roomCalls(shard);
    const [bob, phone] = [await shard.register(), await shard.logIn(alice)];
    const roomId = await shard.createRoom(alice, [bob]);
    const [bytes, drawn] = [randomBytes(400), await sharp({ create: { width: 40, height: 40, channels: 3, background: '#123' } }).png().toBuffer()];
    const [file, picture] = [(await upload(alice, bytes)).body.content_uri, (await upload(alice, drawn, 'image/png')).body.content_uri];
    await say(alice, roomId);
    await call(alice, 'PUT', ['profile', alice.userId, 'avatar_url'], { avatar_url: picture });
    const ways = (mxc: string): readonly (() => Promise<{ status: number }>)[] => [alice, phone, bob].flatMap((who) => [
      ['GET', 'download', ''], ['HEAD', 'download', ''], ['GET', 'download', '/name.png'], ['GET', 'thumbnail', ''],
    ].map(([method = '', what = '', name = '']) => () => {
      const query = what === 'thumbnail' ? { width: 32, height: 32, method: 'crop' } : {};
      return shard.request(method, `${mxc.replace('mxc://', `/_matrix/client/v1/media/${what}/`)}${name}`, { token: who.token, query, headers: { range: 'bytes=0-9' } });
    }));
    const statuses = async (mxc: string): Promise<ReadonlySet<number>> => new Set(await Promise.all(ways(mxc).map(async (way) => (await way()).status)));
    expect([await statuses(file), await statuses(picture)]).toEqual([new Set([200, 400]), new Set([200])]);
    for (const mxc of [file, picture]) expect(await operate('quarantine', '--mxc', mxc)).toBe('1 file quarantined.');

    const announced = (await shard.request<{ content_uri: string }>('POST', '/_matrix/media/v1/create', { token: bob.token })).body.content_uri;
    await shard.request('PUT', announced.replace('mxc://', '/_matrix/media/v3/upload/'), { token: bob.token, body: bytes });
    const again = [announced, (await upload(alice, bytes)).body.content_uri, (await upload(bob, drawn, 'image/png')).body.content_uri];
    for (const who of [alice, bob]) await say(who, roomId);
    await call(bob, 'PUT', ['profile', bob.userId, 'avatar_url'], { avatar_url: again[2] });
    await call(alice, 'PUT', ['rooms', roomId, 'state', 'm.room.avatar', ''], { url: picture });
    for (const mxc of [file, picture, ...again]) expect([mxc, await statuses(mxc)]).toEqual([mxc, new Set([404])]);
    expect((await call(alice, 'PUT', ['rooms', roomId, 'send', 'm.room.encrypted', 'attached'], sealed(), { query: { attach_media: file } })).status).toBe(400);

    expect(await operate('release', '--mxc', announced)).toBe('3 files released.');
    expect(await operate('release', '--mxc', picture)).toBe('2 files released.');
    expect([await status(bob, file), await status(alice, announced), await status(bob, picture)]).toEqual([200, 200, 200]);
    await operate('delete', '--sha256', createHash('sha256').update(bytes).digest('hex'));
    for (const mxc of [picture, again[2] ?? '']) await operate('delete', '--mxc', mxc);
  });

  it('is obeyed when the order is signed, and names one file', async () => {
    const before = shard.stored()['media'];
    const body = { nonce: 'x', by: 'x', mac: '0'.repeat(64), mxc: 'mxc://localhost/x' };
    expect((await shard.request('POST', '/_synapse/admin/cloison/v1/delete_media', { token: alice.token, body })).status).toBe(400);
    expect(await operate('delete')).toContain('--mxc MXC or --sha256 HASH is needed');
    expect(await operate('delete', '--mxc', 'mxc://elsewhere.example/x')).toContain('There is no such file');
    expect(shard.stored()['media']).toBe(before);
  });
});

describe('A quota', () => {
  it('M_FORBIDDEN: once it is reached, for the person and for the shard; deleting makes room', async () => {
    const people = [alice, await shard.register(), await shard.register()] as const;
    const first = (await upload(alice, randomBytes(15_000))).body.content_uri;
    expect(await upload(alice, randomBytes(6000))).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect((await upload(people[1], randomBytes(20_000))).status).toBe(200);
    expect(await upload(people[2], randomBytes(17_000))).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(files()).toBe(2);
    await operate('delete', '--mxc', first);
    expect((await upload(people[2], randomBytes(17_000))).status).toBe(200);
    expect((await upload(alice, randomBytes(6000))).status).toBe(200);
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
