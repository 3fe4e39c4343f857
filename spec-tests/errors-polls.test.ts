import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Person, type Shard } from './harness.js';
import { sealed } from './sealed.js';

const V3 = '/_matrix/client/v3';
const POLLS = 1000;
let shard: Shard;
let people: readonly Person[];
let roomId: string;

beforeAll(async () => {
  shard = await startShard();
  people = await Promise.all(Array.from({ length: 10 }, () => shard.register()));
  const [creator, ...others] = people;
  if (creator === undefined) throw new Error('nobody is there');
  roomId = await shard.createRoom(creator, others);
});
afterAll(async () => {
  await shard.stop();
});

/** A poll on a connection of its own, and what comes back on it. */
interface Poll {
  readonly socket: Socket;
  received: string;
}

async function open(since: string, { token }: Person): Promise<Poll> {
  const { hostname, port } = new URL(shard.baseUrl);
  const socket = connect(Number(port), hostname);
  const poll: Poll = { socket, received: '' };
  socket.on('data', (chunk: Buffer) => { poll.received += chunk.toString(); });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(`GET ${V3}/sync?timeout=60000&since=${since} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  return poll;
}

/** As many polls as asked for, all of them waiting. */
async function openMany(count: number): Promise<readonly Poll[]> {
  // What happened before is told to everybody first, so that nothing is left to tell.
  const since = await Promise.all(people.map(newest));
  const polls: Poll[] = [];
  for (let i = 0; i < count; i += 1) {
    const person = people[i % people.length];
    const token = since[i % people.length];
    if (person !== undefined && token !== undefined) polls.push(await open(token, person));
  }
  // Requests are served in turn, so one that is answered now was preceded by all of these.
  await Promise.all(people.map(newest));
  await pause(300);
  expect(polls.filter(({ received }) => received !== '')).toEqual([]);
  return polls;
}

async function newest(person: Person): Promise<string> {
  const { body } = await shard.request<{ next_batch: string }>('GET', `${V3}/sync`, { token: person.token });
  return body.next_batch;
}

async function send(txnId: string): Promise<void> {
  const path = `${V3}/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted/${txnId}`;
  expect((await shard.request('PUT', path, { token: people[0]?.token, body: sealed() })).status).toBe(200);
}

function rssMiB(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${shard.pid}/status`, 'latin1'))?.[1]) / 1024;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe('Long polls', () => {
  it('a thousand wait, and all of them hear of a message', async () => {
    const polls = await openMany(POLLS);
    await send('heard');
    for (let i = 0; i < 2000 && polls.some(({ received }) => !received.includes('"m.room.encrypted"')); i += 1) await pause(25);
    expect(polls.filter(({ received }) => !received.startsWith('HTTP/1.1 200 ') || !received.includes('"m.room.encrypted"'))).toEqual([]);
    for (const { socket } of polls) socket.destroy();
  });

  it('who goes away in the middle of one is forgotten, and misses nothing', async () => {
    const [reader] = people;
    if (reader === undefined) throw new Error('nobody is there');
    const since = await newest(reader);
    const poll = await open(since, reader);
    await pause(50);
    poll.socket.destroy();
    await send('missed');
    const { rooms } = await shard.longPoll(reader, since, (sync) => sync.rooms?.join?.[roomId]?.timeline !== undefined);
    expect(rooms?.join?.[roomId]?.timeline?.events).toHaveLength(1);
    expect(poll.received).toBe('');
  });

  (process.platform === 'linux' ? it : it.skip)('those that come and go leave no memory behind', async () => {
    const after: number[] = [];
    // A leak of a poll’s few dozen KiB would be some 30 MiB in each round. The engine takes memory for some rounds, how many depends on
    // its version, and then no more: three rounds that grow by less than half of what they would leak.
    const hasSettled = (): boolean => after.length > 5 && (after.at(-1) ?? NaN) - (after.at(-4) ?? NaN) < 45;
    while (after.length < 24 && !hasSettled()) {
      const polls = await openMany(POLLS);
      // Half close their connection, half vanish.
      polls.forEach(({ socket }, i) => (i % 2 === 0 ? socket.end() : socket.resetAndDestroy()));
      await pause(300);
      after.push(rssMiB());
      for (const { socket } of polls) socket.destroy();
    }
    expect({ after, hasSettled: hasSettled() }).toEqual({ after, hasSettled: true });
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
