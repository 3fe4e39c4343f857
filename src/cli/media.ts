import { parseArgs } from 'node:util';
import { type Command, EXIT, UsageError } from './command.js';
import { serverOf } from './running-server.js';
import { callSigned } from './signed-call.js';

const OPTIONS = {
  mxc: { type: 'string' },
  sha256: { type: 'string' },
  config: { type: 'string', short: 'c', multiple: true },
  'shared-secret': { type: 'string', short: 'k' },
} as const;

export const mediaDelete = onFile({
  name: 'delete',
  summary: 'delete an uploaded file',
  says: 'It is gone for good, with its thumbnails and grants; backups made before keep it.',
  done: 'deleted',
  deed: 'delete_media',
});

export const mediaQuarantine = onFile({
  name: 'quarantine',
  summary: 'let nobody fetch an uploaded file',
  says: 'To everybody, its uploader included, it looks like one that does not exist,\nand so does whatever has the same bytes, were it uploaded later.',
  done: 'quarantined',
  deed: 'quarantine_media',
  wish: { quarantine: true },
});

export const mediaRelease = onFile({
  name: 'release',
  summary: 'let those fetch a quarantined file who could before',
  says: 'Whoever could fetch it before can again, and whatever has the same bytes.',
  done: 'released',
  deed: 'quarantine_media',
  wish: { quarantine: false },
});

interface Doing {
  readonly name: string;
  readonly summary: string;
  readonly says: string;
  readonly done: string;
  readonly deed: 'delete_media' | 'quarantine_media';
  readonly wish?: { readonly quarantine: boolean };
}

function onFile({ name, summary, says, done, deed, wish }: Doing): Command {
  return {
    summary,
    help: `Usage: cloison media ${name} (--mxc MXC | --sha256 HASH) (-c FILE | -k SECRET) [URL]

${says}

      --mxc MXC               the address of the file: mxc://shard.example/...
      --sha256 HASH           the hash of what was uploaded (of ciphertext, then),
                              in hexadecimal digits: every file that has it
  -c, --config FILE           the configuration that names the shared secret
  -k, --shared-secret SECRET  the shared secret itself

Nobody can list files, or look into one. The server must be running.

Exit codes: 0 done, 1 not done, 2 wrong arguments or configuration.`,

    async run(args, terminal) {
      const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
      if (positionals.length > 1) throw new UsageError(`One URL, not ${positionals.length}.`);
      if ((values.mxc === undefined) === (values.sha256 === undefined)) throw new UsageError('Either --mxc MXC or --sha256 HASH is needed.');
      const server = serverOf({ config: values.config, secret: values['shared-secret'], url: positionals[0] });
      const named = values.mxc === undefined ? { sha256: values.sha256?.toLowerCase() } : { mxc: values.mxc };
      const { count } = await callSigned<{ count: number }>(server, deed, { ...named, ...wish });
      terminal.out(`${count} ${count === 1 ? 'file' : 'files'} ${done}.`);
      return EXIT.ok;
    },
  };
}
