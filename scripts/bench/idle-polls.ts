import type { Figure } from './figures.js';
import { Connection } from './http.js';
import type { Server } from './server.js';
import { call, foundRoom, sendSealed, type Member, type Room } from './world.js';

const TIMEOUT_MS = 30_000;
const OPEN_PER_TICK = 50;
const SETTLE_MS = 10_000;
const WATCH_MS = 60_000;
const WAKE_ALLS = 10;

interface Poll {
  readonly connection: Connection;
  since: string;
  answered: number;
}

interface Polls {
  readonly all: readonly Poll[];
  close(): void;
}

/** B3: thousands of clients that wait for nothing: what they hold, what they cost, and that nothing of them stays when they are gone. */
export async function idlePollsScenario(server: Server, people: readonly Member[], count: number): Promise<readonly Figure[]> {
  const [speaker] = people;
  if (speaker === undefined) throw new Error('nobody is there');
  const connection = new Connection(server.baseUrl);
  const room = await foundRoom(connection, people);
  connection.close();
  const since = await newestTokens(server, people);
  await pause(SETTLE_MS);
  const figures = [memory(server, 'resident memory, before')];
  const polls = await open(server, since, count);
  await pause(SETTLE_MS);
  const idle = server.rssMiB() ?? NaN;
  figures.push({ scenario: 'B3', what: `resident memory, ${count} polls waiting`, value: idle, unit: 'MiB', atMost: 350 });
  const cpu = server.cpu() ?? NaN;
  await pause(WATCH_MS);
  figures.push({ scenario: 'B3', what: 'waiting and asking again, share of a core', value: ((server.cpu() ?? NaN) - cpu) / (WATCH_MS * 10), unit: '%', atMost: 10 });
  for (let i = 0; i < WAKE_ALLS; i += 1) await wakeAll(polls, () => speak(server, room, speaker));
  await pause(SETTLE_MS);
  figures.push({ scenario: 'B3', what: `growth by waking all ${WAKE_ALLS} times`, value: ((server.rssMiB() ?? NaN) / idle - 1) * 100, unit: '%', atMost: 30 });
  polls.close();
  await pause(SETTLE_MS);
  const after = server.rssMiB() ?? NaN;
  figures.push(memory(server, 'resident memory, all gone'));
  // Who came back with the old tokens would have news at once, and not wait.
  const again = await open(server, await newestTokens(server, people), count);
  await pause(SETTLE_MS);
  again.close();
  await pause(SETTLE_MS);
  figures.push({ scenario: 'B3', what: 'growth by all coming and going again', value: ((server.rssMiB() ?? NaN) / after - 1) * 100, unit: '%', atMost: 10 });
  return figures.filter(({ value }) => !Number.isNaN(value));
}

async function newestTokens({ baseUrl }: Server, people: readonly Member[]): Promise<ReadonlyMap<Member, string>> {
  const connection = new Connection(baseUrl);
  const since = new Map<Member, string>();
  for (const person of people) {
    const { next_batch: token } = await call<{ next_batch: string }>(connection, 'GET', '/_matrix/client/v3/sync?timeout=0', person.token);
    since.set(person, token);
  }
  connection.close();
  return since;
}

/** Over a connection of its own: one that was idle for so long the server has closed. */
async function speak({ baseUrl }: Server, room: Room, speaker: Member): Promise<void> {
  const connection = new Connection(baseUrl);
  await sendSealed(connection, room, speaker);
  connection.close();
}

function memory(server: Server, what: string): Figure {
  return { scenario: 'B3', what, value: server.rssMiB() ?? NaN, unit: 'MiB' };
}

/** Resolves when all of them have been sent; the first answers come when the timeout does. */
async function open(server: Server, since: ReadonlyMap<Member, string>, count: number): Promise<Polls> {
  const people = [...since];
  const all: Poll[] = [];
  let closed = false;
  const repeat = async (poll: Poll, token: string): Promise<void> => {
    while (!closed) {
      const { status, text } = await poll.connection.request('GET', `/_matrix/client/v3/sync?timeout=${TIMEOUT_MS}&since=${poll.since}`, token);
      if (status !== 200) throw new Error(`sync: ${status} ${text.slice(0, 300)}`);
      poll.since = /"next_batch":"([^"]+)"/.exec(text)?.[1] ?? poll.since;
      poll.answered += 1;
    }
  };
  for (let i = 0; i < count; i += 1) {
    const [person, token] = people[i % people.length] ?? [];
    if (person === undefined || token === undefined) throw new Error('nobody is there');
    const poll: Poll = { connection: new Connection(server.baseUrl), since: token, answered: 0 };
    all.push(poll);
    repeat(poll, person.token).catch((error: unknown) => { if (!closed) throw error; });
    // More at once than the server has accepted would be turned away by its system.
    if (i % OPEN_PER_TICK === 0) await pause(25);
  }
  return {
    all,
    close: () => {
      closed = true;
      for (const { connection } of all) connection.close();
    },
  };
}

/** Resolves when every poll has been answered since. */
async function wakeAll({ all }: Polls, speakUp: () => Promise<void>): Promise<void> {
  const before = all.map(({ answered }) => answered);
  await speakUp();
  const deadline = performance.now() + 60_000;
  while (all.some(({ answered }, i) => answered === before[i])) {
    if (performance.now() > deadline) throw new Error('not every poll was woken');
    await pause(50);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
