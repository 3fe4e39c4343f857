import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { settings } from './config.js';
import { contradictions } from './config-rules.js';
import { noEffect, notBuiltYet } from './config-synapse.js';
import { attempt, bypasses, furnish, isAccepted, leaves, nested, rowsIn, type Bypass, type Scene } from './construction-rules.testing.js';
import { configOf, newHome, start, type Home, type TestServer } from './server.testing.js';
import { hasPostgres } from './storage/engines.testing.js';
import { createTestPostgres } from './storage/postgres.testing.js';

type Chosen = Readonly<Record<string, unknown>>;
interface Key {
  readonly path: readonly string[];
  takes(value: unknown): boolean;
}

/** Without these there is no server, or another one: they have values of their own below. */
const apart = ['server_name', 'listeners', 'database', 'signing_key_path', 'media_store_path', 'pid_file', 'media_key_path'];
const values = [true, false, 0, 1, 1e9, Number.MAX_SAFE_INTEGER, '0', '1', '50M', '10', '11', '12', 'https://matrix.shard.example', 'anything', 'public_chat', 'can_join', 'world_readable', [], {}, null];
const keys: readonly Key[] = leaves(settings).filter(({ path }) => !path.some((name) => apart.includes(name)));
/** What an operator brings along from Synapse: told to have no effect, and held to it. */
const foreign: readonly Key[] = [...notBuiltYet, ...Object.keys(noEffect)].map((name) => ({ path: [name], takes: () => true }));

describe('whatever the configuration says', () => {
  let home: Home;
  let scene: Scene;
  beforeAll(async () => {
    home = newHome();
    const server = await start(configOf(home));
    scene = await furnish(server);
    await server.close();
  });
  afterAll(() => { home.remove(); });

  it.each(values.map((value) => [JSON.stringify(value), value] as const))('every bypass is refused, and nothing is stored: every key that may be %s', async (_, value) => {
    for (const chosen of together([...keys, ...foreign], value)) await refusesAll(home, chosen, scene);
  });

  it.each([{ registration_requires_token: true }, { enable_registration_without_verification: true }])('every bypass is refused where keys say what takes a shape of its own, and people make their own accounts: %j', async (how) => {
    await refusesAll(home, { ...shaped, ...how }, scene);
  });

  it('every key was among them, and none was only ever empty, false or absent', () => {
    const says = (value: unknown): boolean => value !== null && value !== false && !(typeof value === 'object' && Object.keys(value).length === 0);
    const bare = keys.map(({ path }) => path).filter((path) => !values.some((value) => says(value) && isAccepted(home, nested([{ path, value }])))).map((path) => path.join('.'));
    expect(bare.sort()).toEqual([...Object.keys(shaped).filter((key) => key !== 'cloison'), 'cloison.push.gateways', ...onlyRefused].sort());
  });

  it.each([true, false])('whatever a listener serves, behind a proxy (%s) or not', async (x_forwarded) => {
    for (const names of [['client'], ['client', 'federation', 'media', 'static', 'openid', 'health', 'keys'], ['federation'], []]) {
      await refusesAll(home, { listeners: [{ port: 0, bind_addresses: ['127.0.0.1'], type: 'http', x_forwarded, resources: [{ names, compress: true }] }] }, scene);
    }
  });

  it('wherever its files lie', async () => {
    await refusesAll(home, { media_store_path: 'other', pid_file: 'other.pid' }, scene);
  });

  (hasPostgres() ? it : it.skip)('on PostgreSQL', async () => {
    const postgres = await createTestPostgres();
    const { host, user, database } = postgres.connection;
    const server = await start(configOf(home, { database: { name: 'psycopg2', args: { host, user, dbname: database } } }));
    expect(await strays(server, await furnish(server))).toEqual([]);
    await server.close();
    await postgres.drop();
  });

  it('B11, D10: a push that carries content or an identity server stops the start, as every contradiction does', () => {
    for (const chosen of [{ push: { include_content: true } }, { default_identity_server: 'https://id.example' }]) expect(isAccepted(home, chosen)).toBe(false);
    const accepted = contradictions.filter(({ key }) => values.every((value) => isAccepted(home, nested([{ path: key.split('.'), value }]))));
    expect(accepted.map(({ key }) => key).sort()).toEqual(needMore);
  });

  it('D10: no answer names an identity server, and nobody binds an address to themselves', async () => {
    const server = await start(configOf(home, { public_baseurl: 'https://matrix.shard.example' }));
    expect((await server.call('GET', '/.well-known/matrix/client')).body).toEqual(expect.not.objectContaining({ 'm.identity_server': expect.anything() }));
    for (const path of ['account/3pid', 'account/3pid/add', 'account/3pid/bind', 'account/3pid/email/requestToken']) {
      expect([403, 404]).toContain((await server.call('POST', `/_matrix/client/v3/${path}`, scene.member.token, {})).status);
    }
    await server.close();
  });
});

/** Values that no list of all kinds of values would hold. */
const shaped: Chosen = {
  enable_registration: true,
  turn_uris: ['turn:turn.shard.example?transport=udp'],
  rc_admin_redaction: { per_second: 1e9, burst_count: 1e9 },
  ip_range_blacklist: ['10.0.0.0/8'],
  ip_range_whitelist: ['10.1.0.0/16'],
  app_service_config_files: [],
  cloison: { push: { gateways: ['https://push.shard.example'] } },
};

/** Keys that may say nothing but no, and what stands in files of its own: src/construction-rules-services.test.ts. */
const onlyRefused = ['push.include_content'];

/** Contradictions that take a value with a shape of its own; src/config-load.test.ts has them. */
const needMore = ['default_power_level_content_override', 'extra_well_known_client_content', 'media_storage_providers', 'oidc_providers', 'room_list_publication_rules'];

async function refusesAll(home: Home, chosen: Chosen, scene: Scene): Promise<void> {
  const before = rowsIn(home);
  const server = await start(configOf(home, chosen));
  expect({ chosen, strays: await strays(server, scene) }).toEqual({ chosen, strays: [] });
  await server.close();
  expect(rowsIn(home)).toEqual(before);
}

/** The bypasses that were answered otherwise than by their refusal. Where a limit is 0 that is the first. */
async function strays(server: TestServer, scene: Scene): Promise<readonly (Bypass & { readonly answer: object })[]> {
  const answers = await Promise.all(bypasses.map(async (bypass) => ({ ...bypass, answer: await attempt(server, scene, bypass) })));
  return answers.filter(({ answer, status, errcode }) => answer.errcode !== 'M_LIMIT_EXCEEDED' && !(answer.status === status && answer.errcode === errcode));
}

/** As few configurations as give the value to every key that takes it: all at once, and alone what does not bear the others. */
function together(all: readonly Key[], value: unknown): readonly Chosen[] {
  const home = newHome();
  const given = (paths: readonly Key[]): Chosen => nested(paths.map(({ path }) => ({ path, value })));
  try {
    const willing = all.filter(({ takes }) => takes(value));
    if (isAccepted(home, given(willing))) return willing.length === 0 ? [] : [given(willing)];
    const taking = willing.filter((key) => isAccepted(home, given([key])));
    if (isAccepted(home, given(taking))) return taking.length === 0 ? [] : [given(taking)];
    const bearing = taking.reduce<readonly Key[]>((kept, key) => (isAccepted(home, given([...kept, key])) ? [...kept, key] : kept), []);
    return [given(bearing), ...taking.filter((key) => !bearing.includes(key)).map((key) => given([key]))];
  } finally {
    home.remove();
  }
}
