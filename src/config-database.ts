import { readFileSync } from 'node:fs';
import type { ClientConfig } from 'pg';
import { amount, mapping, oneOf, optional, path, type Place, port, Refusal, section, text } from './config-parsers.js';

/** Where the shard lives: in one file, or in a PostgreSQL database. */
export type DatabaseSettings =
  | { readonly engine: 'sqlite'; readonly path: string }
  | { readonly engine: 'postgres'; readonly connection: Readonly<ClientConfig>; readonly connections?: number };

const PYTHON_ONLY = 'Belongs to the Python driver, and has no effect.';
const NOT_PASSED = 'This libpq option has no counterpart here, and has no effect.';
const NO_EFFECT_ON_DATABASE = {
  allow_unsafe_locale: 'Has no effect: texts are compared byte by byte.',
  txn_limit: 'Has no effect: connections are renewed by age.',
  data_stores: 'Has no effect: there is one database.',
};
const NO_EFFECT_ON_SQLITE = { check_same_thread: PYTHON_ONLY, cp_min: PYTHON_ONLY, cp_max: PYTHON_ONLY, timeout: PYTHON_ONLY };
const NO_EFFECT_ON_POSTGRES = {
  ...Object.fromEntries(['cp_min', 'cp_reconnect', 'cp_name', 'cp_noisy', 'cp_openfun', 'cursor_factory', 'connection_factory'].map((name) => [name, PYTHON_ONLY])),
  ...Object.fromEntries(
    ['application_name', 'channel_binding', 'client_encoding', 'gssencmode', 'keepalives_interval', 'keepalives_count', 'krbsrvname', 'passfile', 'service']
      .concat(['sslcompression', 'sslcrl', 'ssl_min_protocol_version', 'target_session_attrs', 'tcp_user_timeout'])
      .map((name) => [name, NOT_PASSED]),
  ),
};

const sqliteArgs = section(
  { database: { name: 'database', default: 'homeserver.db', parse: sqlitePath, sentence: 'With `sqlite3`: the file.' } },
  NO_EFFECT_ON_SQLITE,
);

const postgresArgs = section(
  {
    user: { name: 'user', parse: optional(text), sentence: 'With `psycopg2`: the role.' },
    password: { name: 'password', parse: optional(text), sentence: 'Its password.' },
    dbname: { name: 'dbname', parse: optional(text), sentence: 'The database.' },
    database: { name: 'database', parse: optional(text), sentence: 'The database, by its other name.' },
    host: { name: 'host', parse: optional(text), sentence: 'A host, or the directory of a Unix socket.' },
    port: { name: 'port', parse: optional(portOrText), sentence: 'The port.' },
    mostConnections: { name: 'cp_max', parse: optional(amount), sentence: 'Connections at most; half of them only read.' },
    sslmode: {
      name: 'sslmode',
      default: 'disable',
      parse: oneOf(['disable', 'require', 'verify-ca', 'verify-full']),
      sentence: '`disable`, `require`, `verify-ca` or `verify-full`.',
    },
    ca: { name: 'sslrootcert', parse: optional(fileText), sentence: 'The file of the authority that signed its certificate.' },
    cert: { name: 'sslcert', parse: optional(fileText), sentence: 'The file of our own certificate.' },
    key: { name: 'sslkey', parse: optional(fileText), sentence: 'The file of its key.' },
    options: { name: 'options', parse: optional(text), sentence: 'Options for the server, such as `-c statement_timeout=…`.' },
    connectTimeout: { name: 'connect_timeout', default: 10, parse: amount, sentence: 'Seconds to wait for a connection.' },
    keepalives: { name: 'keepalives', default: 1, parse: amount, sentence: '0 turns TCP keep-alive off.' },
    keepalivesIdle: { name: 'keepalives_idle', default: 0, parse: amount, sentence: 'Seconds before the first keep-alive.' },
  },
  NO_EFFECT_ON_POSTGRES,
);

const outer = section(
  {
    name: { name: 'name', default: 'sqlite3', parse: oneOf(['sqlite3', 'psycopg2']), sentence: '`sqlite3` (embedded) or `psycopg2` (PostgreSQL).' },
    args: { name: 'args', default: {}, parse: mapping, sentence: 'How to open it.' },
  },
  NO_EFFECT_ON_DATABASE,
);

/** Takes Synapse's names for the engines and libpq's for the arguments. */
export const database = Object.assign(
  (raw: unknown, at: Place): DatabaseSettings => {
    const { name, args } = outer(raw, at);
    const inArgs = at.inside('args');
    if (name === 'sqlite3') return { engine: 'sqlite', path: sqliteArgs(args, inArgs).database };
    const given = postgresArgs(args, inArgs);
    const { mostConnections } = given;
    // The adapter opens as many for reading as for writing.
    const connections = mostConnections === undefined ? {} : { connections: Math.max(1, Math.floor(mostConnections / 2)) };
    return { engine: 'postgres', connection: connectionOf(given), ...connections };
  },
  { fields: { ...outer.fields, args: { ...outer.fields.args, parse: Object.assign((raw: unknown) => mapping(raw), { fields: { path: sqliteArgs.fields.database, ...postgresArgs.fields } }) } } },
);

function connectionOf(args: ReturnType<typeof postgresArgs>): ClientConfig {
  const { user, password, host, port: number, options } = args;
  const name = args.dbname ?? args.database;
  return {
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(name !== undefined && { database: name }),
    ...(host !== undefined && { host }),
    ...(number !== undefined && { port: number }),
    ...(options !== undefined && { options }),
    connectionTimeoutMillis: args.connectTimeout * 1000,
    keepAlive: args.keepalives !== 0,
    keepAliveInitialDelayMillis: args.keepalivesIdle * 1000,
    ssl: tlsOf(args),
  };
}

/** As libpq reads `sslmode`: `require` believes any certificate unless an authority is named, only `verify-full` compares the host name. */
function tlsOf({ sslmode, ca, cert, key }: ReturnType<typeof postgresArgs>): ClientConfig['ssl'] {
  if (sslmode === 'disable') return false;
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    rejectUnauthorized: sslmode !== 'require' || ca !== undefined,
    ...(sslmode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  };
}

function sqlitePath(raw: unknown, at: Place): string {
  if (raw === ':memory:') throw new Refusal('The database needs a file: what is only in memory would be lost at the end.');
  return path(raw, at);
}

function portOrText(raw: unknown): number {
  return port(typeof raw === 'string' ? Number(raw) : raw);
}

function fileText(raw: unknown, at: Place): string {
  const file = path(raw, at);
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new Refusal(`${file} cannot be read.`);
  }
}
