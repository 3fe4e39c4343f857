import { parseArgs } from 'node:util';
import { hashAtOnce } from '../auth/passwords.js';
import { type Command, EXIT, UsageError } from './command.js';
import { askNewPassword } from './new-password.js';

export const hashPassword: Command = {
  summary: 'print the hash of a password as the database keeps it',
  help: `Usage: cloison hash-password [-p PASSWORD] [--json]

Prints an Argon2id hash. Without -p the password is asked for, or read from
standard input. Changing the database by hand is not supported.

  -p, --password PASSWORD  the password; others on this machine may see it
      --json               print {"hash": ...}

Exit codes: 0 printed, 2 wrong arguments.`,

  async run(args, terminal) {
    const { values } = parseArgs({
      args: [...args],
      options: { password: { type: 'string', short: 'p' }, json: { type: 'boolean', default: false } },
    });
    const password = values.password ?? (terminal.interactive ? await askNewPassword(terminal) : (await terminal.input()).replace(/\r?\n$/, ''));
    if (password === '') throw new UsageError('The password is empty.');
    const hash = await hashAtOnce(password);
    terminal.out(values.json ? JSON.stringify({ hash }) : hash);
    return EXIT.ok;
  },
};
