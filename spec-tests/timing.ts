/** How two kinds of requests compare in time. */
export interface Comparison {
  /** Milliseconds. */
  readonly medians: readonly [number, number];
  /** The chance that one of the first kind takes longer than one of the second: 0.5 when nobody can tell them apart. */
  readonly overlap: number;
  /** Whether that is a half, give or take what was allowed. */
  readonly isFair: boolean;
}

interface Measure {
  /** Of each kind, in a round. */
  readonly samples: number;
  /** How far from a half the overlap may be. */
  readonly within: number;
  /** How many are asked side by side; each request is told its lane, for one session has one refusal after the other. */
  readonly lanes?: number;
}

type Request = (lane: number) => Promise<unknown>;

const WARM_UP = 20;
const ROUNDS = 4;

/**
 * Times both kinds in turns, so that whatever else the machine does befalls both. When they seem to differ, measures again and judges by all
 * samples together: what a busy machine did to one round is lost among the others, and a difference that is there stays.
 */
export async function compare([first, second]: readonly [Request, Request], { samples, within, lanes = 1 }: Measure): Promise<Comparison> {
  const times: [number[], number[]] = [[], []];
  for (let round = 1; ; round += 1) {
    await Promise.all(Array.from({ length: lanes }, (_, lane) => sample(times, Math.ceil(samples / lanes), [() => first(lane), () => second(lane)])));
    const overlap = chanceOfLonger(...times);
    const isFair = Math.abs(overlap - 0.5) < within;
    if (isFair || round === ROUNDS) return { medians: [median(times[0]), median(times[1])], overlap, isFair };
  }
}

async function sample(times: readonly [number[], number[]], samples: number, kinds: readonly [() => Promise<unknown>, () => Promise<unknown>]): Promise<void> {
  for (let i = 0; i < samples + WARM_UP; i += 1) {
    for (const kind of i % 2 === 0 ? [0, 1] as const : [1, 0] as const) {
      const started = performance.now();
      await kinds[kind]();
      if (i >= WARM_UP) times[kind].push(performance.now() - started);
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Mann and Whitney's U as a share of all pairs. */
function chanceOfLonger(a: readonly number[], b: readonly number[]): number {
  const sorted = [...b].sort((x, y) => x - y);
  let shorter = 0;
  for (const value of a) {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((sorted[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    shorter += low;
  }
  return shorter / (a.length * b.length);
}
