import { percentile, type Figure } from './figures.js';
import type { Server } from './server.js';

const STARTS = 5;
// Once, some ten to twenty seconds after the start, the engine collects what the start left behind: what is measured is what stays.
const SETTLE_MS = 25_000;
const WATCH_MS = 10_000;

/** B12: an empty server, from the start of its process to its first answer, and what it takes to do nothing. */
export async function idleScenario(server: Server): Promise<readonly Figure[]> {
  const starts: number[] = [];
  if (server.restart !== undefined) for (let i = 0; i < STARTS; i += 1) starts.push(await server.restart());
  await pause(SETTLE_MS);
  const cpu = server.cpu();
  await pause(WATCH_MS);
  const after = server.cpu();
  const rss = server.rssMiB();
  const ready: readonly Figure[] = starts.length === 0 ? [] : [{ scenario: 'B12', what: 'ready, p50', value: percentile(starts, 50), unit: 'ms', atMost: 1000 }];
  const memory: readonly Figure[] = rss === undefined ? [] : [{ scenario: 'B12', what: 'resident memory, empty and idle', value: rss, unit: 'MiB', atMost: 90 }];
  const load: readonly Figure[] = cpu === undefined || after === undefined
    ? []
    : [{ scenario: 'B12', what: 'idle, share of a core', value: (after - cpu) / (WATCH_MS * 10), unit: '%', atMost: 0.5 }];
  return [...ready, ...memory, ...load];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
