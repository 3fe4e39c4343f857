import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort, generate, permissive, serve, serveCommand } from '../../spec-tests/server-process.js';

/** A homeserver to be broken into. */
export interface Target {
  readonly name: string;
  readonly baseUrl: string;
  readonly sharedSecret: string;
  stop(): Promise<void>;
}

const SECRET = 'the shared secret of the breach replay';
/** As a ministry runs it: accounts are made by its operators. Only the limits on requests are out of the way. */
const CLOSED = { enable_registration: false, enable_registration_without_verification: false, registration_shared_secret: SECRET };

export function targetAt(baseUrl: string, sharedSecret: string): Target {
  return { name: baseUrl, baseUrl, sharedSecret, stop: async () => undefined };
}

/** Introductions are what Cloison allows of itself, unless a small ministry needs fewer. */
export async function startCloison(introductionsPerDay = 50): Promise<Target> {
  const home = await generate({ ...CLOSED, max_event_delay_duration: '1h', cloison: { introductions: { per_day: introductionsPerDay, per_week: 4 * introductionsPerDay } } });
  const serving = await serve(home);
  return {
    name: 'Cloison',
    baseUrl: home.baseUrl,
    sharedSecret: SECRET,
    async stop() {
      await serving.stop();
      rmSync(home.folder, { recursive: true, force: true });
    },
  };
}

/** Synapse of a virtual environment, with the settings it writes for itself, but for limits on requests and the cost of a password. */
export async function startSynapse(venv: string): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'synapse-'));
  const python = join(venv, 'bin/python');
  const config = join(folder, 'homeserver.yaml');
  const overrides = join(folder, 'overrides.yaml');
  const log = join(folder, 'quiet.log.config');
  const names = ['--server-name', 'localhost', '--report-stats', 'no', '--config-path', config, '--data-directory', folder];
  execFileSync(python, ['-m', 'synapse.app.homeserver', '--generate-config', ...names], { cwd: folder, stdio: 'ignore' });
  writeFileSync(log, stringify({ version: 1, root: { level: 'ERROR' }, disable_existing_loggers: false }));
  const port = await freePort();
  const plenty = { per_second: 1e6, burst_count: 1e6 };
  writeFileSync(overrides, stringify({
    ...permissive(port), ...CLOSED,
    rc_joins_per_room: plenty, rc_room_creation: plenty, rc_media_create: plenty, rc_presence: { per_user: plenty }, rc_user_directory: plenty,
    trusted_key_servers: [], bcrypt_rounds: 4, log_config: log,
  }));
  const baseUrl = `http://127.0.0.1:${port}`;
  const serving = await serveCommand([python, '-m', 'synapse.app.homeserver', '--config-path', config, '--config-path', overrides], baseUrl);
  const version = execFileSync(python, ['-c', 'import synapse; print(synapse.__version__)'], { encoding: 'utf8' }).trim();
  return {
    name: `Synapse ${version}`,
    baseUrl,
    sharedSecret: SECRET,
    async stop() {
      await serving.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
