import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort, generate, permissive, serve, serveCommand, type Serving, type Settings } from '../../spec-tests/server-process.js';
import { cpuOf, rssOf } from './processes.js';

/** A homeserver being measured. */
export interface Server {
  readonly name: string;
  readonly baseUrl: string;
  readonly sharedSecret: string;
  /** CPU in microseconds so far, of the server, its children and its database; undefined when no process is known. */
  cpu(): number | undefined;
  rssMiB(): number | undefined;
  /** Ends and begins it again; resolves to the milliseconds until it was ready. Undefined for a server that others started. */
  readonly restart?: () => Promise<number>;
  /** Ends it, lets its database be filled, and begins it again; only of a Cloison on SQLite that was begun here. */
  readonly whileStopped?: <T>(fill: (databasePath: string) => Promise<T>) => Promise<T>;
  stop(): Promise<void>;
}

/** Database settings in Synapse's words, and the processes that do its work. */
export interface DatabaseChoice {
  readonly settings: Settings;
  readonly pids: readonly number[];
}

const SECRET = 'the shared secret of the bench';
const SYNAPSE_MODULE = ['-m', 'synapse.app.homeserver'];

export function serverAt(baseUrl: string, pid: number | undefined, sharedSecret: string): Server {
  const pids = pid === undefined ? undefined : [pid];
  return {
    name: 'server', baseUrl, sharedSecret,
    cpu: () => pids && cpuOf(pids),
    rssMiB: () => pids && rssOf(pids),
    stop: async () => undefined,
  };
}

export async function startCloison(database?: DatabaseChoice): Promise<Server> {
  const home = await generate({ registration_shared_secret: SECRET, ...(database && { database: database.settings }) });
  const server = await restartable('cloison', home, () => serve(home), database?.pids ?? []);
  if (database !== undefined) return server;
  return {
    ...server,
    async whileStopped(fill) {
      await server.end();
      const filled = await fill(join(home.folder, 'homeserver.db'));
      await server.restart();
      return filled;
    },
  };
}

/** Synapse from PyPI in a virtual environment: the one given, or a new one that is thrown away. */
export async function startSynapse(venv?: string, database?: DatabaseChoice): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'synapse-'));
  const python = join(venv ?? installSynapse(join(folder, 'venv'), database !== undefined), 'bin/python');
  const config = join(folder, 'homeserver.yaml');
  const port = await freePort();
  const names = ['--server-name', 'localhost', '--report-stats', 'no', '--config-path', config, '--data-directory', folder];
  execFileSync(python, [...SYNAPSE_MODULE, '--generate-config', ...names], { cwd: folder, stdio: 'ignore' });
  const overrides = join(folder, 'overrides.yaml');
  const quietLog = join(folder, 'quiet.log.config');
  writeFileSync(quietLog, stringify({ version: 1, root: { level: 'ERROR' }, disable_existing_loggers: false }));
  writeFileSync(overrides, stringify({
    ...permissive(port),
    rc_joins_per_room: { per_second: 1e6, burst_count: 1e6 },
    rc_room_creation: { per_second: 1e6, burst_count: 1e6 },
    registration_shared_secret: SECRET,
    trusted_key_servers: [],
    presence: { enabled: false },
    bcrypt_rounds: 4,
    log_config: quietLog,
    ...(database && { database: database.settings }),
  }));
  const baseUrl = `http://127.0.0.1:${port}`;
  const command = [python, ...SYNAPSE_MODULE, '--config-path', config, '--config-path', overrides];
  return restartable('synapse', { folder, baseUrl }, () => serveCommand(command, baseUrl), database?.pids ?? []);
}

function installSynapse(venv: string, postgres: boolean): string {
  console.error('installing matrix-synapse from PyPI into a temporary virtual environment …');
  execFileSync('python3', ['-m', 'venv', venv]);
  const packages = postgres ? ['matrix-synapse[postgres]'] : ['matrix-synapse'];
  execFileSync(join(venv, 'bin/pip'), ['install', '--quiet', ...packages], { stdio: ['ignore', 'ignore', 'inherit'] });
  return venv;
}

interface Restartable extends Server {
  readonly restart: () => Promise<number>;
  end(): Promise<void>;
}

async function restartable(
  name: string, home: { folder: string; baseUrl: string }, begin: () => Promise<Serving>, others: readonly number[],
): Promise<Restartable> {
  let serving: Serving | undefined = await begin();
  const end = async (): Promise<void> => {
    const ending = serving;
    serving = undefined;
    await ending?.stop();
  };
  const pids = (): readonly number[] => (serving === undefined ? [] : [serving.pid]);
  return {
    name,
    baseUrl: home.baseUrl,
    sharedSecret: SECRET,
    cpu: () => cpuOf([...pids(), ...others]),
    rssMiB: () => rssOf(pids()),
    end,
    async restart() {
      await end();
      serving = await begin();
      return serving.readyAfterMs;
    },
    async stop() {
      await end();
      rmSync(home.folder, { recursive: true, force: true });
    },
  };
}
