// `npm test`: everything that has to hold. Arguments are passed on to jest, and only jest runs then.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { build, install, root, stamps } from './prepare.mjs';

install();
build();
const filters = process.argv.slice(2);
const results = join(stamps, 'jest.json');
mkdirSync(stamps, { recursive: true });
rmSync(results, { force: true });

// Most files wait for a server, a disk or a timer: one for each core would leave the cores half idle.
const workers = Math.ceil(availableParallelism() * 1.5);

const checks = [
  { name: 'types and lint', needs: 'tsconfig.json', args: ['scripts/run.mjs', 'check-source'] },
  { name: 'architecture', needs: 'scripts/check-architecture.ts', args: ['scripts/run.mjs', 'check-architecture'] },
];
const tests = {
  name: 'tests',
  needs: 'package.json',
  args: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', `--maxWorkers=${workers}`, '--json', `--outputFile=${results}`, ...filters],
};

// The checks keep busy what the tests leave idle.
const steps = await Promise.all((filters.length === 0 ? [...checks, tests] : [tests]).map(run));
const failed = steps.filter(({ hasPassed }) => !hasPassed).map(({ name }) => name);
if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}.`);
console.log(countOf(results));
process.exit(failed.length === 0 ? 0 : 1);

/** All run side by side: what a check prints is kept until it is done, so that it stands together. */
function run({ name, needs, args }) {
  if (!existsSync(join(root, needs))) return { name, hasPassed: true };
  const isTests = name === tests.name;
  if (isTests) console.log(`\n== ${name}`);
  return new Promise((resolve) => {
    // Jest repeats its results as JSON on standard output, where nobody reads them.
    const step = spawn(process.execPath, args, { cwd: root, stdio: isTests ? ['ignore', 'ignore', 'inherit'] : ['ignore', 'pipe', 'pipe'] });
    const printed = [];
    for (const output of [step.stdout, step.stderr]) output?.on('data', (text) => printed.push(text));
    step.on('close', (code) => {
      if (!isTests) process.stdout.write(Buffer.concat([Buffer.from(`\n== ${name}\n`), ...printed]));
      resolve({ name, hasPassed: code === 0 });
    });
  });
}

/** The last line of the output: a file of tests that could not run counts as one that failed. */
function countOf(file) {
  if (!existsSync(file)) return '0 passed, 1 failed';
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(file, 'utf8'));
  const skipped = numPendingTests + numTodoTests;
  return `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
