import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseChoice } from './server.js';

export interface Postgres {
  createDatabase(name: string): Promise<DatabaseChoice>;
  stop(): Promise<void>;
}

/** A PostgreSQL of Debian's newest binaries on a socket in a temporary folder, with its durability as shipped. */
export async function startPostgres(): Promise<Postgres> {
  const versions = '/usr/lib/postgresql';
  const newest = readdirSync(versions).sort((a, b) => Number(a) - Number(b)).at(-1) ?? '';
  const bin = (program: string): string => join(versions, newest, 'bin', program);
  const folder = mkdtempSync(join(tmpdir(), 'bench-pg-'));
  const { uid, gid } = unprivileged();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  const as = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
  const data = join(folder, 'data');
  execFileSync(bin('initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--locale=C'], { ...as, cwd: folder, stdio: 'ignore' });
  const args = ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'shared_buffers=512MB', '-c', 'max_connections=60'];
  const server = spawn(bin('postgres'), args, { ...as, cwd: folder, stdio: 'ignore' });
  const psql = (...command: readonly string[]): void => {
    execFileSync(bin('psql'), ['-h', folder, '-U', 'bench', '-d', 'postgres', '-q', '-c', ...command], { stdio: 'ignore' });
  };
  await retried(() => { psql('SELECT 1'); });
  return {
    async createDatabase(name) {
      psql(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`);
      return {
        settings: { name: 'psycopg2', args: { user: 'bench', dbname: name, host: folder, cp_min: 5, cp_max: 10 } },
        pids: server.pid === undefined ? [] : [server.pid],
      };
    },
    async stop() {
      const exit = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGINT');
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function retried(attempt: () => void): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      attempt();
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
