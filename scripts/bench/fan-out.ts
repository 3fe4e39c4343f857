import { cpuFigures, percentile, type Figure } from './figures.js';
import { Connection } from './http.js';
import type { Server } from './server.js';
import { call, foundRoom, sendSealed, type Member, type Room } from './world.js';
import { measureYard } from './yard.js';

interface SyncAnswer {
  readonly next_batch: string;
  readonly rooms?: { readonly join?: Readonly<Record<string, { readonly timeline?: { readonly limited?: boolean; readonly events?: readonly { readonly event_id: string }[] } }>> };
}

interface Poller {
  readonly arrivals: Map<string, number>;
  repeated: number;
  running: boolean;
}

const WARM_UP = 10;
const SINGLES = 20;
const BURST = { perSecond: 20, seconds: 5 };
const FILTER = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 100 }, state: { lazy_load_members: true } } }));

/** B2: everybody long-polls in one room: single messages, each waking all, then twenty a second; every message must reach everybody once. */
export async function fanOutScenario(server: Server, people: readonly Member[]): Promise<readonly Figure[]> {
  const setUp = new Connection(server.baseUrl);
  const room = await foundRoom(setUp, people);
  const pollers = await Promise.all(people.map((member) => startPolling(server.baseUrl, room, member)));
  await pause(1500);
  // The burst comes first: what is measured message by message is a server that has been running, not one that compiles itself.
  const burst = await sendBurst(setUp, room);
  await arrived(pollers, [...burst.keys()], 60);
  const warmUp = await sendSingles(setUp, room, pollers, WARM_UP);
  const singles = await measureSingles(server, setUp, room, pollers);
  const everything = [...warmUp.keys(), ...singles.sent.keys(), ...burst.keys()];
  await arrived(pollers, everything, 60);
  const lost = pollers.reduce((sum, { arrivals, repeated }) => sum + repeated + everything.filter((id) => !arrivals.has(id)).length, 0);
  for (const poller of pollers) poller.running = false;
  await sendSealed(setUp, room, firstOf(people)).catch(() => undefined);
  setUp.close();
  const goals = { atMost: 25 };
  const wait = (sent: ReadonlyMap<string, number>): readonly number[] =>
    pollers.flatMap(({ arrivals }) => [...sent].map(([id, at]) => (arrivals.get(id) ?? NaN) - at));
  const what = `message to ${people.length} pollers`;
  return [
    ...cpuFigures('B2', 'wake-up with its new poll', { us: singles.usPerWakeUp, yard: singles.yard }, goals),
    { scenario: 'B2', what: `${what}, p50`, value: percentile(wait(singles.sent), 50), unit: 'ms' },
    { scenario: 'B2', what: `${what}, p99`, value: percentile(wait(singles.sent), 99), unit: 'ms', atMost: 100 },
    { scenario: 'B2', what: `${what}, ${BURST.perSecond}/s, p99`, value: percentile(wait(burst), 99), unit: 'ms' },
    { scenario: 'B2', what: 'lost or repeated', value: lost, unit: 'lost', atMost: 0 },
  ];
}

async function startPolling(baseUrl: string, { roomId }: Room, { token }: Member): Promise<Poller> {
  const connection = new Connection(baseUrl);
  const poller: Poller = { arrivals: new Map(), repeated: 0, running: true };
  let { next_batch: since } = await call<SyncAnswer>(connection, 'GET', `/_matrix/client/v3/sync?timeout=0&filter=${FILTER}`, token);
  void (async () => {
    while (poller.running) {
      const path = `/_matrix/client/v3/sync?timeout=30000&filter=${FILTER}&since=${encodeURIComponent(since)}`;
      const answer = await call<SyncAnswer>(connection, 'GET', path, token);
      const now = performance.now();
      since = answer.next_batch;
      for (const { event_id: id } of answer.rooms?.join?.[roomId]?.timeline?.events ?? []) {
        if (poller.arrivals.has(id)) poller.repeated += 1;
        else poller.arrivals.set(id, now);
      }
    }
    connection.close();
  })().catch((error: unknown) => { if (poller.running) throw error; });
  return poller;
}

interface Singles {
  readonly sent: ReadonlyMap<string, number>;
  readonly usPerWakeUp: number | undefined;
  readonly yard: number;
}

async function measureSingles(server: Server, connection: Connection, room: Room, pollers: readonly Poller[]): Promise<Singles> {
  const before = measureYard();
  const cpu = server.cpu();
  const sent = await sendSingles(connection, room, pollers, SINGLES);
  await pause(500);
  const after = server.cpu();
  const yard = (before + measureYard()) / 2;
  return { sent, yard, usPerWakeUp: cpu === undefined || after === undefined ? undefined : (after - cpu) / (SINGLES * pollers.length) };
}

/** One message after another, each when the one before has reached everybody and all poll again; resolves to when each was sent. */
async function sendSingles(connection: Connection, room: Room, pollers: readonly Poller[], count: number): Promise<ReadonlyMap<string, number>> {
  const sent = new Map<string, number>();
  for (let i = 0; i < count; i += 1) {
    const at = performance.now();
    const eventId = await sendSealed(connection, room, firstOf(room.members));
    sent.set(eventId, at);
    await arrived(pollers, [eventId], 30);
    await pause(150);
  }
  return sent;
}

async function sendBurst(connection: Connection, room: Room): Promise<ReadonlyMap<string, number>> {
  const sent = new Map<string, number>();
  const start = performance.now();
  for (let i = 0; i < BURST.perSecond * BURST.seconds; i += 1) {
    await pause(Math.max(0, start + (i * 1000) / BURST.perSecond - performance.now()));
    const at = performance.now();
    sent.set(await sendSealed(connection, room, firstOf(room.members)), at);
  }
  return sent;
}

/** Resolves when everybody has all of them, or after so many seconds. */
async function arrived(pollers: readonly Poller[], eventIds: readonly string[], seconds: number): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline && !pollers.every(({ arrivals }) => eventIds.every((id) => arrivals.has(id)))) await pause(5);
}

function firstOf(members: readonly Member[]): Member {
  const [first] = members;
  if (first === undefined) throw new Error('nobody is there');
  return first;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
