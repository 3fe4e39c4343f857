import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synapseFile } from '../config.testing.js';
import { run } from './run.js';
import { typing } from './terminal.testing.js';

let directory: string;
let config: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cloison-serve-'));
  config = join(directory, 'homeserver.yaml');
  writeFileSync(join(directory, 'shard.example.signing.key'), `ed25519 a_Abcd ${'A'.repeat(43)}\n`);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Serves until it says where it listens, does `meanwhile`, and stops it with a signal. */
async function serve(meanwhile: (url: string) => Promise<void> = async () => undefined) {
  const terminal = typing();
  const code = await run(['serve', '--config', config], terminal, ([url = '']) => {
    void meanwhile(url).finally(() => process.emit('SIGTERM'));
  });
  return { code, complained: terminal.complained.join('\n') };
}

/** The file Synapse writes, but for a port that is free. */
const writeConfig = (port = 0) => writeFileSync(config, synapseFile(directory).replace('port: 8008', `port: ${port}`).replace('    - ::1\n', ''));

describe('cloison serve', () => {
  it('starts with the file Synapse writes, answers /health and stops on SIGTERM', async () => {
    writeConfig();
    let health = '';
    let pid = '';
    const { code } = await serve(async (url) => {
      health = await (await fetch(`${url}/health`)).text();
      pid = readFileSync(join(directory, 'homeserver.pid'), 'utf8');
    });
    expect({ code, health, pid: Number(pid) }).toEqual({ code: 0, health: 'OK', pid: process.pid });
    expect(existsSync(join(directory, 'homeserver.pid'))).toBe(false);
  });

  it('says in one sentence that the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => other.once('listening', done));
    writeConfig((other.address() as AddressInfo).port);
    const { code, complained } = await serve();
    await new Promise((done) => other.close(done));
    expect({ code, complained }).toEqual({ code: 1, complained: expect.stringContaining('is in use by another program') });
  });

  it('says in one sentence that the signing key is wrong, without repeating it', async () => {
    writeConfig();
    writeFileSync(join(directory, 'shard.example.signing.key'), 'not-a-key\n');
    const { code, complained } = await serve();
    expect({ code, lines: complained.split('\n').length }).toEqual({ code: 1, lines: 1 });
    expect(complained).toContain('signing key');
    expect(complained).not.toContain('not-a-key');
  });

  it('says in one sentence that the database belongs to another server', async () => {
    writeConfig();
    await serve();
    writeFileSync(config, readFileSync(config, 'utf8').replace('server_name: "shard.example"', 'server_name: "other.example"'));
    expect(await serve()).toEqual({ code: 1, complained: expect.stringContaining('belongs to the server shard.example') });
  });
});
