import { cpuFigures, percentile, type Figure } from './figures.js';
import { Connection } from './http.js';
import type { Server } from './server.js';
import { measureYard } from './yard.js';

/** Something a client does, again and again. */
export interface Operation {
  readonly scenario: string;
  readonly what: string;
  /** In yards. */
  readonly atMost?: number;
  /** Half of them. */
  readonly atMostMs?: number;
  /** How often, and for three seconds at most, it is done before anything is measured: a just-in-time compiler has to see it first. */
  readonly warmUp: number;
  readonly runs: number;
  /** How many are on their way at once, each over a connection of its own; one unless told otherwise. */
  readonly inFlight?: number;
  /** Does it once, the warm-up counted; rejects when the answer is not what it should be. */
  once(connection: Connection, turn: number): Promise<void>;
}

const WARM_UP_MS = 3000;
/** As many as ask a busy server at once; alone, each also pays for waking one that sleeps. */
const TOGETHER = 16;

/** A read: one at a time, and then among others, which the aim is for. */
export async function measureRead(server: Server, { atMost, ...alone }: Operation): Promise<readonly Figure[]> {
  const together = { ...alone, warmUp: 0, runs: 3 * alone.runs, inFlight: TOGETHER, ...(atMost !== undefined && { atMost }) };
  return [...(await measureOperation(server, alone)), ...(await measureOperation(server, together))];
}


/** What each cost the server, and how long its client waited. */
export async function measureOperation(server: Server, operation: Operation): Promise<readonly Figure[]> {
  const { scenario, warmUp, runs, inFlight = 1, atMost, atMostMs } = operation;
  const what = inFlight === 1 ? operation.what : `${operation.what}, ${inFlight} in flight`;
  const begun = await repeat(server, operation, { from: 0, to: warmUp, until: performance.now() + WARM_UP_MS });
  const before = measureYard();
  const cpu = server.cpu();
  const times = await repeat(server, operation, { from: begun.length, to: begun.length + runs, until: Infinity });
  const after = server.cpu();
  const yard = (before + measureYard()) / 2;
  const us = cpu === undefined || after === undefined ? undefined : (after - cpu) / runs;
  return [
    ...cpuFigures(scenario, what, { us, yard }, atMost === undefined ? {} : { atMost }),
    { scenario, what: `${what}, p50`, value: percentile(times, 50), unit: 'ms', ...(atMostMs !== undefined && { atMost: atMostMs }) },
    { scenario, what: `${what}, p99`, value: percentile(times, 99), unit: 'ms' },
  ];
}

/** The milliseconds each took. */
async function repeat({ baseUrl }: Server, { once, inFlight = 1 }: Operation, turns: { from: number; to: number; until: number }): Promise<readonly number[]> {
  const times: number[] = [];
  let turn = turns.from;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    const connection = new Connection(baseUrl);
    while (turn < turns.to && performance.now() < turns.until) {
      const mine = turn++;
      const started = performance.now();
      await once(connection, mine);
      times.push(performance.now() - started);
    }
    connection.close();
  }));
  return times;
}
