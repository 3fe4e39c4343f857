import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { compare, type Comparison } from './complement/compare.js';
import { expectationOf, readExpected, textOf } from './complement/expected.js';
import { goTestLine, overlayOf, UnknownCheckout, withOurDeployer } from './complement/overlay.js';
import { leavesOf, readResults } from './complement/results.js';

const TEST_MAIN = `package complement

import (
	"github.com/matrix-org/complement/config"
	"github.com/matrix-org/complement/ct"
)

func run() { defer testPackage.Cleanup()
}
func OldDeploy() { return testPackage.OldDeploy(t, blueprint) }
func Deploy() { return testPackage.Deploy(t, numServers) }
`;

const FORBIDDEN = 'client.go:1: CSAPI.MustDo POST http://127.0.1.1:8008/x returned non-2xx code: 403 Forbidden - body: {"errcode":"M_FORBIDDEN","error":"no"}';

describe('the overlay', () => {
  it('has our deployer make every deployment, fresh ones too, and end them with the package', () => {
    const made = withOurDeployer(TEST_MAIN);
    expect(made).toContain('"github.com/matrix-org/complement/internal/cloison"\n');
    expect(made).toContain('return cloison.DeployFresh(t, blueprint, testPackage.Config)');
    expect(made).toContain('return cloison.Deploy(t, numServers, testPackage.Config)');
    expect(made).toContain('defer testPackage.Cleanup()\n\t\tdefer cloison.DestroyAll()\n');
  });

  it('refuses a checkout whose test_main.go makes deployments elsewhere or twice', () => {
    expect(() => withOurDeployer(TEST_MAIN.replace('testPackage.OldDeploy', 'testPackage.NewDeploy'))).toThrow(UnknownCheckout);
    expect(() => withOurDeployer(TEST_MAIN + TEST_MAIN)).toThrow(UnknownCheckout);
  });

  it('names files of the checkout as what is replaced, and ours as what is compiled', () => {
    const { Replace } = overlayOf({ checkout: '/c', root: '/r', testMain: '/tmp/made.go', deployer: ['suite.go'], tag: 'hs_cloison.go' });
    expect(Replace).toEqual({
      '/c/test_main.go': '/tmp/made.go',
      '/c/runtime/hs_cloison.go': '/r/spec-tests/complement/runtime/hs_cloison.go',
      '/c/internal/cloison/suite.go': '/r/spec-tests/complement/suite.go',
    });
  });

  it('prints a line that a shell takes, whatever the folders are called, and turns the proxy on only when asked', () => {
    const line = goTestLine({ checkout: "/it's here", root: '/r', overlay: '/o.json', sealed: false });
    expect(line.startsWith(`cd '/it'\\''s here' && CLOISON_ROOT=/r `)).toBe(true);
    expect(line).toContain('go test -overlay /o.json -tags cloison_blacklist ');
    expect(line).not.toContain('COMPLEMENT_SEALED');
    expect(goTestLine({ checkout: '/c', root: '/r', overlay: '/o.json', sealed: true })).toContain(' COMPLEMENT_SEALED=1 ');
  });
});

describe('the results', () => {
  it('count what began and did not end as failed', () => {
    expect(readResults(run('TestA', ['run']))).toEqual(new Map([['csapi TestA', { ending: 'fail', output: '' }]]));
  });

  it('pass over what a compiler says between the lines, and over packages', () => {
    expect(readResults(`# some/package\n{"Action":"pass","Package":"x/csapi"}\n${run('TestA', ['run', 'pass'])}`).size).toBe(1);
  });

  it('have as leaves the tests in which no other ran, though names contain slashes', () => {
    const results = readResults([run('TestA', ['run', 'pass']), run('TestA/GET_/login', ['run', 'pass']), run('TestAB', ['run', 'pass'])].join('\n'));
    expect(leavesOf(results)).toEqual(['csapi TestA/GET_/login', 'csapi TestAB']);
  });
});

describe('what is expected', () => {
  it.each(['pass', 'refused 403 M_FORBIDDEN', 'refused 200 "chunk":[]', 'federation-later', 'not-applicable it needs Docker'])('can be: %s', (text) => {
    expect(textOf(expectationOf(text))).toBe(text);
  });

  it.each(['', 'passes', 'refused', 'refused M_FORBIDDEN', 'not-applicable'])('cannot be: %j', (text) => {
    expect(() => expectationOf(text)).toThrow('Not an outcome');
  });

  it('is said once of every test, in four columns', () => {
    expect(() => expected('csapi\tTestA\tpass\tpass', 'csapi\tTestA\tpass\tpass')).toThrow('again');
    expect(() => expected('csapi\tTestA\tpass')).toThrow('four columns');
    expect(() => readExpected('test\tstock\n')).toThrow('first line');
  });

  it('can be read as it is committed', () => {
    expect(readExpected(readFileSync('spec-tests/complement/expected.tsv', 'utf8')).size).toBeGreaterThan(500);
  });
});

describe('the comparison', () => {
  it('is clean when every test came to what was expected', () => {
    const results = [
      run('TestA', ['run', 'pass']),
      run('TestB', ['run', 'fail'], FORBIDDEN),
      run('TestC', ['run', 'fail'], 'no such server'),
      run('TestD', ['run', 'skip']),
    ].join('\n');
    const lines = ['csapi\tTestA\tpass\tpass', 'csapi\tTestB\trefused 403 M_FORBIDDEN\tpass', 'csapi\tTestC\tfederation-later\tpass', 'csapi\tTestD\tnot-applicable so\tpass'];
    const { differences, tallies } = compare(readResults(results), expected(...lines), 'stock');
    expect(differences).toEqual([]);
    expect(tallies.get('csapi')).toEqual({ pass: 1, refused: 1, 'federation-later': 1, 'not-applicable': 1, different: 0 });
  });

  it('tells a refusal from a failure for another reason', () => {
    const other = 'client.go:1: CSAPI.MustDo POST http://127.0.1.1:8008/x returned non-2xx code: 404 Not Found - body: {"errcode":"M_FORBIDDEN"}';
    expect(differencesOf(run('TestA', ['run', 'fail'], other), 'refused 403 M_FORBIDDEN')).toHaveLength(1);
    expect(differencesOf(run('TestA', ['run', 'fail'], 'panic'), 'refused 403 M_FORBIDDEN')).toHaveLength(1);
  });

  it('knows a refusal that is no error by what the test misses', () => {
    const missed = 'search_test.go:1: got 0 want 1 - http://127.0.1.1:8008/search => {"results":[],"limited":false}';
    expect(differencesOf(run('TestA', ['run', 'fail'], missed), 'refused 200 "results":[]')).toEqual([]);
    expect(differencesOf(run('TestA', ['run', 'fail'], 'timed out'), 'refused 200 "results":[]')).toHaveLength(1);
  });

  it('does not take the log of requests for the reason of a failure', () => {
    const log = 'client.go:860: [CSAPI] POST hs1/x => 403 Forbidden {"errcode":"M_FORBIDDEN"}';
    expect(differencesOf(run('TestA', ['run', 'fail'], log), 'refused 403 M_FORBIDDEN')).toHaveLength(1);
  });

  it.each([
    ['refused 403 M_FORBIDDEN', 'pass'],
    ['federation-later', 'pass'],
    ['not-applicable so', 'pass'],
    ['not-applicable so', 'fail'],
    ['pass', 'skip'],
    ['pass', 'fail'],
  ])('reports %s that came to %s', (outcome, ending) => {
    const [difference] = differencesOf(run('TestA', ['run', ending]), outcome);
    expect(difference).toMatchObject({ test: 'csapi TestA', expected: outcome });
  });

  it('lets subtests that did not run answer with the refusal of the test they are in', () => {
    const results = run('TestA', ['run', 'fail'], FORBIDDEN);
    const { differences } = compare(readResults(results), expected('csapi\tTestA/one\trefused 403 M_FORBIDDEN\tpass'), 'stock');
    expect(differences).toEqual([]);
  });

  it('reports subtests that did not run though the test they are in passed', () => {
    expect(compare(readResults(run('TestA', ['run', 'pass'])), expected('csapi\tTestA/one\trefused 403 M_FORBIDDEN\tpass'), 'stock').differences).toHaveLength(2);
  });

  it('reports what is not listed and what did not run', () => {
    const { differences } = compare(readResults(run('TestNew', ['run', 'pass'])), expected('csapi\tTestOld\tpass\tpass'), 'stock');
    expect(differences.map(({ test }) => test)).toEqual(['csapi TestOld', 'csapi TestNew']);
  });

  it('reads the column of a sealed run', () => {
    expect(compare(readResults(run('TestA', ['run', 'pass'])), expected('csapi\tTestA\trefused 403 M_FORBIDDEN\tpass'), 'sealed').differences).toEqual([]);
  });
});

describe('the script', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'complement-script-')); });
  afterEach(() => { rmSync(folder, { recursive: true }); });

  it('writes nothing into the checkout', () => {
    const checkout = join(folder, 'checkout');
    mkdirSync(checkout);
    writeFileSync(join(checkout, 'test_main.go'), TEST_MAIN);
    const line = execFileSync(process.execPath, ['scripts/run.mjs', 'complement', 'overlay', checkout, '--into', join(folder, 'into')], { encoding: 'utf8' });
    expect(line).toContain(`-overlay ${join(folder, 'into', 'overlay.json')} `);
    expect(execFileSync('ls', [checkout], { encoding: 'utf8' })).toBe('test_main.go\n');
    const { Replace } = JSON.parse(readFileSync(join(folder, 'into', 'overlay.json'), 'utf8')) as { Replace: Record<string, string> };
    for (const file of Object.values(Replace)) expect(readFileSync(file, 'utf8')).toContain('package ');
  });

  it('has servers run with settings that the server takes', () => {
    const data = join(folder, 'data');
    const run = (...args: readonly string[]) => execFileSync(process.execPath, ['dist/main.js', ...args], { encoding: 'utf8' });
    run('generate', '--server-name', 'hs1', '--data-dir', data);
    copyFileSync('spec-tests/complement/homeserver.yaml', join(data, 'suite.yaml'));
    expect(run('config', 'check', '--config', join(data, 'homeserver.yaml'), '--config', join(data, 'suite.yaml'))).toContain('0 refused, 0 without effect');
  });

  it.each([['pass', 0], ['refused 403 M_FORBIDDEN', 1]])('ends as the comparison does: %s', (outcome, status) => {
    writeFileSync(join(folder, 'results.jsonl'), run('TestA', ['run', 'pass']));
    writeFileSync(join(folder, 'expected.tsv'), `folder\ttest\tstock\tsealed\ncsapi\tTestA\t${outcome}\tpass\n`);
    const args = ['scripts/run.mjs', 'complement', 'compare', join(folder, 'results.jsonl'), '--expected', join(folder, 'expected.tsv')];
    expect(spawnSync(process.execPath, args).status).toBe(status);
  });
});

function run(test: string, actions: readonly string[], output?: string): string {
  const [begin, ...rest] = actions.map((Action) => ({ Action, Package: 'github.com/matrix-org/complement/tests/csapi', Test: test }));
  const said = output === undefined ? [] : [{ ...begin, Action: 'output', Output: `    ${output}\n` }];
  return [begin, ...said, ...rest].map((line) => JSON.stringify(line)).join('\n');
}

function expected(...lines: readonly string[]): ReturnType<typeof readExpected> {
  return readExpected(['folder\ttest\tstock\tsealed', ...lines].join('\n'));
}

function differencesOf(results: string, outcome: string): Comparison['differences'] {
  return compare(readResults(results), expected(`csapi\tTestA\t${outcome}\tpass`), 'stock').differences;
}
