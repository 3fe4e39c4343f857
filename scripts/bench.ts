import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { directoryScenario } from './bench/directory.js';
import { downloadScenario } from './bench/download.js';
import { encryptionScenario } from './bench/encryption.js';
import { fanOutScenario } from './bench/fan-out.js';
import { table, type Figure } from './bench/figures.js';
import { idleScenario } from './bench/idle.js';
import { idlePollsScenario } from './bench/idle-polls.js';
import { initialSyncScenario } from './bench/initial-sync.js';
import { membersScenario } from './bench/members.js';
import { touchMemory } from './bench/memory.js';
import { startPostgres, type Postgres } from './bench/postgres.js';
import { readingScenario } from './bench/reading.js';
import { roomsScenario } from './bench/rooms.js';
import { sendScenario } from './bench/send.js';
import { serverAt, startCloison, startSynapse, type Server } from './bench/server.js';
import { foundLargeRoom, registerMany, type Member, type Room } from './bench/world.js';
import { measureYard } from './bench/yard.js';

const USAGE = `node scripts/run.mjs bench [options]
  --only B1,B2,B3,B4,B5,B6,B7,B12,B13,B14,B15
                          which scenarios (default: all but B3 and B14, which take minutes, and B15, which is for a Cloison on SQLite)
  --seconds N             length of each B1 run (default 10)
  --pollers N             pollers of B2 (default 200)
  --idle-polls N          polls of B3 (default 10000; each takes a file descriptor here and one there)
  --postgres              on a temporary PostgreSQL instead of SQLite
  --peer synapse          the same work on Synapse from PyPI, in the same run
  --synapse-venv DIR      with matrix-synapse installed; without it a temporary one is made
  --base URL --pid PID --shared-secret S   a running server instead of Cloison
  --base synapse          Synapse itself instead of Cloison, started here
  --json                  print JSON and no table`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'B12,B1,B2,B4,B5,B6,B7,B13' },
    seconds: { type: 'string', default: '10' },
    pollers: { type: 'string', default: '200' },
    'idle-polls': { type: 'string', default: '10000' },
    postgres: { type: 'boolean', default: false },
    peer: { type: 'string' },
    'synapse-venv': { type: 'string' },
    base: { type: 'string' },
    pid: { type: 'string' },
    'shared-secret': { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(USAGE);
else await main();

async function main(): Promise<void> {
  const yardBefore = measureYard();
  const postgres = options.postgres ? await startPostgres() : undefined;
  try {
    const ours = await measure(() => subject(postgres));
    const peer = options.peer === 'synapse'
      ? await measure(async () => startSynapse(options['synapse-venv'], await postgres?.createDatabase('synapse')))
      : undefined;
    const yard = { before: yardBefore, after: measureYard() };
    const machine = { cpu: cpus()[0]?.model ?? '', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version };
    if (options.json) {
      console.log(JSON.stringify({ machine, yardUs: yard, storage: options.postgres ? 'postgres' : 'sqlite', figures: ours, peer }, undefined, 2));
      return;
    }
    console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; 1 yard = ${yard.before.toFixed(2)} us before, ${yard.after.toFixed(2)} us after`);
    console.log(table(ours, peer));
  } finally {
    await postgres?.stop();
  }
}

async function subject(postgres: Postgres | undefined): Promise<Server> {
  if (options.base === 'synapse') return startSynapse(options['synapse-venv'], await postgres?.createDatabase('synapse'));
  const pid = options.pid === undefined ? undefined : Number(options.pid);
  if (options.base !== undefined) return serverAt(options.base, pid, options['shared-secret']);
  return startCloison(await postgres?.createDatabase('cloison'));
}

async function measure(start: () => Promise<Server>): Promise<readonly Figure[]> {
  touchMemory();
  const server = await start();
  try {
    return await scenarios(server);
  } finally {
    await server.stop();
  }
}

/** The empty server first; the people of the others are registered in between. */
async function scenarios(server: Server): Promise<readonly Figure[]> {
  const wanted = new Set(options.only.split(','));
  const figures: Figure[] = [];
  const run = async (name: string, scenario: () => Promise<readonly Figure[]>): Promise<void> => {
    if (!wanted.has(name)) return;
    console.error(`${server.name}: ${name} …`);
    figures.push(...(await scenario()));
  };
  await run('B12', () => idleScenario(server));
  if ([...wanted].every((name) => name === 'B12')) return figures;
  const people = await registerMany(server, Math.max(200, Number(options.pollers)), 'person');
  await run('B1', () => sendScenario(server, people, Number(options.seconds)));
  await run('B2', () => fanOutScenario(server, people.slice(0, Number(options.pollers))));
  await run('B3', () => idlePollsScenario(server, people.slice(0, 200), Number(options['idle-polls'])));
  await run('B4', async () => initialSyncScenario(server, await registerMany(server, 6, 'observer')));
  let crowded: Promise<Room> | undefined;
  const large = (): Promise<Room> => (crowded ??= foundCrowded(server, people));
  await run('B5', async () => readingScenario(server, await foundLargeRoom(server.baseUrl, people.slice(0, 200)), await large()));
  await run('B6', async () => roomsScenario(server, await registerMany(server, 101, 'newcomer'), await large()));
  await run('B7', () => encryptionScenario(server, people));
  await run('B13', () => downloadScenario(server, people, Number(options.seconds)));
  await run('B14', async () => membersScenario(server, await registerMany(server, 500, 'member')));
  await run('B15', () => directoryScenario(server));
  const rss = server.rssMiB();
  if (rss !== undefined) figures.push({ scenario: 'all', what: 'resident memory after the run', value: rss, unit: 'MiB' });
  return figures;
}

/** A room of 1,000. */
async function foundCrowded(server: Server, people: readonly Member[]): Promise<Room> {
  const others = await registerMany(server, 1000 - people.length, 'crowd');
  return foundLargeRoom(server.baseUrl, [...people, ...others]);
}
