import { cpuFigures, percentile, type Figure } from './figures.js';
import { Connection } from './http.js';
import type { Server } from './server.js';
import { call, foundRoom, type Member } from './world.js';
import { measureYard } from './yard.js';

const WARM_UP = 100;
const RUNS = 300;

/** B14: the members of a room of 500, asked for by one of them, one request at a time. */
export async function membersScenario(server: Server, people: readonly Member[]): Promise<readonly Figure[]> {
  const connection = new Connection(server.baseUrl);
  const room = await foundRoom(connection, people);
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/members`;
  const ask = async (): Promise<number> => {
    const started = performance.now();
    const { chunk } = await call<{ chunk: readonly unknown[] }>(connection, 'GET', path, people[1]?.token);
    if (chunk.length !== people.length) throw new Error(`${chunk.length} members of ${people.length}`);
    return performance.now() - started;
  };
  for (let i = 0; i < WARM_UP; i += 1) await ask();
  const times: number[] = [];
  const before = measureYard();
  const cpu = server.cpu();
  for (let i = 0; i < RUNS; i += 1) times.push(await ask());
  const after = server.cpu();
  const yard = (before + measureYard()) / 2;
  connection.close();
  const us = cpu === undefined || after === undefined ? undefined : (after - cpu) / RUNS;
  const what = `members of a room of ${people.length}`;
  return [
    { scenario: 'B14', what: `${what}, p50`, value: percentile(times, 50), unit: 'ms' },
    ...cpuFigures('B14', what, { us, yard }),
  ];
}
