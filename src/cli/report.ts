import { parseArgs } from 'node:util';
import { type Command, EXIT, UsageError } from './command.js';
import { serverOf } from './running-server.js';
import { callSigned } from './signed-call.js';

interface Report {
  readonly id: number;
  readonly reported_ts: number;
  readonly reporter: string;
  readonly room_id?: string;
  readonly event_id?: string;
  readonly user_id?: string;
  readonly reason: string;
  readonly exists: boolean;
  readonly sender?: string;
  readonly membership?: string;
}

export const reportList: Command = {
  summary: 'read what people reported',
  help: `Usage: cloison report list [--limit N] [--before ID] (-c FILE | -k SECRET) [URL]

Prints the newest reports of rooms, events and people, newest first: who reports
what, whether it exists, who sent the event, and the reason given. Messages are
encrypted, and nothing of what they hold is printed.

      --limit N               so many at most (50)
      --before ID             only those before the report of that id
  -c, --config FILE           the configuration that names the shared secret
  -k, --shared-secret SECRET  the shared secret itself

The server must be running. It is asked at URL, or at the first listener for
clients in FILE, and obeys because the request is signed with its
registration_shared_secret.

Exit codes: 0 done, 1 not done, 2 wrong arguments or configuration.`,

  async run(args, terminal) {
    const options = {
      limit: { type: 'string' },
      before: { type: 'string' },
      config: { type: 'string', short: 'c', multiple: true },
      'shared-secret': { type: 'string', short: 'k' },
    } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length > 1) throw new UsageError(`One URL, not ${positionals.length}.`);
    const wish = { ...wholeNumber('limit', values.limit), ...wholeNumber('before', values.before) };
    const server = serverOf({ config: values.config, secret: values['shared-secret'], url: positionals[0] });
    const { reports } = await callSigned<{ reports: readonly Report[] }>(server, 'list_reports', wish);
    for (const report of reports) terminal.out(printed(report));
    if (reports.length === 0) terminal.out('Nothing was reported.');
    return EXIT.ok;
  },
};

function wholeNumber<Name extends string>(name: Name, given: string | undefined): { [K in Name]?: number } {
  if (given === undefined) return {};
  if (!/^[0-9]{1,15}$/.test(given)) throw new UsageError(`--${name} needs a whole number.`);
  return { [name]: Number(given) } as { [K in Name]?: number };
}

function printed(report: Report): string {
  const when = new Date(report.reported_ts).toISOString().slice(0, 16).replace('T', ' ');
  const lines = [`${report.id}  ${when} UTC  ${report.reporter} reports ${aboutOf(report)}`, ...(report.reason === '' ? [] : [`    ${report.reason}`])];
  // What people write must not be able to move the cursor of whoever reads it.
  return lines.map((line) => line.replaceAll(/\p{C}/gu, ' ')).join('\n');
}

function aboutOf({ room_id, event_id, user_id, exists, sender, membership }: Report): string {
  if (user_id !== undefined) return `${user_id}${exists ? '' : ', which is no account'}`;
  const room = `${room_id ?? ''}${exists ? ` (reporter: ${membership ?? 'never in it'})` : ', which is no room'}`;
  if (event_id === undefined) return `the room ${room}`;
  return `the event ${event_id}${sender === undefined ? ', which is not there,' : ` of ${sender}`} in ${room}`;
}
