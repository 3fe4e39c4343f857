import { type Expectation, type Expected, textOf } from './expected.js';
import { ancestorsOf, leavesOf, type Result, type Results } from './results.js';

export interface Difference {
  readonly test: string;
  readonly expected: string;
  readonly found: string;
}

export type Tally = Readonly<Record<Expectation['kind'] | 'different', number>>;

export interface Comparison {
  readonly differences: readonly Difference[];
  /** By folder, how many leaves came to what they had to, and how many did not. */
  readonly tallies: ReadonlyMap<string, Tally>;
}

const OK = 200;

/** Holds every leaf, whether it ran or was to run, against what it must come to in this kind of run. */
export function compare(results: Results, expected: ReadonlyMap<string, Expected>, run: keyof Expected): Comparison {
  const unknown = leavesOf(results).filter((key) => !expected.has(key) && !standsForItsSubtests(key, results, expected));
  const judged = [...expected].map(([test, { [run]: expectation }]) => ({ test, kind: expectation.kind, difference: judge(test, expectation, results) }));
  const tallies = new Map<string, Record<Expectation['kind'] | 'different', number>>();
  for (const { test, kind, difference } of judged) count(tallies, test, difference === undefined ? kind : 'different');
  for (const test of unknown) count(tallies, test, 'different');
  const differences = [
    ...judged.flatMap(({ difference }) => (difference === undefined ? [] : [difference])),
    ...unknown.map((test) => ({ test, expected: 'nothing: it is not listed', found: found(results.get(test)) })),
  ];
  return { differences, tallies };
}

/** A test that failed before its subtests began is a leaf of this run only; those that are listed answer for it. */
function standsForItsSubtests(key: string, results: Results, expected: ReadonlyMap<string, Expected>): boolean {
  return results.get(key)?.ending !== 'pass' && [...expected.keys()].some((test) => test.startsWith(`${key}/`));
}

function judge(test: string, expectation: Expectation, results: Results): Difference | undefined {
  const result = results.get(test) ?? failedBefore(test, results);
  return isMet(expectation, result) ? undefined : { test, expected: textOf(expectation), found: found(result) };
}

/** What kept a subtest from running: the nearest test it is within, if that failed or was skipped. */
function failedBefore(test: string, results: Results): Result | undefined {
  const [nearest] = ancestorsOf(test, results);
  const result = nearest === undefined ? undefined : results.get(nearest);
  return result?.ending === 'pass' ? undefined : result;
}

function isMet(expectation: Expectation, result: Result | undefined): boolean {
  switch (expectation.kind) {
    case 'pass':
      return result?.ending === 'pass';
    case 'refused':
      return result?.ending === 'fail' && complaintsOf(result).some((line) => shows(line, expectation));
    case 'federation-later':
      return result?.ending !== 'pass';
    case 'not-applicable':
      return result === undefined || result.ending === 'skip';
  }
}

/**
 * Status and errcode have to stand in one complaint: a test may meet other answers on its way. Of an answer that is no error, such as
 * an empty list, a test names what it misses and not the status.
 */
function shows(complaint: string, { status, seen }: { status: number; seen: string }): boolean {
  if (status === OK) return complaint.includes(seen);
  return new RegExp(`\\b${status}\\b`).test(complaint) && complaint.includes(`"errcode":"${seen}"`);
}

/** What the test said went wrong, without the log of its requests and the marks of its beginning and end. */
function complaintsOf({ output }: Result): readonly string[] {
  return output.split('\n').filter((line) => line.trim() !== '' && !/\[CSAPI\]|^\s*(?:===|---) /.test(line));
}

function found(result: Result | undefined): string {
  if (result === undefined) return 'did not run';
  if (result.ending !== 'fail') return result.ending;
  return ['fail', ...complaintsOf(result).slice(-6)].join('\n      ');
}

function count(tallies: Map<string, Record<Expectation['kind'] | 'different', number>>, test: string, kind: Expectation['kind'] | 'different'): void {
  const folder = test.slice(0, test.indexOf(' '));
  const tally = tallies.get(folder) ?? { pass: 0, refused: 0, 'federation-later': 0, 'not-applicable': 0, different: 0 };
  tally[kind] += 1;
  tallies.set(folder, tally);
}
