import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './config-load.js';
import { type Finding, Refused } from './config-report.js';
import { synapseFile, synapseNames } from './config.testing.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cloison-config-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(text: string, name = 'homeserver.yaml'): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

function problemsOf(text: string): readonly Finding[] {
  try {
    loadConfig([write(text)]);
  } catch (cause) {
    if (cause instanceof Refused) return cause.problems;
    throw cause;
  }
  return [];
}

const load = (text: string) => loadConfig([write(text)]);
const named = (rest: string) => `server_name: shard.example\n${rest}`;

describe('a setting', () => {
  it('has its default when the file does not say, with paths beside the file', () => {
    const { config } = load('server_name: shard.example');
    expect(config).toMatchObject({
      serverName: 'shard.example',
      publicBaseurl: undefined,
      listeners: [{ port: 8008, bindAddresses: ['127.0.0.1'], xForwarded: false, resources: ['client'] }],
      database: { engine: 'sqlite', path: join(directory, 'homeserver.db') },
      signingKeyPath: join(directory, 'shard.example.signing.key'),
      mediaStorePath: join(directory, 'media_store'),
      maxUploadSize: 50 * 1024 * 1024,
      defaultRoomVersion: '11',
      rcLogin: { failedAttempts: { perSecond: 0.17, burstCount: 3 } },
      cloison: { mediaKeyPath: join(directory, 'media.key') },
    });
  });

  it('is frozen, all the way down', () => {
    const { config } = load('server_name: shard.example');
    expect([config, config.rcLogin.address, config.listeners[0]].every(Object.isFrozen)).toBe(true);
  });

  it('takes times in milliseconds, or with a unit as Synapse does', () => {
    const { config } = load(named('session_lifetime: 1w\nrefresh_token_lifetime: 90000'));
    expect(config).toMatchObject({ sessionLifetime: 604_800_000, refreshTokenLifetime: 90_000, refreshableAccessTokenLifetime: 300_000, nonrefreshableAccessTokenLifetime: undefined });
    for (const wrong of ['0', '-5m', '5 minutes', 'soon']) {
      expect(problemsOf(named(`session_lifetime: ${wrong}`))).toMatchObject([{ message: expect.stringContaining('such as 5m') }]);
    }
  });

  it('takes the units and the booleans of YAML 1.1 that Synapse takes', () => {
    const { config } = load(named('max_upload_size: 2G\nserve_server_wellknown: yes\ndefault_room_version: 12'));
    expect(config).toMatchObject({ maxUploadSize: 2 * 1024 ** 3, serveServerWellknown: true, defaultRoomVersion: '12' });
  });

  it('keeps the other defaults of a limit that is given in part', () => {
    const { config } = load(named('rc_joins: {local: {burst_count: 99}}'));
    expect(config.rcJoins).toEqual({ local: { perSecond: 0.1, burstCount: 99 } });
  });

  it('takes libpq names for PostgreSQL', () => {
    const args = '{user: synapse, password: pw, dbname: shard, host: /run/postgresql, port: 5433, cp_max: 7}';
    expect(load(named(`database: {name: psycopg2, args: ${args}}`)).config.database).toEqual({
      engine: 'postgres',
      connection: expect.objectContaining({ user: 'synapse', password: 'pw', database: 'shard', host: '/run/postgresql', port: 5433, ssl: false }),
      connections: 3,
    });
  });

  it('opens registration only when it is said twice', () => {
    expect(load(named('')).config.enableRegistration).toBe(false);
    expect(load(named('enable_registration: true\nenable_registration_without_verification: true')).config.enableRegistration).toBe(true);
    expect(problemsOf(named('enable_registration: true'))).toMatchObject([{ key: 'enable_registration', line: 2 }]);
  });

  it('does not open registration when a check is asked for that is not built', () => {
    const text = named('enable_registration: true\nenable_registration_without_verification: true\nregistrations_require_3pid: [email]');
    expect(problemsOf(text)).toMatchObject([{ key: 'registrations_require_3pid', line: 4 }]);
    expect(load(named('enable_registration: true\nregistration_requires_token: true')).config).toMatchObject({ enableRegistration: true, registrationRequiresToken: true });
  });
});

describe('a secret', () => {
  it('may stand in a file of its own', () => {
    write('a secret\n', 'secret');
    expect(load(named('registration_shared_secret_path: secret')).config.registrationSharedSecret).toBe('a secret');
  });

  it('is refused when it is given twice, and never repeated', () => {
    write('a secret\n', 'secret');
    const problems = problemsOf(named('registration_shared_secret: hunter2\nregistration_shared_secret_path: secret'));
    expect(problems).toMatchObject([{ key: 'registration_shared_secret_path', line: 3 }]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it('is asked for when its file does not exist', () => {
    const file = write(named('registration_shared_secret_path: secret'));
    const { config } = loadConfig([file], { missingSecret: () => 'made' });
    expect(config.registrationSharedSecret).toBe('made');
    expect(() => loadConfig([file])).toThrow(Refused);
  });
});

describe('several files', () => {
  it('are merged key by key, the later one whole, directories in the order of names', () => {
    mkdirSync(join(directory, 'conf.d'));
    write('max_upload_size: 1M\nrc_message: {burst_count: 1}', 'conf.d/10-first.yaml');
    write('rc_message: {per_second: 9}', 'conf.d/20-second.yaml');
    write('max_upload_size: 3M', 'conf.d/30-other.txt');
    const { config } = loadConfig([write(named('max_upload_size: 9M')), join(directory, 'conf.d')]);
    expect(config).toMatchObject({ maxUploadSize: 1024 * 1024, rcMessage: { perSecond: 9, burstCount: 10 } });
  });
});

describe('what stops the start', () => {
  it('is told all at once, with file, line, key, rule and remedy', () => {
    const file = write(named('allow_guest_access: true\nlisteners:\n  - port: 99999\n    tls: true\nmax_uplaod_size: 3M\npush:\n  include_content: true\n'));
    expect(() => loadConfig([file])).toThrow(
      [
        `${file}:2  allow_guest_access: true`,
        '  REFUSED (rule A5: there are no guests). Set it to false or delete the line.',
        `${file}:4  listeners.0.port`,
        '  REFUSED: A port is a whole number from 0 to 65535.',
        `${file}:5  listeners.0.tls`,
        '  REFUSED: TLS is not built yet. Set it to false and let a reverse proxy hold the certificate.',
        `${file}:6  max_uplaod_size`,
        '  REFUSED: This key is unknown. Did you mean max_upload_size? Otherwise delete it.',
        `${file}:8  push.include_content: true`,
        '  REFUSED (rule B11: a push carries the id of an event and nothing else). Set it to false or delete the line.',
        '5 refused, 0 without effect, 1 accepted. Nothing was started.',
      ].join('\n'),
    );
  });

  it.each([
    'allow_public_rooms_without_auth: true',
    'allow_public_rooms_over_federation: true',
    'enable_room_list_search: true',
    'room_list_publication_rules: [{user_id: "*", action: allow}]',
    'auto_join_rooms: ["#all:shard.example"]',
    'autocreate_auto_join_room_preset: public_chat',
    'auto_accept_invites: {enabled: true}',
    'encryption_enabled_by_default_for_room_type: "off"',
    'encryption_enabled_by_default_for_room_type: off',
    'encryption_enabled_by_default_for_room_type: invite',
    'default_power_level_content_override: {private_chat: {events: {m.room.encryption: 50}}}',
    'url_preview_enabled: true',
    'enable_authenticated_media: false',
    'user_directory: {search_all_users: true}',
    'require_auth_for_profile_requests: false',
    'allow_device_name_lookup_over_federation: true',
    'default_identity_server: https://vector.im',
    'extra_well_known_client_content: {m.identity_server: {base_url: "https://vector.im"}}',
    'federation_verify_certificates: false',
    'federation_client_minimum_tls_version: 1.1',
    'report_stats: true',
    'jwt_config: {enabled: true, secret: x}',
    'modules: [{module: any.Module}]',
    'enable_media_repo: false',
    'worker_app: synapse.app.generic_worker',
    'manhole: 9000',
    'cloison: {media_kye_path: x}',
    'no_such_key: 1',
    'no_such_key: null',
    'default_room_version: "9"',
    'database: {name: sqlite3, args: {database: ":memory:"}}',
    'database: {name: mysql}',
    'listeners: []',
    'listeners: [{port: 9000, type: manhole}]',
    'server_name: twice.example',
  ])('%s', (line) => {
    expect(problemsOf(named(line))).toHaveLength(1);
  });

  it('is a key given twice, told by its name', () => {
    const remedy = 'This key is given a second time here. Delete one of the two.';
    expect(problemsOf(named('max_upload_size: 1M\n"max_upload_size": 2M'))).toMatchObject([{ line: 3, key: 'max_upload_size', message: remedy }]);
    expect(problemsOf(named('rc_login:\n  address: {per_second: 1}\n  address: {per_second: 2}'))).toMatchObject([{ line: 4, key: 'address', message: remedy }]);
  });

  it('is the missing name, a missing file, and a file that is no mapping', () => {
    expect(problemsOf('max_upload_size: 1M')).toMatchObject([{ key: 'server_name' }]);
    expect(problemsOf('- a list')).toHaveLength(1);
    expect(() => loadConfig([join(directory, 'absent.yaml')])).toThrow('There is no such file.');
  });
});

describe('what Synapse knows', () => {
  it.each([
    'allow_guest_access: false',
    'encryption_enabled_by_default_for_room_type: all',
    'federation_client_minimum_tls_version: "1.2"',
    'room_list_publication_rules: [{action: deny}]',
    'modules: []',
    'cas_config: null',
    'saml2_config: {enabled: false}',
  ])('%s agrees with the rules', (line) => {
    expect(load(named(line)).notices).toEqual([]);
  });

  it('says once what is not built yet and what has no effect', () => {
    const { notices } = load(named('hs_disabled: true\nlog_config: log.yaml\nallow_guest_access: false\nenable_set_displayname: false'));
    expect(notices.map(({ key, line }) => [key, line])).toEqual([
      ['hs_disabled', 2],
      ['log_config', 3],
      ['enable_set_displayname', 5],
    ]);
  });

  it('is known by name, every key of it', () => {
    expect(synapseNames.length).toBe(226);
    const text = synapseNames.filter((name) => name !== 'server_name').map((name) => `${name}: null`);
    expect(problemsOf(named(text.join('\n')))).toEqual([]);
  });

  it('starts unmodified as Synapse writes it', () => {
    const { config, notices } = load(synapseFile(directory));
    expect(config).toMatchObject({
      serverName: 'shard.example',
      pidFile: join(directory, 'homeserver.pid'),
      listeners: [{ port: 8008, bindAddresses: ['::1', '127.0.0.1'], xForwarded: true, resources: ['client', 'federation'] }],
      database: { engine: 'sqlite', path: join(directory, 'homeserver.db') },
      signingKeyPath: join(directory, 'shard.example.signing.key'),
      registrationSharedSecret: 'a shared secret & more',
    });
    expect(notices.map(({ key }) => key)).toEqual([
      'listeners.0.resources.0.names.1',
      'log_config',
      'macaroon_secret_key',
      'form_secret',
      'trusted_key_servers',
    ]);
  });
});
