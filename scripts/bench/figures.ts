/** One measured number; `atMost` and `atLeast` are what this project set itself. */
export interface Figure {
  readonly scenario: string;
  readonly what: string;
  readonly value: number;
  readonly unit: 'ms' | 'yards' | 'us CPU' | '/s' | 'MB/s' | 'MiB' | '%' | 'lost';
  readonly atMost?: number;
  readonly atLeast?: number;
}

export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? NaN;
}

/** CPU an operation cost, in microseconds and in yards; nothing when the server's process is not known. */
export function cpuFigures(scenario: string, what: string, cost: { us: number | undefined; yard: number }, goal: { atMost?: number } = {}): readonly Figure[] {
  if (cost.us === undefined) return [];
  return [
    { scenario, what, value: cost.us, unit: 'us CPU' },
    { scenario, what, value: cost.us / cost.yard, unit: 'yards', ...goal },
  ];
}

/** One row a figure; the peer's, and how many times ours is better, beside it when there is a peer. */
export function table(ours: readonly Figure[], peer: readonly Figure[] | undefined): string {
  const rows = ours.map((figure) => {
    const row = [figure.scenario, figure.what, `${rounded(figure.value)} ${figure.unit}`, goal(figure)];
    return peer === undefined ? row : [...row, ...beside(figure, peer)];
  });
  const head = ['scenario', 'what', 'measured', 'goal', ...(peer === undefined ? [] : ['peer', 'better by'])];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function beside(figure: Figure, peer: readonly Figure[]): readonly string[] {
  const other = peer.find(({ scenario, what, unit }) => scenario === figure.scenario && what === figure.what && unit === figure.unit);
  if (other === undefined) return ['', ''];
  const ratio = figure.unit === '/s' || figure.unit === 'MB/s' ? figure.value / other.value : other.value / figure.value;
  return [`${rounded(other.value)} ${other.unit}`, Number.isFinite(ratio) ? `${rounded(ratio)} x` : ''];
}

function goal({ value, unit, atMost, atLeast }: Figure): string {
  if (atMost !== undefined) return `${value <= atMost ? 'met' : 'MISSED'}: at most ${atMost} ${unit}`;
  return atLeast === undefined ? '' : `${value >= atLeast ? 'met' : 'MISSED'}: at least ${atLeast} ${unit}`;
}

function rounded(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '-';
}
