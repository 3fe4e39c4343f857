import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';

/** Named as in the configuration file. */
export type Settings = Readonly<Record<string, unknown>>;

/** A data directory with its configuration: a server that is not running yet. */
export interface Home {
  readonly folder: string;
  readonly config: string;
  readonly baseUrl: string;
}

export interface Serving {
  readonly pid: number;
  /** From the start of the process to its first answer at /health. */
  readonly readyAfterMs: number;
  /** The lines by which the process said that it failed at something: its log's errors, and whatever is not of its log. */
  readonly failures: readonly string[];
  /** Ends it gracefully; throws when it ended by itself or otherwise. */
  stop(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
}

// Found from the working directory: tests and scripts are run from the root of the repository.
const MAIN = resolve('dist/main.js');

/** A temporary folder as by `cloison generate`; a free port, limits out of the way, `settings` over all of it. */
export async function generate(settings: Settings = {}): Promise<Home> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build`);
  const folder = mkdtempSync(join(tmpdir(), 'cloison-'));
  cpSync(await generated(), folder, { recursive: true });
  const config = join(folder, 'homeserver.yaml');
  const port = await freePort();
  // A secret is given in place or by its file, never both.
  const { registration_shared_secret_path: path, ...written } = parse(readFileSync(config, 'utf8')) as Settings;
  const secret = 'registration_shared_secret' in settings ? {} : { registration_shared_secret_path: path };
  writeFileSync(config, stringify({ ...written, ...secret, ...permissive(port), ...settings }));
  return { folder, config, baseUrl: `http://127.0.0.1:${port}` };
}

/** What `cloison generate` writes, made once for each build: it takes half as long as a start of the server, and nothing in it names its folder. */
async function generated(): Promise<string> {
  const homes = resolve('.build/homes');
  const folder = join(homes, String(statSync(MAIN).mtimeMs));
  if (existsSync(folder)) return folder;
  mkdirSync(homes, { recursive: true });
  const draft = mkdtempSync(join(homes, 'draft-'));
  await promisify(execFile)(process.execPath, [MAIN, 'generate', '--server-name', 'localhost', '--data-dir', draft]);
  try {
    renameSync(draft, folder);
  } catch (cause) {
    // Another test process was first.
    if (!existsSync(folder)) throw cause;
    rmSync(draft, { recursive: true });
  }
  return folder;
}

/** `cloison serve`; resolves once it answers. */
export async function serve({ config, baseUrl }: Home): Promise<Serving> {
  return serveCommand([process.execPath, MAIN, 'serve', '--config', config], baseUrl);
}

/** Any homeserver started by a command that stays in the foreground. */
export async function serveCommand([program = '', ...args]: readonly string[], baseUrl: string): Promise<Serving> {
  const started = performance.now();
  const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } });
  const log: string[] = [];
  const failures: string[] = [];
  for (const input of [server.stdout, server.stderr]) {
    createInterface({ input }).on('line', (line) => {
      if (log.push(line) > 200) log.shift();
      if (isFailure(line)) failures.push(line);
    });
  }
  await ready(baseUrl, server, log);
  return {
    pid: server.pid ?? 0,
    readyAfterMs: performance.now() - started,
    failures,
    stop: () => ended(server, log),
    kill: () => killed(server),
  };
}

/** No rate limit stands in the way, and anybody may register. */
export function permissive(port: number): Settings {
  const plenty = { per_second: 1e6, burst_count: 1e6 };
  return {
    listeners: [{ port, bind_addresses: ['127.0.0.1'], type: 'http', tls: false, resources: [{ names: ['client'], compress: false }] }],
    enable_registration: true,
    enable_registration_without_verification: true,
    rc_message: plenty,
    rc_delayed_event_mgmt: plenty,
    rc_registration: plenty,
    rc_registration_token_validity: plenty,
    rc_login: { address: plenty, account: plenty, failed_attempts: plenty },
    rc_joins: { local: plenty },
    rc_reports: plenty,
    rc_presence: { per_user: plenty },
    rc_profile: plenty,
    rc_key_requests: plenty,
    rc_joins_per_room: plenty,
    rc_room_creation: plenty,
    rc_user_directory: plenty,
    rc_invites: { per_room: plenty, per_user: plenty, per_issuer: plenty },
    cloison: { introductions: { per_day: 1e6, per_week: 1e6 }, to_device: { per_second: 1e12, burst_count: 1e12 } },
  };
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

async function ready(baseUrl: string, server: ChildProcess, log: readonly string[]): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const answer = await fetch(`${baseUrl}/health`).catch(() => undefined);
    if (answer?.ok === true) return;
    if (server.exitCode !== null || performance.now() > deadline) throw new Error(`the server did not become ready:\n${log.join('\n').slice(-4000)}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

function isFailure(line: string): boolean {
  try {
    return (JSON.parse(line) as { level: number }).level >= 50;
  } catch {
    return true;
  }
}

async function killed(server: ChildProcess): Promise<void> {
  const exit = new Promise((done) => server.once('exit', done));
  server.kill('SIGKILL');
  await exit;
}

async function ended(server: ChildProcess, log: readonly string[]): Promise<void> {
  if (server.exitCode !== null) throw new Error(`the server ended by itself (${server.exitCode}):\n${log.join('\n').slice(-4000)}`);
  const exit = new Promise<number | null>((done) => server.once('exit', done));
  server.kill('SIGTERM');
  const code = await exit;
  if (code !== 0) throw new Error(`the server did not stop gracefully (${String(code)}):\n${log.join('\n').slice(-4000)}`);
}
