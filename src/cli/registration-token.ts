import { parseArgs } from 'node:util';
import { type Command, EXIT, UsageError } from './command.js';
import { type RunningServer, serverOf } from './running-server.js';
import { callSigned } from './signed-call.js';
import { timeOf } from './until.js';

const SERVER_OPTIONS = { config: { type: 'string', short: 'c', multiple: true }, 'shared-secret': { type: 'string', short: 'k' } } as const;

const SERVER_HELP = `  -c, --config FILE           the configuration that names the shared secret
  -k, --shared-secret SECRET  the shared secret itself

The server must be running. Tokens are asked for when it is configured with
enable_registration and registration_requires_token.

Exit codes: 0 done, 1 not done, 2 wrong arguments or configuration.`;

type ServerValues = { readonly config?: readonly string[] | undefined; readonly 'shared-secret'?: string | undefined };

function addressed(values: ServerValues, [url, ...more]: readonly string[]): RunningServer {
  if (more.length > 0) throw new UsageError(`One URL, not ${more.length + 1}.`);
  return serverOf({ config: values.config, secret: values['shared-secret'], url });
}

function whole(flag: string, value: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(value)) throw new UsageError(`${flag} needs a whole number.`);
  return Number(value);
}

export const registrationTokenCreate: Command = {
  summary: 'make a token with which people register themselves',
  help: `Usage: cloison registration-token create [--uses N] [--until DATE]
                                         (-c FILE | -k SECRET) [URL]

Prints the token. It is shown this once: the server keeps only its hash, and who
made it. Give it to the people it is for by a way you trust.

      --uses N                how many accounts may be made with it; else any number
      --until DATE            the day it ends: 2026-12-31, or with a time in UTC:
                              2026-12-31T18:00Z; else it does not end
${SERVER_HELP}`,

  async run(args, terminal) {
    const options = { ...SERVER_OPTIONS, uses: { type: 'string' }, until: { type: 'string' } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const server = addressed(values, positionals);
    const wish = {
      ...(values.uses === undefined ? {} : { uses: whole('--uses', values.uses) }),
      ...(values.until === undefined ? {} : { until_ts: timeOf(values.until) }),
    };
    const { token } = await callSigned<{ token: string }>(server, 'create_registration_token', wish);
    terminal.out(token);
    return EXIT.ok;
  },
};

interface Listed {
  readonly id: number;
  readonly uses_done: number;
  readonly uses?: number;
  readonly until_ts?: number;
  readonly made_by: string;
  readonly made_ts: number;
}

export const registrationTokenList: Command = {
  summary: 'list the registration tokens',
  help: `Usage: cloison registration-token list (-c FILE | -k SECRET) [URL]

One line for each: its number, how often it was used and may be, when it ends,
who made it and when.

${SERVER_HELP}`,

  async run(args, terminal) {
    const { values, positionals } = parseArgs({ args: [...args], options: SERVER_OPTIONS, allowPositionals: true });
    const { tokens } = await callSigned<{ tokens: readonly Listed[] }>(addressed(values, positionals), 'list_registration_tokens', {});
    for (const token of tokens) terminal.out(lineOf(token));
    if (tokens.length === 0) terminal.out('There are no registration tokens.');
    return EXIT.ok;
  },
};

function lineOf({ id, uses_done, uses, until_ts, made_by, made_ts }: Listed): string {
  const end = until_ts === undefined ? 'without end' : `until ${timestamp(until_ts)}`;
  return `${id}  used ${uses_done} of ${uses ?? 'any number'}  ${end}  made by ${made_by} on ${timestamp(made_ts)}`;
}

function timestamp(ts: number): string {
  return new Date(ts).toISOString().slice(0, 16) + 'Z';
}

export const registrationTokenRevoke: Command = {
  summary: 'let nobody register with a token any more',
  help: `Usage: cloison registration-token revoke --id N (-c FILE | -k SECRET) [URL]

The accounts made with it stay.

      --id N                  the number that the list gives it
${SERVER_HELP}`,

  async run(args, terminal) {
    const options = { ...SERVER_OPTIONS, id: { type: 'string' } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const server = addressed(values, positionals);
    const { id } = await callSigned<{ id: number }>(server, 'revoke_registration_token', { id: whole('--id', values.id ?? '') });
    terminal.out(`Nobody registers with token ${id} any more.`);
    return EXIT.ok;
  },
};
