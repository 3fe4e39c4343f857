import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MatrixError } from '../matrix/errors.js';
import { parseServerName, type ServerName } from '../matrix/identifiers.js';
import { formatSigningKey, newSigningKey } from '../matrix/signing.js';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { newSecret, writeNew } from './secret-files.js';

export const generate: Command = {
  summary: 'write a configuration, keys and secrets into a data directory',
  help: `Usage: cloison generate --server-name NAME --data-dir DIR [--json]

Writes DIR/homeserver.yaml, the signing key, the media key and the secret for
creating accounts. A key or secret that is there already is kept; a
configuration that is there already is an error, and nothing is written.

  --server-name NAME  the part after the colon in every user id; it can never
                      change
  --data-dir DIR      where everything of this server is kept
  --json              print the paths as JSON

Exit codes: 0 written, 1 not written, 2 wrong arguments.`,

  async run(args, terminal) {
    const { values } = parseArgs({
      args: [...args],
      options: { 'server-name': { type: 'string' }, 'data-dir': { type: 'string' }, json: { type: 'boolean', default: false } },
    });
    const directory = values['data-dir'];
    if (values['server-name'] === undefined || directory === undefined) throw new UsageError('--server-name and --data-dir are needed.');
    const files = await writeFiles(serverNameOf(values['server-name']), resolve(directory));
    if (values.json) terminal.out(JSON.stringify(files));
    else terminal.out(`Wrote ${files.config}. Start the server with: cloison serve --config ${files.config}`);
    return EXIT.ok;
  },
};

function serverNameOf(raw: string): ServerName {
  try {
    return parseServerName(raw);
  } catch (cause) {
    if (cause instanceof MatrixError) throw new UsageError(`${raw} is not a server name: a host name, with or without a port.`);
    throw cause;
  }
}

async function writeFiles(serverName: ServerName, directory: string) {
  const files = {
    config: join(directory, 'homeserver.yaml'),
    signingKey: join(directory, `${serverName}.signing.key`),
    mediaKey: join(directory, 'media.key'),
    registrationSharedSecret: join(directory, 'registration_shared_secret'),
  };
  if (existsSync(files.config)) throw new Failure(`${files.config} is there already, and was left alone.`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeNew(files.signingKey, formatSigningKey(newSigningKey(randomBytes)));
  // Loaded only now: the other subcommands need no libsodium.
  const { ensureMediaKey } = await import('../media/media-key.js');
  await ensureMediaKey(files.mediaKey, randomBytes);
  writeNew(files.registrationSharedSecret, newSecret(randomBytes));
  // Last, so that a generation that was interrupted can be run again.
  writeNew(files.config, configurationOf(serverName));
  return files;
}

function configurationOf(serverName: ServerName): string {
  return `# What can stand here: docs/configuration.md. Relative paths start at this file.
# Try a change with: cloison config check --config homeserver.yaml

# The part after the colon in every user id. It can never change.
server_name: ${JSON.stringify(serverName)}

# The address clients use, once a reverse proxy with a certificate stands before the server.
#public_baseurl: https://matrix.example/

listeners:
  - port: 8008
    bind_addresses: ['127.0.0.1']
    type: http
    x_forwarded: false
    resources:
      - names: [client]

# For PostgreSQL: name psycopg2, args user, password, dbname, host.
database:
  name: sqlite3
  args:
    database: homeserver.db

media_store_path: media_store
signing_key_path: ${JSON.stringify(`${serverName}.signing.key`)}
pid_file: homeserver.pid

# Who can read this file may create accounts: cloison register-user.
registration_shared_secret_path: registration_shared_secret

cloison:
  # Back this file up: without it no uploaded file opens again.
  media_key_path: media.key
`;
}
