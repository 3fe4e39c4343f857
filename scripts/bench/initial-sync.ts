import { cpuFigures, percentile, type Figure } from './figures.js';
import { Connection } from './http.js';
import type { Server } from './server.js';
import { foundRoom, inParallel, sendSealed, type Member } from './world.js';
import { measureYard } from './yard.js';

const ROOMS = 50;
const EVENTS = 20;
const MEMBERS = 5;
const COLD_RUNS = 3;
// As many unmeasured ones come first: a just-in-time compiler takes thousands of requests to be done, and others pay nothing for it.
const WARM_RUNS = 60;
const NOTHING_NEW_RUNS = 3000;
const FILTER = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: EVENTS }, state: { lazy_load_members: true } } }));

/** B4: a first sync of 10 and of 50 rooms with 20 messages each, right after the server began and repeated; and a sync with nothing new. */
export async function initialSyncScenario(server: Server, people: readonly Member[]): Promise<readonly Figure[]> {
  const inFifty = people.slice(0, MEMBERS);
  const inTen = people[MEMBERS];
  const [observer] = inFifty;
  if (inTen === undefined || observer === undefined) throw new Error('too few people');
  await inParallel(server.baseUrl, Array.from({ length: ROOMS }, (_, i) => i), async (connection, i) => {
    const room = await foundRoom(connection, i < 10 ? [...inFifty, inTen] : inFifty);
    for (let n = 0; n < EVENTS; n += 1) await sendSealed(connection, room, inFifty[n % MEMBERS] ?? observer);
  });
  return [
    ...(await initialSyncs(server, inTen, { rooms: 10, goals: {} })),
    ...(await initialSyncs(server, observer, { rooms: ROOMS, goals: { cold: { atMost: 30 }, warm: { atMost: 10 } } })),
    ...(await nothingNew(server, observer)),
  ];
}

interface Plan {
  readonly rooms: number;
  readonly goals: { readonly cold?: { atMost: number }; readonly warm?: { atMost: number } };
}

async function initialSyncs(server: Server, member: Member, { rooms, goals }: Plan): Promise<readonly Figure[]> {
  const cold: number[] = [];
  for (let i = 0; i < COLD_RUNS; i += 1) {
    await server.restart?.();
    cold.push(await timedSync(server, member, rooms));
    if (server.restart === undefined) break;
  }
  for (let i = 0; i < WARM_RUNS; i += 1) await timedSync(server, member, rooms);
  const warm: number[] = [];
  const before = measureYard();
  const cpu = server.cpu();
  for (let i = 0; i < WARM_RUNS; i += 1) warm.push(await timedSync(server, member, rooms));
  const after = server.cpu();
  const yard = (before + measureYard()) / 2;
  const us = cpu === undefined || after === undefined ? undefined : (after - cpu) / WARM_RUNS;
  const what = `initial sync, ${rooms} rooms x ${EVENTS}`;
  return [
    { scenario: 'B4', what: `${what}, cold, p50`, value: percentile(cold, 50), unit: 'ms', ...goals.cold },
    { scenario: 'B4', what: `${what}, warm, p50`, value: percentile(warm, 50), unit: 'ms', ...goals.warm },
    ...cpuFigures('B4', `${what}, warm`, { us, yard }),
  ];
}

/** Over a connection that is already open; throws unless every room and message is in the answer. */
async function timedSync({ baseUrl }: Server, { token }: Member, rooms: number): Promise<number> {
  const connection = new Connection(baseUrl);
  await connection.request('GET', '/health');
  const started = performance.now();
  const { status, text } = await connection.request('GET', `/_matrix/client/v3/sync?timeout=0&filter=${FILTER}`, token);
  const took = performance.now() - started;
  connection.close();
  const messages = text.split('"m.room.encrypted"').length - 1;
  if (status !== 200 || messages < rooms * EVENTS) throw new Error(`sync: ${status}, ${messages} of ${rooms * EVENTS} messages`);
  return took;
}

async function nothingNew(server: Server, { token }: Member): Promise<readonly Figure[]> {
  const connection = new Connection(server.baseUrl);
  const first = await connection.request('GET', `/_matrix/client/v3/sync?timeout=0&filter=${FILTER}`, token);
  const { next_batch: since } = JSON.parse(first.text) as { next_batch: string };
  const path = `/_matrix/client/v3/sync?timeout=0&filter=${FILTER}&since=${encodeURIComponent(since)}`;
  for (let i = 0; i < NOTHING_NEW_RUNS; i += 1) await connection.request('GET', path, token);
  const before = measureYard();
  const cpu = server.cpu();
  const times: number[] = [];
  for (let i = 0; i < NOTHING_NEW_RUNS; i += 1) {
    const started = performance.now();
    await connection.request('GET', path, token);
    times.push(performance.now() - started);
  }
  const after = server.cpu();
  const yard = (before + measureYard()) / 2;
  connection.close();
  const us = cpu === undefined || after === undefined ? undefined : (after - cpu) / NOTHING_NEW_RUNS;
  return [
    { scenario: 'B4', what: 'sync, nothing new, p50', value: percentile(times, 50), unit: 'ms' },
    ...cpuFigures('B4', 'sync, nothing new', { us, yard }, { atMost: 25 }),
  ];
}
