import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config-load.js';
import { lineOf } from '../config-report.js';
import { type Command, EXIT, type ExitCode, type Ready, UsageError } from './command.js';
import { createLogger } from './log.js';
import { newSecret, writeNew } from './secret-files.js';
import { untilStopped } from './stop-signal.js';

export const serve: Command = {
  summary: 'run the server',
  help: `Usage: cloison serve --config FILE

Runs until SIGTERM or SIGINT, then finishes the requests it has and ends; a
second signal ends it at once. It is ready when GET /health answers. The log
goes to standard output: for people in a terminal, as JSON elsewhere.

  -c, --config FILE  a file, or a directory of *.yaml; several are merged, of a
                     key given twice the later one counts

Exit codes: 0 stopped by a signal, 1 it could not start or failed, 2 wrong
arguments or configuration.`,

  async run(args, _terminal, ready) {
    const { values } = parseArgs({ args: [...args], options: { config: { type: 'string', short: 'c', multiple: true } } });
    if (values.config === undefined) throw new UsageError('--config FILE is needed.');
    const paths = values.config;
    return untilStopped((stopped) => serveFrom(paths, stopped, ready));
  },
};

async function serveFrom(configPaths: readonly string[], stopped: Promise<NodeJS.Signals>, ready: Ready | undefined): Promise<ExitCode> {
  const { config, notices } = loadConfig(configPaths, { missingSecret: makeSecret });
  const log = await createLogger();
  for (const notice of notices) log.warn(lineOf(notice));
  // Loaded only now: the other subcommands need neither the database nor the API.
  const { startServer } = await import('../server.js');
  const server = await startServer(config, log);
  try {
    if (config.pidFile !== undefined) writeFileSync(config.pidFile, `${process.pid}\n`);
    for (const url of server.urls) log.info(`Listening on ${url}`);
    ready?.(server.urls);
    log.info(`Stopping on ${await stopped}`);
  } finally {
    await server.close();
    if (config.pidFile !== undefined) rmSync(config.pidFile, { force: true });
  }
  return EXIT.ok;
}

function makeSecret(file: string): string {
  const secret = newSecret(randomBytes);
  writeNew(file, secret);
  return secret;
}
