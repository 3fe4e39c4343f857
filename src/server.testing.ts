import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { stringify } from 'yaml';
import type { Config } from './config.js';
import { loadConfig } from './config-load.js';
import { startServer } from './server.js';

const SECRET = 'the registration secret of the tests';
const plenty = { per_second: 1e6, burst_count: 1e6 };

export interface Person {
  readonly userId: string;
  readonly token: string;
  readonly deviceId: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface TestServer {
  readonly url: string;
  call(method: string, path: string, token?: string, body?: unknown): Promise<Answer>;
  register(name: string): Promise<Person>;
  close(): Promise<void>;
}

/** A data directory in which nothing has been started. */
export interface Home {
  readonly folder: string;
  remove(): void;
}

export function newHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), 'cloison-server-'));
  writeFileSync(join(folder, 'shard.example.signing.key'), `ed25519 a_Abcd ${'A'.repeat(43)}\n`);
  return { folder, remove: () => { rmSync(folder, { recursive: true, force: true }); } };
}

/** The configuration of a server in `folder`, as its file would say it; throws where a start would be refused. */
export function configOf({ folder }: Home, settings: Readonly<Record<string, unknown>> = {}): Config {
  const file = join(folder, 'homeserver.yaml');
  writeFileSync(file, stringify({
    server_name: 'shard.example',
    listeners: [{ port: 0, bind_addresses: ['127.0.0.1'], type: 'http', resources: [{ names: ['client'] }] }],
    registration_shared_secret: SECRET,
    rc_message: plenty,
    rc_joins: { local: plenty, remote: plenty },
    rc_joins_per_room: plenty,
    rc_room_creation: plenty,
    rc_user_directory: plenty,
    rc_invites: { per_room: plenty, per_user: plenty, per_issuer: plenty },
    ...settings,
  }));
  return loadConfig([file]).config;
}

/** A whole server in this process. */
export async function start(config: Config, log: Logger = pino({ level: 'silent' })): Promise<TestServer> {
  const server = await startServer(config, log);
  const url = server.urls[0] ?? '';
  const call = (method: string, path: string, token?: string, body?: unknown) => request(url + path, method, token, body);
  return { url, call, register: (name) => register(call, name), close: () => server.close() };
}

async function request(url: string, method: string, token: string | undefined, body: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : { text } };
}

async function register(call: TestServer['call'], name: string): Promise<Person> {
  const { body: { nonce } } = await call('GET', '/_synapse/admin/v1/register');
  const account = [nonce, name, 'correct horse battery', 'notadmin'] as const;
  const mac = createHmac('sha1', SECRET).update(account.join('\0')).digest('hex');
  const { status, body } = await call('POST', '/_synapse/admin/v1/register', undefined, { nonce, username: name, password: account[2], mac });
  if (status !== 200) throw new Error(`${name} could not be registered: ${JSON.stringify(body)}`);
  return { userId: String(body['user_id']), token: String(body['access_token']), deviceId: String(body['device_id']) };
}
