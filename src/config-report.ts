/** Something said about one place of the configuration. */
export interface Finding {
  readonly file: string;
  readonly line?: number;
  readonly key: string;
  /** The value as the file has it, where it is short and no secret. */
  readonly shown?: string | undefined;
  /** The rule that the value contradicts. */
  readonly rule?: string;
  readonly message: string;
}

/** The configuration does not allow a start; says everything that has to change, not only the first thing. */
export class Refused extends Error {
  constructor(
    readonly problems: readonly Finding[],
    readonly notices: readonly Finding[],
    given: number,
  ) {
    const told = problems.map((problem) => `${headingOf(problem)}\n  REFUSED${ruleOf(problem)} ${problem.message}`);
    super([...told, `${countOf(problems, notices, given)} Nothing was started.`].join('\n'));
    this.name = 'Refused';
  }
}

/** One line. */
export function lineOf(finding: Finding): string {
  return `${headingOf(finding)}: ${finding.message}`;
}

/** In the order of the files, the way somebody works through them. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) => a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0));
}

export function countOf(problems: readonly Finding[], notices: readonly Finding[], given: number): string {
  const touched = new Set([...problems, ...notices].map(({ key }) => key.split('.', 1)[0]));
  return `${problems.length} refused, ${notices.length} without effect, ${Math.max(0, given - touched.size)} accepted.`;
}

/** Only what is plainly a word or a number is repeated: a text may be a secret. */
export function shownValue(value: unknown): string | undefined {
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  return typeof value === 'string' && /^[a-z_.0-9]{0,20}$/.test(value) ? JSON.stringify(value) : undefined;
}

function headingOf({ file, line, key, shown }: Finding): string {
  const place = line === undefined ? file : `${file}:${line}`;
  if (key === '') return place;
  return shown === undefined ? `${place}  ${key}` : `${place}  ${key}: ${shown}`;
}

function ruleOf({ rule }: Finding): string {
  return rule === undefined ? ':' : ` (${rule}).`;
}
