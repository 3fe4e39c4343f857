import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import { build } from 'esbuild';
import { sql } from './database.js';
import { openSqlite } from './sqlite.js';
import { currentPosition } from './stream.js';

const KILLS = 25;
/** Characters: some forty rows. */
const ENOUGH = 500;
const folder = mkdtempSync(join(tmpdir(), 'cloison-'));
// Below the project's root, where its packages are found.
const program = resolve('node_modules', '.cache', 'cloison', `kill-${process.pid}.mjs`);

beforeAll(async () => {
  mkdirSync(resolve(program, '..'), { recursive: true });
  await build({ entryPoints: ['src/storage/kill.testing.ts'], outfile: program, bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'error' });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(program);
});

/** Runs the program, kills it some time after its first acknowledged row, and gives what it had acknowledged. */
async function writeUntilKilled(run: number): Promise<ReadonlyMap<string, number>> {
  const child = spawn(process.execPath, [program, folder, String(run)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => { output += chunk; });
  await once(child.stdout, 'data');
  await sleep(randomInt(150));
  // However slow: of each run enough is acknowledged to mean something.
  while (output.length < ENOUGH) await sleep(1);
  child.kill('SIGKILL');
  await once(child, 'close');
  // What follows the last newline was cut short.
  return new Map(output.split('\n').slice(0, -1).map((line) => {
    const [position = '', name = ''] = line.split(' ');
    return [name, Number(position)];
  }));
}

it(`loses nothing that was acknowledged and repeats nothing, killed ${KILLS} times`, async () => {
  const acknowledged = new Map<string, number>();
  for (let run = 0; run < KILLS; run += 1) {
    for (const [name, position] of await writeUntilKilled(run)) acknowledged.set(name, position);
    const db = await openSqlite({ path: join(folder, 'shard.db') });
    const { rows, newest } = await db.read(async (tx) => ({
      rows: await tx.all<{ kind: string; task_nid: number }>(sql`SELECT kind, task_nid FROM outbox`),
      newest: await currentPosition(tx),
    }));
    await db.close();
    const stored = new Map(rows.map(({ kind, task_nid }) => [kind, task_nid]));
    expect(stored.size).toBe(rows.length);
    expect([...acknowledged].filter(([name, position]) => stored.get(name) !== position)).toEqual([]);
    expect(newest).toBe(Math.max(...stored.values()));
  }
  expect(acknowledged.size).toBeGreaterThan(KILLS * 30);
  const check = new Sqlite(join(folder, 'shard.db'), { readonly: true });
  expect(check.pragma('integrity_check', { simple: true })).toBe('ok');
  check.close();
}, 400_000);
