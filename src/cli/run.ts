import { types } from 'node:util';
import { Refused } from '../config-report.js';
import { type Command, EXIT, type ExitCode, Failure, type Ready, UsageError } from './command.js';
import { configCheck } from './config-check.js';
import { generate } from './generate.js';
import { hashPassword } from './hash-password.js';
import { registrationTokenCreate, registrationTokenList, registrationTokenRevoke } from './registration-token.js';
import { mediaDelete, mediaQuarantine, mediaRelease } from './media.js';
import { registerUser } from './register-user.js';
import { reportList } from './report.js';
import { serve } from './serve.js';
import { explainFailure } from './start-failure.js';
import type { Terminal } from './terminal.js';
import { userHide, userIntroductions, userSetEmail, userUnhide } from './user.js';
import { version } from './version.js';

/** The subcommands, by the words that call them. */
export const commands: Readonly<Record<string, Command>> = {
  generate,
  serve,
  'register-user': registerUser,
  'hash-password': hashPassword,
  'user set-email': userSetEmail,
  'user hide': userHide,
  'user unhide': userUnhide,
  'user introductions': userIntroductions,
  'registration-token create': registrationTokenCreate,
  'registration-token list': registrationTokenList,
  'registration-token revoke': registrationTokenRevoke,
  'media delete': mediaDelete,
  'media quarantine': mediaQuarantine,
  'media release': mediaRelease,
  'report list': reportList,
  'config check': configCheck,
  version,
};

/** Does what the arguments say; a failure becomes one sentence on standard error and an exit code. */
export async function run(args: readonly string[], terminal: Terminal, ready?: Ready): Promise<ExitCode> {
  const name = Object.keys(commands).find((words) => words.split(' ').every((word, index) => args[index] === word));
  const command = name === undefined ? undefined : commands[name];
  if (name === undefined || command === undefined) return overview(args, terminal);
  const rest = args.slice(name.split(' ').length);
  if (asksForHelp(rest)) {
    terminal.out(command.help);
    return EXIT.ok;
  }
  try {
    return await command.run(rest, terminal, ready);
  } catch (cause) {
    return told(cause, name, terminal);
  }
}

function overview(args: readonly string[], terminal: Terminal): ExitCode {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(26)} ${summary}`);
  const help = ['Usage: cloison COMMAND [OPTION...]', '', ...lines, '', 'cloison COMMAND --help says more.'].join('\n');
  if (asksForHelp(args)) {
    terminal.out(help);
    return EXIT.ok;
  }
  terminal.err(args.length === 0 ? help : `cloison: there is no command ${args.join(' ')}.\n\n${help}`);
  return EXIT.usage;
}

function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h') || args[0] === 'help';
}

function told(cause: unknown, name: string, terminal: Terminal): ExitCode {
  if (cause instanceof Refused) {
    terminal.err(cause.message);
    return EXIT.usage;
  }
  if (cause instanceof UsageError || isParseArgsError(cause)) {
    terminal.err(`cloison ${name}: ${cause.message}\ncloison ${name} --help says more.`);
    return EXIT.usage;
  }
  terminal.err(`cloison ${name}: ${cause instanceof Failure ? cause.message : explainFailure(cause)}`);
  return EXIT.failure;
}

function isParseArgsError(cause: unknown): cause is Error {
  return types.isNativeError(cause) && String((cause as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
}
