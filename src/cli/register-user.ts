import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { askNewPassword } from './new-password.js';
import { type NewAccount, registerWithSecret } from './registration-client.js';
import { DEFAULT_URL, serverOf } from './running-server.js';
import type { Terminal } from './terminal.js';

const OPTIONS = {
  user: { type: 'string', short: 'u' },
  password: { type: 'string', short: 'p' },
  'password-file': { type: 'string' },
  user_type: { type: 'string', short: 't' },
  admin: { type: 'boolean', short: 'a', default: false },
  'no-admin': { type: 'boolean', default: false },
  'exists-ok': { type: 'boolean', default: false },
  config: { type: 'string', short: 'c', multiple: true },
  'shared-secret': { type: 'string', short: 'k' },
  json: { type: 'boolean', default: false },
} as const;

export const registerUser: Command = {
  summary: 'create an account on a running server',
  help: `Usage: cloison register-user (-c FILE | -k SECRET) [OPTION...] [URL]

Creates an account with the registration shared secret, also where registration
is closed. What is not given is asked for. Without URL the first listener for
clients in FILE is used, or ${DEFAULT_URL}.

  -u, --user USER             the part before the colon in the user id
  -p, --password PASSWORD     the password; others on this machine may see it
      --password-file FILE    a file that holds the password; counts before -p
  -a, --admin                 make an administrator
      --no-admin              make an ordinary account
  -t, --user_type TYPE        a type of account, for servers that have any
      --exists-ok             an account that is there already is no failure
  -c, --config FILE           the configuration that names the shared secret
  -k, --shared-secret SECRET  the shared secret itself
      --json                  print {"user_id": ..., "created": ...}

Exit codes: 0 the account is there, 1 it is not, 2 wrong arguments or
configuration.`,

  async run(args, terminal) {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    if (positionals.length > 1) throw new UsageError(`One URL, not ${positionals.length}.`);
    if (values.admin && values['no-admin']) throw new UsageError('-a and --no-admin exclude each other.');
    const server = serverOf({ config: values.config, secret: values['shared-secret'], url: positionals[0] });
    const username = values.user ?? (await ask(terminal, 'User name: ', '-u'));
    const password = values['password-file'] === undefined ? values.password ?? (await askPassword(terminal)) : passwordIn(values['password-file']);
    const admin = values.admin || (!values['no-admin'] && (await askAdmin(terminal)));
    const account: NewAccount = { username, password, admin, ...(values.user_type !== undefined && { userType: values.user_type }) };
    const userId = await registerWithSecret(server.url, server.secret, account);
    if (userId === undefined && !values['exists-ok']) throw new Failure(`The user name ${username} is taken.`);
    if (values.json) terminal.out(JSON.stringify({ user_id: userId ?? null, created: userId !== undefined }));
    else terminal.out(userId === undefined ? `The user name ${username} is taken; nothing was changed.` : `Created ${userId}.`);
    return EXIT.ok;
  },
};

function passwordIn(file: string): string {
  const password = readFileSync(file, 'utf8').trim();
  if (password === '') throw new UsageError(`${file} holds no password.`);
  return password;
}

async function ask(terminal: Terminal, question: string, flag: string): Promise<string> {
  if (!terminal.interactive) throw new UsageError(`${flag} is needed where nobody can be asked.`);
  return (await terminal.ask(question)).trim();
}

async function askPassword(terminal: Terminal): Promise<string> {
  if (!terminal.interactive) throw new UsageError('-p or --password-file is needed where nobody can be asked.');
  return askNewPassword(terminal);
}

async function askAdmin(terminal: Terminal): Promise<boolean> {
  const answer = await ask(terminal, 'Make administrator [no]: ', '-a or --no-admin');
  return ['y', 'yes', 'true'].includes(answer.toLowerCase());
}
