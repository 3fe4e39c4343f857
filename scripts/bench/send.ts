import { cpuFigures, percentile, type Figure } from './figures.js';
import { Connection } from './http.js';
import type { Server } from './server.js';
import { foundRoom, inParallel, sendSealed, type Member, type Room } from './world.js';
import { measureYard } from './yard.js';

/** B1: sealed messages into 20 rooms of 10 members, with 1, 16 and 64 requests in flight and nobody syncing. */
export async function sendScenario(server: Server, people: readonly Member[], seconds: number): Promise<readonly Figure[]> {
  const groups = Array.from({ length: 20 }, (_, i) => people.slice(i * 10, i * 10 + 10));
  const rooms = await inParallel(server.baseUrl, groups, foundRoom);
  const figures: Figure[] = [];
  for (const inFlight of [1, 16, 64]) figures.push(...(await sendWith(server, rooms, { inFlight, seconds })));
  return figures;
}

async function sendWith(server: Server, rooms: readonly Room[], { inFlight, seconds }: { inFlight: number; seconds: number }): Promise<readonly Figure[]> {
  await sendFor(server, rooms, inFlight, seconds / 5);
  const before = measureYard();
  const cpu = server.cpu();
  const started = performance.now();
  const times = await sendFor(server, rooms, inFlight, seconds);
  const elapsed = (performance.now() - started) / 1000;
  const after = server.cpu();
  const yard = (before + measureYard()) / 2;
  const us = cpu === undefined || after === undefined ? undefined : (after - cpu) / times.length;
  const what = `send, ${inFlight} in flight`;
  const most = inFlight === 64;
  return [
    { scenario: 'B1', what, value: times.length / elapsed, unit: '/s', ...(most && { atLeast: 2000 }) },
    ...cpuFigures('B1', what, { us, yard }, most ? { atMost: 60 } : {}),
    { scenario: 'B1', what: `${what}, p50`, value: percentile(times, 50), unit: 'ms' },
    { scenario: 'B1', what: `${what}, p99`, value: percentile(times, 99), unit: 'ms', ...(most && { atMost: 100 }) },
  ];
}

/** The milliseconds each send took. */
async function sendFor({ baseUrl }: Server, rooms: readonly Room[], inFlight: number, seconds: number): Promise<readonly number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  await Promise.all(Array.from({ length: inFlight }, async (_, worker) => {
    const connection = new Connection(baseUrl);
    // Each worker strides through rooms and members by steps of its own, so that all of them are met and a run can be repeated.
    for (let turn = worker * 7; performance.now() < end; turn += 1) {
      const room = rooms[turn % rooms.length];
      const member = room?.members[Math.floor(turn / rooms.length) % room.members.length];
      if (room === undefined || member === undefined) throw new Error('no room to send to');
      const started = performance.now();
      await sendSealed(connection, room, member);
      times.push(performance.now() - started);
    }
    connection.close();
  }));
  return times;
}
