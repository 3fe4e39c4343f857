import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Command, EXIT } from './command.js';

export const version: Command = {
  summary: 'print the version',
  help: `Usage: cloison version [--json]

Exit codes: 0 printed, 2 wrong arguments.`,

  async run(args, terminal) {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } });
    const installed = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    terminal.out(values.json ? JSON.stringify({ version: installed.version }) : `cloison ${installed.version}`);
    return EXIT.ok;
  },
};
