// `npm test`: everything that has to hold. Arguments are passed on to jest, and only jest runs then.
import { spawnSync } from 'node:child_process';
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

const steps = [
  { name: 'types', needs: 'tsconfig.json', args: ['node_modules/typescript/bin/tsc', '--noEmit'] },
  { name: 'lint', needs: 'scripts/eslint.config.js', args: ['node_modules/eslint/bin/eslint.js', '--config', 'scripts/eslint.config.js', '.'] },
  { name: 'architecture', needs: 'scripts/check-architecture.ts', args: ['scripts/run.mjs', 'check-architecture'] },
];
const tests = {
  name: 'tests',
  needs: 'package.json',
  args: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', `--maxWorkers=${workers}`, '--json', `--outputFile=${results}`, ...filters],
};

const failed = [...(filters.length === 0 ? steps : []), tests].filter((step) => !passes(step)).map(({ name }) => name);
if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}.`);
console.log(countOf(results));
process.exit(failed.length === 0 ? 0 : 1);

function passes({ name, needs, args }) {
  if (!existsSync(join(root, needs))) return true;
  console.log(`\n== ${name}`);
  // Jest repeats its results as JSON on standard output, where nobody reads them.
  const stdio = ['ignore', name === 'tests' ? 'ignore' : 'inherit', 'inherit'];
  return spawnSync(process.execPath, args, { cwd: root, stdio }).status === 0;
}

/** The last line of the output: a file of tests that could not run counts as one that failed. */
function countOf(file) {
  if (!existsSync(file)) return '0 passed, 1 failed';
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(file, 'utf8'));
  const skipped = numPendingTests + numTodoTests;
  return `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
