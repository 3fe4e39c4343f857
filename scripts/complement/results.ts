export type Ending = 'pass' | 'fail' | 'skip';

export interface Result {
  readonly ending: Ending;
  readonly output: string;
}

/** The results of one run, by folder and name of test: `csapi TestLogin/parallel/GET_/login`. */
export type Results = ReadonlyMap<string, Result>;

interface Line {
  readonly Action: string;
  readonly Package?: string;
  readonly Test?: string;
  readonly Output?: string;
}

/** Reads what `go test -json` printed. A test that began and did not end, for its package was killed, has failed. */
export function readResults(jsonl: string): Results {
  const endings = new Map<string, Ending>();
  const outputs = new Map<string, string[]>();
  for (const { Action, Package, Test, Output } of jsonl.split('\n').flatMap(parsed)) {
    if (Package === undefined || Test === undefined) continue;
    const key = keyOf(folderOf(Package), Test);
    if (Action === 'run') endings.set(key, 'fail');
    if (Action === 'pass' || Action === 'fail' || Action === 'skip') endings.set(key, Action);
    if (Output !== undefined) append(outputs, key, Output);
  }
  return new Map([...endings].map(([key, ending]) => [key, { ending, output: (outputs.get(key) ?? []).join('') }]));
}

export function keyOf(folder: string, test: string): string {
  return `${folder} ${test}`;
}

/** The tests within which nothing else ran. */
export function leavesOf(results: Results): readonly string[] {
  const parents = new Set([...results.keys()].flatMap((key) => ancestorsOf(key, results)));
  return [...results.keys()].filter((key) => !parents.has(key));
}

/** The tests this one is within, the nearest first. A name may itself contain slashes, so only those that ran are known to be tests. */
export function ancestorsOf(key: string, results: Results): readonly string[] {
  const slashes = [...key.matchAll(/\//g)].map(({ index }) => key.slice(0, index));
  return slashes.filter((prefix) => results.has(prefix)).reverse();
}

function append(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** Between the lines of JSON stand the complaints of a compiler. */
function parsed(line: string): readonly Line[] {
  return line.startsWith('{') ? [JSON.parse(line) as Line] : [];
}

/** The last folder: `tests` or `csapi`. */
function folderOf(importPath: string): string {
  return importPath.slice(importPath.lastIndexOf('/') + 1);
}
