import { createHmac } from 'node:crypto';
import { rmSync } from 'node:fs';
import supertest from 'supertest';
import { generate, serve, type Settings } from './server-process.js';
import { specificationAtHand } from './spec-schemas.js';
import { storedIn, type Stored } from './stored.js';

export interface Person {
  readonly userId: string;
  readonly token: string;
  readonly deviceId: string;
  readonly password: string;
}

export interface Call {
  readonly token?: string | undefined;
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** An object goes as JSON; text and bytes go as they are. */
  readonly body?: object | string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** The request breaks the specification on purpose; only the answer is then held against it. */
  readonly malformed?: boolean;
  /** The request is one of a proposal on a path of the specification, which knows nothing of its answer. */
  readonly unstable?: boolean;
}

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly text: string;
}

/** As much of a room event as tests look at. */
export interface RoomEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
  readonly unsigned?: Readonly<Record<string, unknown>>;
}
interface Events<Event = RoomEvent> {
  readonly events: readonly Event[];
}
type Plain = Pick<RoomEvent, 'type' | 'content'>;

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
export interface SyncAnswer {
  readonly next_batch: string;
  readonly account_data?: Events<Plain>;
  readonly to_device?: Events<Plain & { readonly sender: string }>;
  readonly device_lists?: { readonly changed?: readonly string[]; readonly left?: readonly string[] };
  readonly device_one_time_keys_count?: Readonly<Record<string, number>>;
  readonly device_unused_fallback_key_types?: readonly string[];
  readonly rooms?: {
    readonly join?: Readonly<Record<string, JoinedRoom>>;
    readonly invite?: Readonly<Record<string, { readonly invite_state: Events<Omit<RoomEvent, 'event_id' | 'origin_server_ts'>> }>>;
    readonly knock?: Readonly<Record<string, unknown>>;
    readonly leave?: Readonly<Record<string, Pick<JoinedRoom, 'timeline' | 'state' | 'state_after' | 'account_data'>>>;
  };
}
export interface JoinedRoom {
  readonly timeline?: Events & { readonly limited?: boolean; readonly prev_batch?: string };
  readonly state?: Events;
  readonly state_after?: Events;
  readonly ephemeral?: Events<Plain>;
  readonly account_data?: Events<Plain>;
  readonly summary?: Readonly<Record<string, unknown>>;
  readonly unread_notifications?: { readonly notification_count?: number; readonly highlight_count?: number };
  readonly unread_thread_notifications?: Readonly<Record<string, { readonly notification_count?: number; readonly highlight_count?: number }>>;
}

export interface Shard {
  readonly baseUrl: string;
  readonly serverName: string;
  /** Folders in which nothing that was said may be found: database, write-ahead log, media. */
  readonly folders: readonly string[];
  readonly pid: number | undefined;
  /** What the server's processes said of their own failures so far: nothing, whatever it was asked. */
  failures(): readonly string[];
  /** What lies in the database, to see whether anything came or went. */
  stored(): Stored;
  /** Kills the server as a power cut would and starts it again on what it left. */
  crash(): Promise<void>;
  /** A new account with one device, logged in. */
  register(localpart?: string): Promise<Person>;
  /** Another device of the same person. */
  logIn(person: Person): Promise<Person>;
  /** Any request; fails the test when it or its answer departs from the specification's own schemas. */
  request<Body = Readonly<Record<string, unknown>>>(method: string, path: string, call?: Call): Promise<Answer<Body>>;
  /** Long-polls `/sync` until an answer satisfies `arrived`, which is returned with the `next_batch` of the last one. */
  longPoll(person: Person, since: string | undefined, arrived: (sync: SyncAnswer) => boolean): Promise<SyncAnswer>;
  /** A private encrypted room of `creator` that the others have joined. */
  createRoom(creator: Person, others?: readonly Person[], options?: object): Promise<string>;
  stop(): Promise<void>;
}

const SECRET = 'the shared secret of the tests';
const violations = specificationAtHand();
let lastName = 0;

/** A server of its own for a test file, or the one at SPEC_TESTS_BASE. */
export async function startShard(settings: Settings = {}): Promise<Shard> {
  const elsewhere = process.env['SPEC_TESTS_BASE'];
  if (elsewhere !== undefined) return shardAt(elsewhere, process.env['SPEC_TESTS_SECRET'] ?? SECRET, process.env['SPEC_TESTS_DATA']);
  // Presence is written by the clock; without it nothing is stored but what a test asks for.
  const home = await generate({ registration_shared_secret: SECRET, presence: { enabled: false }, ...settings });
  let serving = await serve(home);
  const before: string[] = [];
  return {
    ...shardAt(home.baseUrl, String(settings['registration_shared_secret'] ?? SECRET), home.folder),
    get pid() { return serving.pid; },
    failures: () => [...before, ...serving.failures],
    stored: () => storedIn(home.folder),
    async crash() {
      await serving.kill();
      before.push(...serving.failures);
      serving = await serve(home);
    },
    async stop() {
      await serving.stop();
      rmSync(home.folder, { recursive: true, force: true });
    },
  };
}

function shardAt(baseUrl: string, secret: string, folders: string | undefined): Shard {
  const request: Shard['request'] = (method, path, call) => exchange(baseUrl, method, path, call);
  const shard: Shard = {
    baseUrl,
    serverName: 'localhost',
    folders: folders === undefined ? [] : folders.split(':'),
    pid: undefined,
    failures: () => [],
    stored: () => ({}),
    crash: () => Promise.reject(new Error('a server started elsewhere is not killed')),
    request,
    register: (localpart) => register(shard, secret, localpart),
    logIn: (person) => logIn(shard, person),
    longPoll: (person, since, arrived) => longPoll(shard, person, since, arrived),
    createRoom: (creator, others = [], options = {}) => createRoom(shard, creator, others, options),
    stop: async () => undefined,
  };
  return shard;
}

async function exchange<Body>(baseUrl: string, method: string, path: string, call: Call = {}): Promise<Answer<Body>> {
  const { token, query = {}, body, headers = {}, malformed = false, unstable = false } = call;
  const test = supertest(baseUrl)[method.toLowerCase() as 'get'](path).query(queryString(query)).ok(() => true).set(headers);
  if (token !== undefined) void test.set('authorization', `Bearer ${token}`);
  if (body instanceof Uint8Array || typeof body === 'string') {
    if (!('content-type' in headers)) void test.set('content-type', body instanceof Uint8Array ? 'application/octet-stream' : 'application/json');
    void test.send(body as string);
  } else if (body !== undefined) void test.send(body);
  const response = await test;
  const isJson = response.type === 'application/json';
  const sent = malformed || typeof body === 'string' || body instanceof Uint8Array ? undefined : body;
  const found = (isJson && !unstable) || response.status >= 400
    ? violations?.({ method, path, sent, status: response.status, answered: isJson ? response.body : undefined }) ?? []
    : [];
  if (found.length > 0) throw new Error(`${method} ${path} (${response.status}) departs from the specification:\n${found.join('\n')}\n${response.text}`);
  return { status: response.status, headers: response.headers as Record<string, string>, body: response.body as Body, text: response.text };
}

/** A list is the same name many times, as the specification writes `via`. */
function queryString(query: NonNullable<Call['query']>): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) for (const one of [value].flat()) pairs.append(name, String(one));
  return pairs.toString();
}

interface LoggedIn {
  readonly user_id: string;
  readonly access_token: string;
  readonly device_id: string;
}

/** Through the shared secret, as administrators do. https://element-hq.github.io/synapse/latest/admin_api/register_api.html */
async function register(shard: Shard, secret: string, localpart?: string): Promise<Person> {
  const username = localpart ?? `person-${process.pid}-${performance.now().toFixed(0)}-${lastName++}`;
  const password = `the password of ${username}`;
  const { body: { nonce } } = await shard.request<{ nonce: string }>('GET', '/_synapse/admin/v1/register');
  const mac = createHmac('sha1', secret).update([nonce, username, password, 'notadmin'].join('\0')).digest('hex');
  const { status, body } = await shard.request<LoggedIn>('POST', '/_synapse/admin/v1/register', { body: { nonce, username, password, admin: false, mac } });
  if (status !== 200) throw new Error(`registration of ${username}: ${status} ${JSON.stringify(body)}`);
  return { userId: body.user_id, token: body.access_token, deviceId: body.device_id, password };
}

async function logIn(shard: Shard, person: Person): Promise<Person> {
  const { status, body } = await shard.request<LoggedIn>('POST', '/_matrix/client/v3/login', {
    body: { type: 'm.login.password', identifier: { type: 'm.id.user', user: person.userId }, password: person.password },
  });
  if (status !== 200) throw new Error(`login: ${status} ${JSON.stringify(body)}`);
  return { ...person, token: body.access_token, deviceId: body.device_id };
}

async function longPoll(shard: Shard, { token }: Person, since: string | undefined, arrived: (sync: SyncAnswer) => boolean): Promise<SyncAnswer> {
  const deadline = performance.now() + 60_000;
  for (let after = since; ; ) {
    const query = { timeout: after === undefined ? 0 : 5000, ...(after === undefined ? {} : { since: after }) };
    const { status, body } = await shard.request<SyncAnswer>('GET', '/_matrix/client/v3/sync', { token, query });
    if (status !== 200) throw new Error(`sync: ${status} ${JSON.stringify(body)}`);
    if (arrived(body)) return body;
    if (performance.now() > deadline) throw new Error(`what was awaited did not come down /sync; the last answer: ${JSON.stringify(body)}`);
    after = body.next_batch;
  }
}

async function createRoom(shard: Shard, creator: Person, others: readonly Person[], options: object): Promise<string> {
  const body = { preset: 'private_chat', invite: others.map(({ userId }) => userId), ...options };
  const { status, body: answer } = await shard.request<{ room_id: string }>('POST', '/_matrix/client/v3/createRoom', { token: creator.token, body });
  if (status !== 200) throw new Error(`createRoom: ${status} ${JSON.stringify(answer)}`);
  const roomId = answer.room_id;
  for (const { token } of others) {
    const joined = await shard.request('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/join`, { token, body: {} });
    if (joined.status !== 200) throw new Error(`join: ${joined.status} ${joined.text}`);
  }
  return roomId;
}
