import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from '@jest/globals';
import pg from 'pg';
import { migrate } from './migrate.js';
import { openPostgres, type PostgresOptions } from './postgres.js';
import { keepIdle, putIdle, query, remember, restore, takeIdle } from './postgres-reuse.testing.js';

type Connection = PostgresOptions['connection'];

/** A database on the one server of the jest run: the first test process that needs it starts it, and it ends with the run, however that ends. */
export interface TestPostgres {
  readonly connection: Connection;
  drop(): Promise<void>;
}

const DEBIAN = '/usr/lib/postgresql';
const TEMPLATE = 'migrated';

/** Where Debian keeps initdb and postgres; undefined when they are not installed. */
export function postgresBinaries(): string | undefined {
  if (!existsSync(DEBIAN)) return undefined;
  const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(DEBIAN, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')));
}

/** An empty, migrated database of its own, which another test may have used before. */
export async function createTestPostgres(): Promise<TestPostgres> {
  const server = await (running ??= startOnce());
  await (migrated ??= migrateOnce(server));
  const database = mine.pop() ?? await takeIdle(server);
  const { connection, drop } = database === undefined ? await createDatabase(server, `TEMPLATE ${TEMPLATE}`) : existing(server, database);
  return { connection, drop: async () => { if (await restore(connection)) mine.push(String(connection.database)); else await drop(); } };
}

/** What this file of tests has done with: its next test takes one of these before it asks the server, and other files get them in the end. */
const mine: string[] = [];
afterAll(async () => {
  const server = await running;
  if (server !== undefined && mine.length > 0) await putIdle(server, mine);
});

/** One made by any other CREATE DATABASE, for tests of what is refused. */
export async function createDatabase(server: Connection | undefined, options: string): Promise<TestPostgres> {
  const at = server ?? await (running ??= startOnce());
  const database = `test_${randomBytes(8).toString('hex')}`;
  await query(at, `CREATE DATABASE ${database} ${options}`);
  return existing(at, database);
}

function existing(server: Connection, database: string): TestPostgres {
  return { connection: { ...server, database }, drop: async () => { await query(server, `DROP DATABASE ${database} WITH (FORCE)`); } };
}

let running: Promise<Connection> | undefined;
let migrated: Promise<void> | undefined;

async function startOnce(): Promise<Connection> {
  const bin = postgresBinaries();
  if (bin === undefined) throw new Error('PostgreSQL is not installed');
  const folder = join(tmpdir(), `cloison-postgres-${String(runPid())}`);
  if (isNew(folder)) start(bin, folder);
  const connection = { host: join(folder, 'socket'), user: 'cloison', database: 'postgres' };
  for (let tries = 0; tries < 1200; tries += 1) {
    if (await answers(connection)) return connection;
    await sleep(100);
  }
  throw new Error(`PostgreSQL did not start: ${readFileSync(join(folder, 'log'), 'utf8')}`);
}

/** The process that lives as long as the run: jest itself, whether it runs the tests or its workers do. */
function runPid(): number {
  return process.send === undefined ? process.pid : process.ppid;
}

function isNew(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function start(bin: string, folder: string): void {
  const user = unprivileged();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o755);
  // The shell outlives jest just long enough to stop the server and remove its files, even when jest was killed.
  const script = `
    mkdir socket
    "$1/initdb" -D data -U cloison -A trust -E UTF8 --locale=C --no-sync || exit 1
    "$1/postgres" -D data -k "$PWD/socket" -h '' -c fsync=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB &
    while grep -qs '^State:.[^Z]' "/proc/$2/status"; do sleep 0.3; done
    kill -INT $!
    wait $!
    cd / && rm -rf "$3"`;
  const log = join(folder, 'log');
  const child = spawn('sh', ['-c', `{ ${script}\n} >log 2>&1`, 'sh', bin, String(runPid()), folder], {
    cwd: folder,
    detached: true,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    ...user,
  });
  child.on('error', (error) => { writeFileSync(log, String(error)); });
  child.unref();
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'));
  const [, , uid, gid] = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

async function answers(connection: Connection): Promise<boolean> {
  try {
    await query(connection, 'SELECT 1');
    return true;
  } catch {
    return false;
  }
}

async function migrateOnce(server: Connection): Promise<void> {
  const client = new pg.Client(server);
  await client.connect();
  try {
    // Other test processes wait here; the lock ends with this session.
    await client.query('SELECT pg_advisory_lock(1)');
    const known = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [TEMPLATE]);
    if (known.rowCount !== 0) return;
    await client.query(`CREATE DATABASE ${TEMPLATE}_draft TEMPLATE template0`);
    const draft = { ...server, database: `${TEMPLATE}_draft` };
    const db = await openPostgres({ connection: draft });
    await migrate(db, { clock: () => 0 });
    await db.close();
    await remember(draft);
    await keepIdle(server);
    await client.query(`ALTER DATABASE ${TEMPLATE}_draft RENAME TO ${TEMPLATE}`);
  } finally {
    await client.end();
  }
}
