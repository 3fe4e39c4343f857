import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, type Comparison } from './complement/compare.js';
import { readExpected } from './complement/expected.js';
import { goTestLine, overlayOf, withOurDeployer } from './complement/overlay.js';
import { readResults } from './complement/results.js';

const USAGE = `node scripts/run.mjs complement overlay CHECKOUT [--into DIR] [--sealed]
  Prints the line that runs Complement's core tests of this checkout against Cloison. CHECKOUT is left as it is: what
  the compiler reads instead of its files is written to DIR (.build/complement).
node scripts/run.mjs complement compare RESULTS.jsonl [--expected FILE] [--sealed]
  Holds the results of that line against FILE (spec-tests/complement/expected.tsv). Ends with 1 when a test came to
  anything but what is expected of it, be it better or worse.
  --sealed   for a run through the sealing proxy`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    into: { type: 'string', default: '.build/complement' },
    expected: { type: 'string', default: 'spec-tests/complement/expected.tsv' },
    sealed: { type: 'boolean', default: false },
  },
});
const [action, path, ...rest] = positionals;

if (path === undefined || rest.length > 0) usage();
else if (action === 'overlay') overlay(path);
else if (action === 'compare') report(path);
else usage();

function overlay(checkout: string): void {
  const places = { checkout: resolve(checkout), root: process.cwd(), folder: resolve(options.into) };
  if (!existsSync('dist/main.js')) throw new Error('dist/main.js is not there: npm run build');
  mkdirSync(places.folder, { recursive: true });
  const testMain = join(places.folder, 'test_main.go');
  const file = join(places.folder, 'overlay.json');
  const deployer = readdirSync('spec-tests/complement').filter((name) => name.endsWith('.go'));
  writeFileSync(testMain, withOurDeployer(readFileSync(join(places.checkout, 'test_main.go'), 'utf8')));
  writeFileSync(file, JSON.stringify(overlayOf({ ...places, testMain, deployer, tag: 'hs_cloison.go' }), undefined, 2));
  console.log(goTestLine({ ...places, overlay: file, sealed: options.sealed }));
}

function report(file: string): void {
  const results = readResults(readFileSync(file, 'utf8'));
  const comparison = compare(results, readExpected(readFileSync(options.expected, 'utf8')), options.sealed ? 'sealed' : 'stock');
  for (const { test, expected, found } of comparison.differences) console.log(`${test}\n    expected ${expected}\n    found    ${found}`);
  console.log(table(comparison));
  process.exitCode = comparison.differences.length === 0 ? 0 : 1;
}

function table({ tallies }: Comparison): string {
  const columns = ['pass', 'refused', 'federation-later', 'not-applicable', 'different'] as const;
  const rows = [...tallies].map(([folder, tally]) => [folder, ...columns.map((column) => String(tally[column]))]);
  return [['folder', ...columns], ...rows].map((cells) => cells.map((cell, index) => cell.padEnd(index === 0 ? 8 : 18)).join('').trimEnd()).join('\n');
}

function usage(): void {
  console.error(USAGE);
  process.exitCode = 2;
}
