import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { allEndpoints, fillPath, placesIn, smallest, typesOf, wrongValues, type Endpoint } from './endpoints.js';
import { startShard, type Person, type Shard } from './harness.js';
import { breakOff, sendRaw, type RawAnswer, type RawRequest } from './raw-http.js';
import { sealed } from './sealed.js';

const endpoints = allEndpoints();
const withBody = endpoints.filter(({ schemas }) => schemas.body !== undefined);
const withQuery = endpoints.filter(({ schemas }) => schemas.query !== undefined);
const withParams = endpoints.filter(({ path }) => path.includes('/:'));

let shard: Shard;
let alice: Person;
let theirRoom: string;

beforeAll(async () => {
  shard = await startShard();
  alice = await shard.register();
  const bob = await shard.register();
  theirRoom = await shard.createRoom(bob, [], { room_alias_name: 'theirs' });
});
afterAll(async () => {
  await shard.stop();
});

/** A well-formed value of each path parameter; what it names is mostly not there. */
function param(name: string, { path }: Endpoint): string {
  const values: Readonly<Record<string, string>> = {
    userId: alice.userId,
    roomId: '!none:localhost',
    roomIdOrAlias: '!none:localhost',
    roomAlias: '#none:localhost',
    eventId: '$none',
    eventType: path.includes('/send/') ? 'm.room.encrypted' : 'm.room.name',
    receiptType: 'm.read',
    keyName: 'displayname',
    kind: 'override',
    serverName: 'localhost',
    version: '7',
  };
  return values[name] ?? 'none';
}

function text(name: string): string {
  const values: Readonly<Record<string, string>> = { user_id: '@nobody:localhost', type: 'm.login.password', from: 's1', to: 's1', version: '7', dir: 'b', new_version: '11' };
  return values[name] ?? 'text';
}

/** As good a request as can be made without knowing anything, with what `change` says changed. */
function request(endpoint: Endpoint, change: Partial<RawRequest> = {}): RawRequest {
  const { body, query } = endpoint.schemas;
  const pairs = new URLSearchParams(query === undefined ? {} : (smallest(query, text) as Record<string, string>)).toString();
  return {
    method: endpoint.method,
    target: fillPath(endpoint.paths[0], (name) => param(name, endpoint)) + (pairs === '' ? '' : `?${pairs}`),
    token: endpoint.who === 'session' ? alice.token : undefined,
    body: body === undefined ? undefined : JSON.stringify(smallest(body, text)),
    ...change,
  };
}

/** The status and errcode; complains of everything an error may not be. https://spec.matrix.org/v1.19/client-server-api/#standard-error-response */
function refusal({ status, headers, text: sent }: RawAnswer): string {
  if (status < 400) return String(status);
  const { errcode, error } = JSON.parse(sent) as { errcode?: unknown; error?: unknown };
  const isWell = status < 500 && headers['content-type'] === 'application/json' && headers['access-control-allow-origin'] === '*'
    && /^M_[A-Z_]+$/.test(String(errcode)) && typeof error === 'string' && error.length > 0 && error.length < 300;
  return isWell ? `${status} ${String(errcode)}` : `${status} and no Matrix error: ${JSON.stringify(headers)} ${sent.slice(0, 300)}`;
}

type Case = readonly [what: string, request: RawRequest];

/** Sends them all, and lists those whose answer is not the one expected. */
async function surprises(cases: readonly Case[], expected: (outcome: string) => boolean): Promise<readonly string[]> {
  const found: string[] = [];
  const queue = cases.values();
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (const [what, sent] of queue) {
      const outcome = refusal(await sendRaw(shard.baseUrl, sent));
      if (!expected(outcome)) found.push(`${what}: ${outcome}`);
    }
  }));
  return found;
}

function onEach(rows: readonly Endpoint[], change: (endpoint: Endpoint) => Partial<RawRequest>): readonly Case[] {
  return rows.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, request(endpoint, change(endpoint))]);
}

const is = (...outcomes: readonly string[]) => (outcome: string): boolean => outcomes.includes(outcome);
const isAnswered = (outcome: string): boolean => outcome === '200' || isRefused(outcome);
const isRefused = (outcome: string): boolean => /^4\d\d M_[A-Z_]+$/.test(outcome);

/** Runs `attempt` and demands that the database is afterwards as it was before. */
async function storingNothing(attempt: () => Promise<readonly string[]>): Promise<void> {
  const before = shard.stored();
  expect(await attempt()).toEqual([]);
  expect(shard.stored()).toEqual(before);
}

describe('Using access tokens', () => {
  const sessions = endpoints.filter(({ who }) => who === 'session');

  it('when a token is required and missing, the request is M_MISSING_TOKEN', () =>
    storingNothing(() => surprises(onEach(sessions, () => ({ token: undefined })), is('401 M_MISSING_TOKEN'))));

  it('when a token is not recognised, the request is M_UNKNOWN_TOKEN', () =>
    storingNothing(() => surprises(onEach(sessions, () => ({ token: 'cls_nobody' })), is('401 M_UNKNOWN_TOKEN'))));

  it('a token in the query counts as none', () =>
    storingNothing(() => surprises(onEach(sessions, () => ({ token: undefined }))
      .map(([what, sent]) => [what, { ...sent, target: `${sent.target}${sent.target.includes('?') ? '&' : '?'}access_token=${alice.token}` }]), is('401 M_MISSING_TOKEN'))));

  it('of a header that is not a token, the request is M_MISSING_TOKEN', () =>
    storingNothing(() => surprises(['Bearer', 'Basic YTpi', 'Bearer a b', '\u00e9'].flatMap((Authorization) =>
      onEach(sessions, () => ({ token: undefined, headers: { Authorization } }))), is('401 M_MISSING_TOKEN'))));
});

describe('Standard error response', () => {
  const bodies: Readonly<Record<string, readonly [string | Uint8Array, string]>> = {
    'nothing where there should be an object': ['null', 'M_BAD_JSON'],
    'an array': ['[]', 'M_BAD_JSON'],
    'a string': ['"{}"', 'M_BAD_JSON'],
    'malformed JSON': ['{"a":', 'M_NOT_JSON'],
    'two objects': ['{}{}', 'M_NOT_JSON'],
    'invalid UTF-8': [Buffer.from('7b2261223a22ff227d', 'hex'), 'M_NOT_JSON'],
    'half a surrogate pair as UTF-8': [Buffer.from('7b2261223a22eda080227d', 'hex'), 'M_NOT_JSON'],
    'half a surrogate pair as an escape': ['{"a":"\\ud800"}', 'M_BAD_JSON'],
    'NUL as it is': ['{"a":"\0"}', 'M_NOT_JSON'],
    'NUL as an escape': ['{"a":{"\\u0000":1}}', 'M_BAD_JSON'],
    'a key given twice': ['{"a":1,"a":1}', 'M_BAD_JSON'],
    'a number beyond all bounds': ['{"a":1e999}', 'M_BAD_JSON'],
    'deep nesting': [`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'M_BAD_JSON'],
  };

  it.each(Object.entries(bodies))('a body of %s is refused by every endpoint', (_, [body, errcode]) =>
    storingNothing(() => surprises(onEach(withBody, () => ({ body })), is(`400 ${errcode}`))));

  it('every member of a body has its type', () =>
    storingNothing(() => surprises(withBody.flatMap((endpoint) => placesIn(endpoint.schemas.body ?? {}, text).flatMap(({ name, schema, at }) =>
      wrongValues(schema).map((value): Case => [`${endpoint.method} ${endpoint.path} ${name}=${JSON.stringify(value)}`, request(endpoint, { body: JSON.stringify(at(value)) })]))),
    is('400 M_BAD_JSON'))));

  it('what a body must have may not be missing', () =>
    storingNothing(() => surprises(withBody.flatMap((endpoint) => (endpoint.schemas.body?.required ?? []).map((name): Case => {
      const whole = smallest(endpoint.schemas.body ?? {}, text) as Record<string, unknown>;
      return [`${endpoint.method} ${endpoint.path} without ${name}`, request(endpoint, { body: JSON.stringify({ ...whole, [name]: undefined }) })];
    })), is('400 M_BAD_JSON', '400 M_MISSING_PARAM'))));

  it('no text of a body holds NUL or half a surrogate pair', () =>
    storingNothing(() => surprises(textsOf(['\0', '\ud800', 'a\udc00']), is('400 M_BAD_JSON'))));

  it('a text of a body may be refused for its length, and does no harm', () =>
    storingNothing(() => surprises(textsOf(['x'.repeat(30_000)], withBody.filter(({ path }) => !path.endsWith('/filter'))), isAnswered)));

  it('every parameter of a query has its type', () =>
    storingNothing(() => surprises(withQuery.flatMap((endpoint) => queriesOf(endpoint)), is('400 M_INVALID_PARAM'))));

  it('a parameter of a path may not be too long, for which the names of profile fields have an errcode of their own', async () => {
    const long = badPaths('x'.repeat(300));
    const fields = long.filter(([what]) => what.includes('keyName='));
    await storingNothing(() => surprises(fields, is('400 M_KEY_TOO_LARGE')));
    await storingNothing(() => surprises(long.filter((one) => !fields.includes(one)), is('400 M_INVALID_PARAM')));
  });

  it('a parameter of a path may not hold NUL or half a surrogate pair, or be badly escaped', () =>
    storingNothing(() => surprises(['%00', '%ED%A0%80', '%zz', '%', '%c3%28'].flatMap((bad) => badPaths(bad)), is('400 M_INVALID_PARAM'))));
});

describe('Size limits', () => {
  const TEN_MB = 10_000_000;

  it('a body of 10 MB is M_TOO_LARGE, but where keys are backed up', async () => {
    const body = JSON.stringify({ a: 'x'.repeat(TEN_MB - 8) });
    const small = withBody.filter(({ maxBody = 0 }) => maxBody < TEN_MB);
    await storingNothing(() => surprises(onEach(small, () => ({ body })), is('413 M_TOO_LARGE')));
    await storingNothing(() => surprises(onEach(withBody.filter((row) => !small.includes(row)), () => ({ body })), isRefused));
  });

  it('a body that never ends is cut off', async () => {
    const body = JSON.stringify({ a: 'x'.repeat(2_000_000) });
    const small = withBody.filter(({ maxBody = 0 }) => maxBody < 2_000_000);
    await storingNothing(() => surprises(onEach(small, () => ({ body, chunked: true })), is('413 M_TOO_LARGE')));
  });

  it('a body nobody asked for is not read', () => {
    // The administrators' nonces are stored when they are asked for.
    const reading = endpoints.filter(({ method, path }) => method === 'GET' && !path.startsWith('/_synapse/'));
    return storingNothing(() => surprises(onEach(reading, () => ({ body: '{' })), isAnswered));
  });
});

describe('What is there in order to be refused', () => {
  it('answers every well-formed request with its one refusal', async () => {
    const rows = endpoints.filter(({ refusal: said }) => said !== undefined);
    expect(rows.length).toBeGreaterThan(0);
    const before = shard.stored();
    for (const { refusal: { status = 0, ...said } = {}, ...endpoint } of rows) {
      for (const path of endpoint.paths) {
        const answer = await sendRaw(shard.baseUrl, request({ ...endpoint, paths: [path] }));
        expect({ path, status: answer.status, said: JSON.parse(answer.text) as unknown }).toEqual({ path, status, said });
      }
    }
    expect(shard.stored()).toEqual(before);
  });
});

describe('A client that goes away', () => {
  it('in the middle of a body leaves nothing behind', () =>
    storingNothing(async () => {
      await Promise.all([...withBody, ...endpoints.filter(({ stream }) => stream)].map((endpoint) => breakOff(shard.baseUrl, request(endpoint))));
      return [];
    }));
});

describe('A room one is not in', () => {
  // Reports are taken of any room, which reporting-content.test.ts sees to.
  const rooms = endpoints.filter(({ path }) => /\/rooms\/:roomId|:roomIdOrAlias/.test(path) && !path.includes('/report'));

  it('is refused as one that does not exist', async () => {
    const before = shard.stored();
    const told: Record<string, readonly string[]> = {};
    for (const endpoint of rooms) {
      const answers = await Promise.all(['!none:localhost', theirRoom].map((roomId) => sendRaw(shard.baseUrl, toRoom(endpoint, roomId))));
      const outcomes = answers.map((answer) => `${refusal(answer)} ${JSON.stringify({ ...answer.headers, date: '' })} ${answer.text}`);
      if (outcomes[0] !== outcomes[1] || !/^40[34] /.test(outcomes[0] ?? '')) told[`${endpoint.method} ${endpoint.path}`] = outcomes;
    }
    expect(told).toEqual({});
    expect(shard.stored()).toEqual(before);
  });
});

it('nothing of all this made the server fail', () => {
  expect(shard.failures()).toEqual([]);
});

function textsOf(values: readonly string[], rows = withBody): readonly Case[] {
  return rows.flatMap((endpoint) => placesIn(endpoint.schemas.body ?? {}, text)
    .filter(({ schema }) => typesOf(schema).includes('string') && schema.enum === undefined)
    .flatMap(({ name, at }) => values.map((value): Case => [`${endpoint.method} ${endpoint.path} ${name}`, request(endpoint, { body: JSON.stringify(at(value)) })])));
}

function queriesOf(endpoint: Endpoint): readonly Case[] {
  const { pathname, searchParams } = new URL(request(endpoint).target, shard.baseUrl);
  return Object.entries(endpoint.schemas.query?.properties ?? {}).flatMap(([name, schema]) => {
    const others = new URLSearchParams([...searchParams].filter(([other]) => other !== name)).toString();
    const key = encodeURIComponent(name);
    const wrong = schema.type === 'string' ? [] : [`${key}=wrong`, `${key}=`];
    const twice = schema.type === 'array' ? [] : [`${key}=1&${key}=2`];
    return [...wrong, ...twice, `${key}=%00`, `${key}=%zz`, `${key}=%ED%A0%80`]
      .map((query): Case => [`${endpoint.method} ${endpoint.path}?${query}`, request(endpoint, { target: `${pathname}?${query}&${others}` })]);
  });
}

function badPaths(bad: string): readonly Case[] {
  return withParams.flatMap((endpoint) => {
    const [, search = ''] = request(endpoint).target.split('?');
    return [...endpoint.path.matchAll(/:([A-Za-z]+)/g)].map(([, name = '']): Case => {
      const path = fillPath(endpoint.paths[0], (other) => (other === name ? 'BAD' : param(other, endpoint))).replace('BAD', bad);
      return [`${endpoint.method} ${endpoint.path} ${name}=${bad.slice(0, 10)}`, request(endpoint, { target: search === '' ? path : `${path}?${search}` })];
    });
  });
}

function toRoom(endpoint: Endpoint, roomId: string): RawRequest {
  const path = fillPath(endpoint.paths[0], (name) => (/^roomId/.test(name) ? roomId : param(name, endpoint)));
  const { search } = new URL(request(endpoint).target, shard.baseUrl);
  return request(endpoint, { target: path + search, body: bodyFor(endpoint) });
}

/** A body that nothing but the room stands in the way of. */
function bodyFor({ path, schemas }: Endpoint): string | undefined {
  if (path.includes('/send/')) return JSON.stringify(sealed());
  if (path.includes('/state/')) return JSON.stringify({ name: 'A name' });
  if (path.endsWith('/invite')) return JSON.stringify({ user_id: alice.userId });
  return schemas.body === undefined ? undefined : JSON.stringify(smallest(schemas.body, text));
}
