import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { verify } from 'argon2';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSigningKeys } from '../config-keys.js';
import { loadConfig } from '../config-load.js';
import { commands, run } from './run.js';
import { typing } from './terminal.testing.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cloison-cli-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function call(...args: string[]) {
  const terminal = typing();
  const code = await run(args, terminal);
  return { code, printed: terminal.printed.join('\n'), complained: terminal.complained.join('\n') };
}

describe('cloison', () => {
  it('has a --help for every command, with its exit codes', async () => {
    for (const [name, { help }] of Object.entries(commands)) {
      expect(await call(...name.split(' '), '--help')).toEqual({ code: 0, printed: help, complained: '' });
      expect(help).toMatch(/^Usage: cloison .*Exit codes: 0 /s);
    }
    expect((await call('--help')).printed).toContain('register-user');
  });

  it.each([[[]], [['dance']], [['config']], [['generate']], [['generate', '--no-such-flag']], [['serve']], [['register-user', '-u', 'alice']]])(
    'ends with 2 for %j',
    async (args) => {
      const { code, complained } = await call(...args);
      expect(code).toBe(2);
      expect(complained).not.toBe('');
    },
  );

  it('tells its version', async () => {
    expect((await call('version')).printed).toMatch(/^cloison \d+\.\d+\.\d+$/);
  });
});

describe('cloison generate', () => {
  const generate = () => call('generate', '--server-name', 'shard.example', '--data-dir', join(directory, 'data'), '--json');

  it('writes a configuration that starts, and keys only their owner can read', async () => {
    const { code, printed } = await generate();
    expect(code).toBe(0);
    const files = JSON.parse(printed) as Record<'config' | 'signingKey' | 'mediaKey' | 'registrationSharedSecret', string>;
    const { config, notices } = loadConfig([files.config]);
    expect(notices).toEqual([]);
    expect(config).toMatchObject({ serverName: 'shard.example', signingKeyPath: files.signingKey, cloison: { mediaKeyPath: files.mediaKey } });
    expect(config.registrationSharedSecret).toHaveLength(43);
    expect(readSigningKeys(files.signingKey)[0].keyId).toMatch(/^ed25519:a_[A-Za-z]{4}$/);
    expect(Buffer.from(readFileSync(files.mediaKey, 'utf8'), 'base64')).toHaveLength(32);
    for (const file of [files.signingKey, files.mediaKey, files.registrationSharedSecret]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, 'data'))).toHaveLength(4);
  });

  it('never overwrites: a key is kept, a configuration is an error', async () => {
    await generate();
    const key = readFileSync(join(directory, 'data/shard.example.signing.key'), 'utf8');
    expect(await generate()).toMatchObject({ code: 1, complained: expect.stringContaining('left alone') });
    rmSync(join(directory, 'data/homeserver.yaml'));
    expect(await generate()).toMatchObject({ code: 0 });
    expect(readFileSync(join(directory, 'data/shard.example.signing.key'), 'utf8')).toBe(key);
  });

  it('refuses what is no server name', async () => {
    expect(await call('generate', '--server-name', 'no name', '--data-dir', directory)).toMatchObject({ code: 2 });
  });
});

describe('cloison hash-password', () => {
  it('hashes what it is given, what is typed and what is piped', async () => {
    const given = typing();
    const typed = typing(['secret', 'secret']);
    const piped = typing(undefined, 'secret\n');
    await run(['hash-password', '-p', 'secret'], given);
    await run(['hash-password'], typed);
    await run(['hash-password'], piped);
    for (const { printed } of [given, typed, piped]) expect(await verify(printed[0] ?? '', 'secret')).toBe(true);
  });

  it('refuses two different passwords', async () => {
    expect(await run(['hash-password'], typing(['secret', 'sceret']))).toBe(2);
  });
});

describe('cloison config check', () => {
  const write = (text: string): string => {
    const file = join(directory, 'homeserver.yaml');
    writeFileSync(file, `server_name: shard.example\n${text}`);
    return file;
  };

  it('says what has no effect and what is refused, and ends with 2 then', async () => {
    const file = write('log_config: x.yaml\nallow_guest_access: true');
    expect(await call('config', 'check', '-c', file)).toMatchObject({
      code: 2,
      printed: expect.stringContaining(`${file}:2  log_config: Has no effect`),
      complained: expect.stringContaining('rule A5'),
    });
    const { printed } = await call('config', 'check', '-c', file, '--json');
    expect(JSON.parse(printed)).toMatchObject({ problems: [{ key: 'allow_guest_access', line: 3 }], notices: [{ key: 'log_config', line: 2 }] });
  });

  it('ends with 1 without the signing key, and with 0 when a server would start', async () => {
    const file = write('');
    expect(await call('config', 'check', '-c', file)).toMatchObject({ code: 1, complained: expect.stringContaining('there is no such file') });
    writeFileSync(join(directory, 'shard.example.signing.key'), `ed25519 a_1 ${'A'.repeat(43)}\n`);
    expect(await call('config', 'check', '-c', file)).toMatchObject({ code: 0, printed: '0 refused, 0 without effect, 1 accepted.' });
  });
});
