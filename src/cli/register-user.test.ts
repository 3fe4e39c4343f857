import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { run } from './run.js';
import { typing } from './terminal.testing.js';

const SECRET = 'a shared secret';

/** A peer that checks the signature as the protocol says, and knows bob already. */
let peer: Server;
let url: string;
let accounts: string[];
let closedSessions: (string | undefined)[];

beforeEach(async () => {
  accounts = [];
  closedSessions = [];
  peer = createServer((request, response) => {
    const answer = (status: number, body: object) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/_matrix/client/v3/logout') {
      closedSessions.push(request.headers.authorization);
      return answer(200, {});
    }
    if (request.method === 'GET') return answer(200, { nonce: 'n0nce' });
    return void json(request).then((body) => {
      const { nonce, username, password, admin, mac } = body as Record<string, string>;
      const signed = [nonce, username, password, admin ? 'admin' : 'notadmin'].join('\0');
      if (mac !== createHmac('sha1', SECRET).update(signed).digest('hex')) return answer(403, { errcode: 'M_FORBIDDEN', error: 'HMAC incorrect' });
      if (username === 'bob') return answer(400, { errcode: 'M_USER_IN_USE', error: 'User ID already taken.' });
      accounts.push(signed);
      return answer(200, { user_id: `@${username}:shard.example`, access_token: 'token' });
    });
  });
  await new Promise<void>((done) => peer.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
});
afterEach(() => new Promise((done) => peer.close(done)));

async function register(args: string[], terminal = typing()) {
  const code = await run(['register-user', ...args], terminal);
  return { code, said: [...terminal.printed, ...terminal.complained].join('\n') };
}

describe('cloison register-user', () => {
  it('creates an account, and closes the session that comes with it', async () => {
    expect(await register(['-k', SECRET, '-u', 'alice', '-p', 'pw', '-a', url])).toEqual({ code: 0, said: 'Created @alice:shard.example.' });
    expect(accounts).toEqual(['n0nce\0alice\0pw\0admin']);
    expect(closedSessions).toEqual(['Bearer token']);
  });

  it('asks for what is missing when somebody is there', async () => {
    expect((await register(['-k', SECRET, url], typing(['carol', 'pw', 'pw', '']))).code).toBe(0);
    expect(accounts).toEqual(['n0nce\0carol\0pw\0notadmin']);
  });

  it('asks nothing of a script', async () => {
    expect((await register(['-k', SECRET, '-u', 'alice', '--no-admin', url])).code).toBe(2);
    expect((await register(['-k', SECRET, '-u', 'alice', '-p', 'pw', url])).code).toBe(2);
  });

  it('lets --exists-ok pass over a name that is taken', async () => {
    const bob = ['-k', SECRET, '-u', 'bob', '-p', 'pw', '--no-admin', '--json', url];
    expect(await register(bob)).toEqual({ code: 1, said: 'cloison register-user: The user name bob is taken.' });
    expect(await register(['--exists-ok', ...bob])).toEqual({ code: 0, said: '{"user_id":null,"created":false}' });
  });

  it('finds secret and address in the configuration, and the password in a file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cloison-register-'));
    const config = join(directory, 'homeserver.yaml');
    const { port } = new URL(url);
    writeFileSync(config, `server_name: shard.example\nregistration_shared_secret: ${SECRET}\nlisteners: [{port: ${port}, bind_addresses: ['::', 0.0.0.0]}]`);
    writeFileSync(join(directory, 'password'), 'pw\n');
    expect((await register(['-c', config, '-u', 'dave', '--password-file', join(directory, 'password'), '--no-admin'])).code).toBe(0);
    expect(accounts).toEqual(['n0nce\0dave\0pw\0notadmin']);
    rmSync(directory, { recursive: true });
  });

  it('says in one sentence that the secret is wrong or nobody answers', async () => {
    const alice = ['-u', 'alice', '-p', 'pw', '--no-admin'];
    expect(await register(['-k', 'wrong', ...alice, url])).toEqual({ code: 1, said: expect.stringContaining('HMAC incorrect') });
    expect(await register(['-k', SECRET, ...alice, 'http://127.0.0.1:1'])).toEqual({ code: 1, said: expect.stringContaining('is it running?') });
  });
});
