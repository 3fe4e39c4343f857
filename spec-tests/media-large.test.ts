import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { get, request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startShard, type Person, type Shard } from './harness.js';

const MIB = 2 ** 20;
let shard: Shard;
let alice: Person;
beforeAll(async () => {
  shard = await startShard({ max_upload_size: '100M' });
  alice = await shard.register();
});
afterAll(async () => { await shard.stop(); });

/** The most memory the server's process has ever had. */
function peak(): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${shard.pid ?? 'self'}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

it('a file of 100 MiB goes in and out in pieces: the server never holds it', async () => {
  const block = randomBytes(MIB);
  const authorization = `Bearer ${alice.token}`;
  const before = peak();
  const sent = await new Promise<IncomingMessage>((resolve, reject) => {
    const upload = request(`${shard.baseUrl}/_matrix/media/v3/upload`, { method: 'POST', headers: { authorization, 'content-type': 'application/octet-stream', 'content-length': 100 * MIB } }, resolve).on('error', reject);
    let blocks = 0;
    const more = (): void => {
      while (blocks < 100) {
        blocks += 1;
        if (!upload.write(block)) return void upload.once('drain', more);
      }
      upload.end();
    };
    more();
  });
  const chunks: Buffer[] = [];
  for await (const chunk of sent as AsyncIterable<Buffer>) chunks.push(chunk);
  const { content_uri: mxc } = JSON.parse(Buffer.concat(chunks).toString()) as { content_uri: string };
  const hash = createHash('sha256');
  const received = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${shard.baseUrl}${mxc.replace('mxc://', '/_matrix/client/v1/media/download/')}`, { headers: { authorization } }, resolve).on('error', reject);
  });
  for await (const chunk of received as AsyncIterable<Buffer>) hash.update(chunk);
  const expected = createHash('sha256');
  for (let i = 0; i < 100; i += 1) expected.update(block);
  expect(hash.digest('hex')).toBe(expected.digest('hex'));
  expect(peak() - before).toBeLessThan(60 * MIB);
});
