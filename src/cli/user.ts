import { parseArgs } from 'node:util';
import { type Command, EXIT, UsageError } from './command.js';
import { type RunningServer, serverOf } from './running-server.js';
import { callSigned } from './signed-call.js';
import { timeOf } from './until.js';

const SERVER_OPTIONS = {
  user: { type: 'string', short: 'u' },
  config: { type: 'string', short: 'c', multiple: true },
  'shared-secret': { type: 'string', short: 'k' },
} as const;

const SERVER_HELP = `  -u, --user USER             the account: its user id, or the part before the colon
  -c, --config FILE           the configuration that names the shared secret
  -k, --shared-secret SECRET  the shared secret itself

The server must be running: it alone writes to its database. It is asked at URL,
or at the first listener for clients in FILE, and obeys because the request is
signed with its registration_shared_secret.

Exit codes: 0 done, 1 not done, 2 wrong arguments or configuration.`;

/** What the server says of an account it has changed. */
interface Done {
  readonly user_id: string;
}

export const userSetEmail: Command = {
  summary: 'give an account an e-mail address to be found by',
  help: `Usage: cloison user set-email --user USER (--email EMAIL | --remove)
                              (-c FILE | -k SECRET) [URL]

Whoever searches for the whole address finds the account, unless it is hidden.

      --email EMAIL           the address; it takes the place of another
      --remove                take the address away
${SERVER_HELP}`,

  async run(args, terminal) {
    const options = { ...SERVER_OPTIONS, email: { type: 'string' }, remove: { type: 'boolean', default: false } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const { server, user } = addressed(values, positionals);
    if ((values.email === undefined) !== values.remove) throw new UsageError('Either --email EMAIL or --remove is needed.');
    const { user_id: userId } = await callSigned<Done>(server, 'set_email', values.email === undefined ? { user } : { user, email: values.email });
    terminal.out(values.email === undefined ? `${userId} has no address any more.` : `${userId} is found by ${values.email}.`);
    return EXIT.ok;
  },
};

export const userHide = hiding({
  name: 'hide',
  hidden: true,
  summary: 'let nobody find an account who shares no room with it',
  says: 'To those who share no room with it the account looks like one that does not exist.',
  done: 'is hidden',
});

export const userUnhide = hiding({
  name: 'unhide',
  hidden: false,
  summary: 'let a hidden account be found again',
  says: 'Whoever knows the whole id or e-mail address finds the account again.',
  done: 'can be found',
});

function hiding({ name, hidden, summary, says, done }: { name: string; hidden: boolean; summary: string; says: string; done: string }): Command {
  return {
    summary,
    help: `Usage: cloison user ${name} --user USER (-c FILE | -k SECRET) [URL]

${says}

${SERVER_HELP}`,

    async run(args, terminal) {
      const { values, positionals } = parseArgs({ args: [...args], options: SERVER_OPTIONS, allowPositionals: true });
      const { server, user } = addressed(values, positionals);
      const { user_id: userId } = await callSigned<Done>(server, 'set_hidden', { user, hidden });
      terminal.out(`${userId} ${done}.`);
      return EXIT.ok;
    },
  };
}

export const userIntroductions: Command = {
  summary: 'let an account look for more new people, for a time',
  help: `Usage: cloison user introductions --user USER --per-day N --until DATE
                                  (-c FILE | -k SECRET) [URL]

In place of cloison.introductions.per_day, until DATE at most a year ahead; a
week then allows seven times as many, if that is more than per_week. The newest
allowance counts. The server keeps a record of who gave it and when: you, as
this machine knows you.

      --per-day N             new people a day
      --until DATE            the day it ends: 2026-12-31, or with a time in UTC:
                              2026-12-31T18:00Z
${SERVER_HELP}`,

  async run(args, terminal) {
    const options = { ...SERVER_OPTIONS, 'per-day': { type: 'string' }, until: { type: 'string' } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const { server, user } = addressed(values, positionals);
    if (!/^[0-9]{1,9}$/.test(values['per-day'] ?? '')) throw new UsageError('--per-day needs a whole number.');
    const wish = { user, per_day: Number(values['per-day']), until_ts: timeOf(values.until) };
    const { user_id: userId } = await callSigned<Done>(server, 'set_introductions', wish);
    terminal.out(`${userId} may look for ${wish.per_day} new people a day until ${values.until ?? ''}.`);
    return EXIT.ok;
  },
};

type ServerValues = { readonly user?: string | undefined; readonly config?: readonly string[] | undefined; readonly 'shared-secret'?: string | undefined };

function addressed(values: ServerValues, positionals: readonly string[]): { readonly server: RunningServer; readonly user: string } {
  if (positionals.length > 1) throw new UsageError(`One URL, not ${positionals.length}.`);
  if (values.user === undefined) throw new UsageError('--user is needed.');
  return { server: serverOf({ config: values.config, secret: values['shared-secret'], url: positionals[0] }), user: values.user };
}
