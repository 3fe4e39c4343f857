// `npm start`: from a fresh clone to a server that answers. Arguments are passed on to `cloison serve`.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, install, root } from './prepare.mjs';

const main = join(root, 'dist/main.js');
const given = process.argv.slice(2);
const own = join(root, 'data/homeserver.yaml');

install();
build();
if (given.length === 0 && !existsSync(own)) generate(process.env.CLOISON_SERVER_NAME ?? 'localhost');
const { run } = await import(pathToFileURL(join(root, 'dist/cli/run.js')).href);
const { processTerminal } = await import(pathToFileURL(join(root, 'dist/cli/terminal.js')).href);
const args = given.length === 0 ? ['--config', own] : given;
process.exit(await run(['serve', ...args], processTerminal, given.length === 0 ? nextSteps : undefined));

function generate(serverName) {
  const { status } = spawnSync(process.execPath, [main, 'generate', '--server-name', serverName, '--data-dir', join(root, 'data')], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
  console.log(`Made data/ with the configuration, keys and secrets of a new server named ${serverName}.`);
}

function nextSteps([url]) {
  console.log(`
The server answers on ${url}. Two steps are left:

  1. Create an account, in another terminal:
       node dist/main.js register-user -c data/homeserver.yaml
  2. Point a Matrix client, such as Element, at ${url} as its homeserver and log in.

Ctrl-C stops the server.
`);
}
