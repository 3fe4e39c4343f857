import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Config } from '../config.js';
import { loadConfig } from '../config-load.js';
import { lineOf } from '../config-report.js';
import { type Command, EXIT, type ExitCode, Failure, type Ready, UsageError } from './command.js';
import { createLogger } from './log.js';
import { newMediaKey, newSecret, writeNew } from './secret-files.js';
import { stopSignal } from './stop-signal.js';

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
    return serveUntilStopped(values.config, ready);
  },
};

async function serveUntilStopped(configPaths: readonly string[], ready: Ready | undefined): Promise<ExitCode> {
  const stopped = stopSignal();
  const { config, notices } = loadConfig(configPaths, { missingSecret: makeSecret });
  const log = createLogger();
  for (const notice of notices) log.warn(lineOf(notice));
  prepareMedia(config);
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

/** Makes the media store and its key where there are none yet, as with a configuration that Synapse wrote. */
function prepareMedia({ mediaStorePath, cloison: { mediaKeyPath } }: Config): void {
  mkdirSync(mediaStorePath, { recursive: true, mode: 0o700 });
  if (existsSync(mediaKeyPath)) return;
  if (readdirSync(mediaStorePath).length > 0) {
    throw new Failure(`The media key ${mediaKeyPath} is missing, and ${mediaStorePath} holds files: restore the key from the backup, or name an empty directory under media_store_path.`);
  }
  writeNew(mediaKeyPath, newMediaKey(randomBytes));
}
