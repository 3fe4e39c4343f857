import { parseArgs } from 'node:util';
import { readSigningKeys } from '../config-keys.js';
import { loadConfig } from '../config-load.js';
import { countOf, type Finding, lineOf, Refused } from '../config-report.js';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { explainFailure } from './start-failure.js';

export const configCheck: Command = {
  summary: 'say what is wrong with a configuration, and what has no effect',
  help: `Usage: cloison config check --config FILE [--json]

Reads the configuration as \`cloison serve\` does, and starts nothing.

  -c, --config FILE  a file, or a directory of *.yaml; several are merged, of a
                     key given twice the later one counts
      --json         print {"problems": [...], "notices": [...]}

Exit codes: 0 a server would start with it, 1 the signing key is missing or
wrong, 2 the configuration is refused or the arguments are wrong.`,

  async run(args, terminal) {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: 'string', short: 'c', multiple: true }, json: { type: 'boolean', default: false } },
    });
    if (values.config === undefined) throw new UsageError('--config FILE is needed.');
    const { refused, notices, given, signingKeyPath } = check(values.config);
    const problems = refused?.problems ?? [];
    if (values.json) terminal.out(JSON.stringify({ problems, notices }));
    else for (const notice of notices) terminal.out(lineOf(notice));
    if (refused !== undefined) {
      if (!values.json) terminal.err(refused.message);
      return EXIT.usage;
    }
    if (signingKeyPath !== undefined) requireSigningKey(signingKeyPath);
    if (!values.json) terminal.out(countOf(problems, notices, given));
    return EXIT.ok;
  },
};

interface Checked {
  readonly refused?: Refused;
  readonly notices: readonly Finding[];
  readonly given: number;
  readonly signingKeyPath?: string;
}

function check(paths: readonly string[]): Checked {
  try {
    // A missing secret is no problem: `serve` makes it.
    const { config, notices, given } = loadConfig(paths, { missingSecret: () => 'made at the first start' });
    return { notices, given, signingKeyPath: config.signingKeyPath };
  } catch (cause) {
    if (cause instanceof Refused) return { refused: cause, notices: cause.notices, given: 0 };
    throw cause;
  }
}

function requireSigningKey(path: string): void {
  try {
    readSigningKeys(path);
  } catch (cause) {
    throw new Failure(explainFailure(cause));
  }
}
