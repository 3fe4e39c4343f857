import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICK_US = 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuUs: number;
}

/** CPU in microseconds of these processes and all their descendants, those that ended and were waited for included. */
export function cpuOf(roots: readonly number[]): number {
  return family(roots).reduce((sum, { cpuUs }) => sum + cpuUs, 0);
}

/** Resident memory in MiB of these processes and all their descendants. */
export function rssOf(roots: readonly number[]): number {
  return family(roots).reduce((sum, { pid }) => sum + rss(pid), 0);
}

function family(roots: readonly number[]): readonly Stat[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => stat(Number(name)));
  const kin = new Set(roots);
  for (let size = 0; size !== kin.size; ) {
    size = kin.size;
    for (const { pid, parent } of all) if (kin.has(parent)) kin.add(pid);
  }
  return all.filter(({ pid }) => kin.has(pid));
}

/** proc(5): utime, stime, cutime, cstime are fields 14 to 17; the name, which may hold anything, is in parentheses. */
function stat(pid: number): readonly Stat[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
    const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
    return [{ pid, parent: fields[1] ?? 0, cpuUs: ticks * TICK_US }];
  } catch {
    return []; // It ended between the listing and the reading.
  }
}

function rss(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
