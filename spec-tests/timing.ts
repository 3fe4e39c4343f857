/** How two kinds of requests compare in time. */
export interface Comparison {
  /** Milliseconds. */
  readonly medians: readonly [number, number];
  /** The chance that one of the first kind takes longer than one of the second: 0.5 when nobody can tell them apart. */
  readonly overlap: number;
}

const WARM_UP = 20;

/** Times `samples` of each, one after the other and in turns, so that whatever else the machine does befalls both. */
export async function compare(samples: number, first: (i: number) => Promise<unknown>, second: (i: number) => Promise<unknown>): Promise<Comparison> {
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < samples + WARM_UP; i += 1) {
    const order = i % 2 === 0 ? [0, 1] : [1, 0];
    for (const kind of order) {
      const started = performance.now();
      await (kind === 0 ? first(i) : second(i));
      if (i >= WARM_UP) times[kind === 0 ? 0 : 1].push(performance.now() - started);
    }
  }
  const [a, b] = times;
  return { medians: [median(a), median(b)], overlap: chanceOfLonger(a, b) };
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
