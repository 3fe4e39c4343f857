import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';

let shard: Shard;
let alice: Person;
beforeAll(async () => {
  shard = await startShard({ cloison: { media_quotas: { per_user: 20_000, per_shard: '50K' } } });
  alice = await shard.register();
});
afterAll(async () => { await shard.stop(); });

const upload = (who: Person, bytes: Buffer): Promise<Answer<{ content_uri: string; errcode?: string }>> =>
  shard.request('POST', '/_matrix/media/v3/upload', { token: who.token, body: bytes });
const status = async (who: Person, mxc: string): Promise<number> =>
  (await shard.request('GET', mxc.replace('mxc://', '/_matrix/client/v1/media/download/'), { token: who.token })).status;
const home = (): string => shard.folders[0] ?? '.';
const files = (): number => readdirSync(join(home(), 'media_store'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('/')).length;
const operate = async (...args: readonly string[]): Promise<string> => {
  const command = ['dist/main.js', 'media', ...args, '--config', join(home(), 'homeserver.yaml')];
  const { stdout } = await promisify(execFile)(process.execPath, command, { env: { ...process.env, NODE_OPTIONS: '' } }).catch((failure: { stderr: string }) => ({ stdout: failure.stderr }));
  return stdout.trim();
};

describe('An operator (RULES C6)', () => {
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
