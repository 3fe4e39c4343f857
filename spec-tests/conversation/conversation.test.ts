import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { startShard, type Person, type Shard } from '../harness.js';
import { PATIENCE, type Account } from './device.js';
import { filesHolding } from './find-plaintext.js';
import { plaintexts, roomName } from './spoken.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const steps = [
  'five devices log in; cross-signing, secret storage and key backup are set up',
  'an encrypted room is created, invited to and joined',
  'what each of the five devices says is read on all five',
  'an encrypted file is sent and decrypted by the other devices',
  'a picture of oneself is seen, and a file in a thread is read',
  'a file that is forwarded is read by who was not there, and by nobody who has left',
  'two devices of one person verify each other by SAS',
  'a fresh device restores the backup and reads what was said before it existed',
  'the fresh device is read by everybody',
  'nothing went over the wire in the clear',
];

describe('two people with two Element devices each, and one legacy device', () => {
  let shard: Shard;
  beforeAll(async () => { shard = await startShard(); });
  afterAll(async () => { await shard.stop(); });

  it('hold an encrypted conversation in Node', async () => {
    expect(await play(shard, 'in-node')).toEqual(steps);
  }, PATIENCE * 4000);

  if (existsSync(chromium)) {
    it('hold an encrypted conversation in Chromium, across origins, with IndexedDB', async () => {
      expect(await play(shard, 'in-chromium')).toEqual(steps);
    }, PATIENCE * 4000);
  } else if (process.env['CI'] === 'true') {
    it('needs Chromium', () => { throw new Error(`${chromium} is not there, and CI leaves no test out`); });
  } else {
    console.warn(`LEFT OUT: the conversation in a browser. ${chromium} is not there; install Debian's chromium, or set CHROMIUM.`);
    it.skip('hold an encrypted conversation in Chromium, across origins, with IndexedDB', () => undefined);
  }

  it('leave no plaintext in the database, its log or the media store', async () => {
    expect(shard.folders).not.toEqual([]);
    expect(await filesHolding(shard.folders, roomName)).not.toEqual([]);
    for (const plaintext of plaintexts) expect(await filesHolding(shard.folders, plaintext)).toEqual([]);
  });
});

/** Runs the scenario in a process of its own and resolves to the steps it got done. */
async function play(shard: Shard, program: 'in-node' | 'in-chromium'): Promise<readonly string[]> {
  const outfile = join(root, '.build', `${program}.mjs`);
  await build({
    entryPoints: [join(root, 'spec-tests/conversation', `${program}.ts`)],
    outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'error',
  });
  const account = ({ userId, password }: Person): Account => ({ baseUrl: shard.baseUrl, userId, password });
  const [alice, bob, carol] = [account(await shard.register()), account(await shard.register()), account(await shard.register())];
  const child = spawn(process.execPath, [outfile, JSON.stringify({ alice, bob, carol })], { cwd: root, env: { ...process.env, NODE_OPTIONS: '' }, timeout: PATIENCE * 3500 });
  let printed = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { printed += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { complaints += text; });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${program} ended with ${String(code)} after\n${printed}\n${complaints.slice(-4000)}`);
  return printed.trim().split('\n').map((line) => line.replace(/^[\d.]+ s: /, ''));
}
