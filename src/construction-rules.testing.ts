import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Parser, Place, Settings } from './config-parsers.js';
import { configOf, type Home, type Person, type TestServer } from './server.testing.js';

/** What a bypass is tried with: a sealed room, its member, and somebody who is not in it. */
export interface Scene {
  readonly member: Person;
  readonly stranger: Person;
  readonly roomId: string;
  /** The event that encrypts the room. */
  readonly encryptionId: string;
}

/** One try against one rule of the published table, and how it is refused. */
export interface Bypass {
  readonly rule: string;
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: (scene: Scene) => string;
  readonly body?: unknown;
  /** Without a token at all; else as the member, or as the stranger. */
  readonly by?: 'nobody' | 'stranger';
  readonly status: number;
  readonly errcode: string;
}

const MEGOLM = 'm.megolm.v1.aes-sha2';
const FORBIDDEN = { status: 403, errcode: 'M_FORBIDDEN' } as const;
const BAD_JSON = { status: 400, errcode: 'M_BAD_JSON' } as const;
const NO_ROUTE = { status: 404, errcode: 'M_UNRECOGNIZED' } as const;
const NO_TOKEN = { status: 401, errcode: 'M_MISSING_TOKEN' } as const;
const GUEST = { status: 403, errcode: 'M_GUEST_ACCESS_FORBIDDEN' } as const;
const THREEPID = { status: 403, errcode: 'M_THREEPID_DENIED' } as const;
type Refusal = Pick<Bypass, 'status' | 'errcode'>;

let txn = 0;
const room = (rest: string) => ({ roomId }: Scene) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${rest}`;
const client = (rest: string) => () => `/_matrix/client/v3/${rest}`;

function create(rule: string, what: string, body: object, refusal: Refusal = FORBIDDEN): Bypass {
  return { rule, what: `createRoom with ${what}`, method: 'POST', path: client('createRoom'), body, ...refusal };
}

function initial(rule: string, type: string, content: unknown, refusal?: Refusal): Bypass {
  return create(rule, `initial_state ${type} ${JSON.stringify(content)}`, { name: 'x', initial_state: [{ type: 'm.room.topic', content: { topic: 'x' } }, { type, state_key: '', content }] }, refusal);
}

function state(rule: string, type: string, content: unknown, refusal: Refusal = FORBIDDEN, stateKey = ''): Bypass {
  return { rule, what: `state ${type} ${JSON.stringify(content).slice(0, 80)} ${stateKey}`, method: 'PUT', path: room(`state/${type}/${stateKey}`), body: content, ...refusal };
}

function send(rule: string, type: string, content: unknown, refusal: Refusal = FORBIDDEN): Bypass {
  return { rule, what: `send ${type} ${JSON.stringify(content).slice(0, 80)}`, method: 'PUT', path: (scene) => room(`send/${type}/bypass${(txn += 1)}`)(scene), body: content, ...refusal };
}

function route(rule: string, method: Bypass['method'], path: string, refusal: Refusal, by?: Bypass['by']): Bypass {
  return { rule, what: `${method} ${path}${by === undefined ? '' : ` by ${by}`}`, method, path: () => path, ...(by === undefined ? {} : { by }), ...refusal, ...(method === 'GET' ? {} : { body: {} }) };
}

/** Megolm framing around nothing: as real as a server can tell. */
export function framed({ size = 32, index = 0 } = {}): string {
  return Buffer.from([3, 0x08, index, 0x12, size, ...Array<number>(size + 72).fill(7)]).toString('base64').replace(/=+$/, '');
}
export const sealedContent = { algorithm: MEGOLM, ciphertext: framed(), session_id: 'A'.repeat(43) };
const annotation = { rel_type: 'm.annotation', event_id: '$e', key: '👍' };

/** The heart of it, tried under every configuration. */
export const shortList: readonly Bypass[] = [
  create('A1', 'preset public_chat', { preset: 'public_chat' }),
  create('A1', 'visibility public', { visibility: 'public' }),
  state('A2', 'm.room.join_rules', { join_rule: 'public' }),
  state('A4', 'm.room.history_visibility', { history_visibility: 'world_readable' }),
  route('A5', 'POST', '/_matrix/client/v3/register?kind=guest', GUEST, 'nobody'),
  route('A7', 'GET', '/_matrix/client/v3/publicRooms', NO_TOKEN, 'nobody'),
  initial('B1', 'm.room.encryption', { algorithm: 'none' }),
  state('B3', 'm.room.encryption', { algorithm: MEGOLM, rotation_period_msgs: 101 }),
  send('B4', 'm.room.message', { msgtype: 'm.text', body: 'hello' }),
  route('C1', 'GET', '/_matrix/media/v3/download/shard.example/abc', NO_ROUTE),
  route('C1', 'GET', '/_matrix/client/v1/media/download/shard.example/abc', NO_TOKEN, 'nobody'),
];

/** The table of rules, row by row, as far as the endpoints exist. */
export const bypasses: readonly Bypass[] = [
  ...shortList,
  ...['public', 'private', 'PUBLIC', null, ['invite'], { join_rule: 'invite' }, 0].flatMap((join_rule) => [state('A2', 'm.room.join_rules', { join_rule }), initial('A2', 'm.room.join_rules', { join_rule })]),
  state('A2', 'm.room.join_rules', {}),
  state('A2', 'm.room.join_rules', { join_rule: 'public' }, FORBIDDEN, '?org.matrix.msc4140.delay=1'),
  state('A2', 'm.room.join_rules', { join_rule: 'public' }, FORBIDDEN, 'elsewhere'),
  state('A2', 'm.room.join_rules', '{"join_rule":"invite","join_rule":"public"}', BAD_JSON),
  state('A2', 'm.room.join_rules', '{"join_rule":"invite","join\\u005frule":"public"}', BAD_JSON),
  state('A2', 'm.room.join_rules', { join_rule: 'invite', more: { join_rule: 'public' } }, BAD_JSON),
  state('A3', 'm.room.join_rules', { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: '!elsewhere:other.example' }] }),
  initial('A3', 'm.room.join_rules', { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: '!elsewhere:other.example' }] }),
  state('A3', 'm.room.join_rules', { join_rule: 'restricted', allow: [{ type: 'org.example.anybody', room_id: '!elsewhere:other.example' }] }),
  state('A3', 'm.room.join_rules', { join_rule: 'restricted', allow: 'anybody' }, BAD_JSON),
  ...['world_readable', '', null, 1].map((history_visibility) => initial('A4', 'm.room.history_visibility', { history_visibility })),
  state('A4', 'm.room.history_visibility', {}),
  state('A5', 'm.room.guest_access', { guest_access: 'can_join' }, GUEST),
  state('A5', 'm.room.guest_access', {}, GUEST),
  ...['initialSync', 'events', 'events/$e', 'rooms/!r/initialSync'].map((path) => route('A6', 'GET', `/_matrix/client/v3/${path}`, NO_ROUTE)),
  ...['initialSync', 'events'].map((path) => route('A6', 'GET', `/_matrix/client/r0/${path}`, NO_ROUTE, 'nobody')),
  ...['GET', 'POST'].map((method) => route('A7', method as 'GET' | 'POST', '/_matrix/federation/v1/publicRooms', NO_ROUTE, 'nobody')),
  { rule: 'A7', what: 'publish a room', method: 'PUT', path: ({ roomId }) => `/_matrix/client/v3/directory/list/room/${encodeURIComponent(roomId)}`, body: { visibility: 'public' }, ...FORBIDDEN },
  route('A8', 'GET', '/_matrix/client/v3/directory/room/%23sealed:shard.example', NO_TOKEN, 'nobody'),
  route('A8', 'GET', '/_matrix/client/v3/directory/room/%23sealed:shard.example', { status: 404, errcode: 'M_NOT_FOUND' }, 'stranger'),
  route('A8', 'GET', '/_matrix/client/v3/directory/room/%23missing:shard.example', { status: 404, errcode: 'M_NOT_FOUND' }, 'stranger'),
  ...['join', 'knock'].map((way): Bypass => ({ rule: 'A2', what: `${way} uninvited`, method: 'POST', path: ({ roomId }) => `/_matrix/client/v3/${way}/${encodeURIComponent(roomId)}`, body: {}, by: 'stranger', ...FORBIDDEN })),
  ...['join/!r', 'v1/join/!r', 'v1/rooms/!r/make_room_admin', 'v1/rooms/!r/members'].map((path) => route('A12', 'POST', `/_synapse/admin/${path}`, NO_ROUTE)),
  { rule: 'A12', what: 'join another person by state', method: 'PUT', path: (scene) => room(`state/m.room.member/${encodeURIComponent(scene.stranger.userId)}`)(scene), body: { membership: 'join' }, ...FORBIDDEN },
  create('A13', 'invite_3pid', { invite_3pid: [{ medium: 'email', address: 'a@b.example', id_server: 'x', id_access_token: 'y' }] }, THREEPID),
  { rule: 'A13', what: 'invite an e-mail address', method: 'POST', path: room('invite'), body: { user_id: '@a:shard.example', medium: 'email', address: 'a@b.example', id_server: 'x' }, ...THREEPID },
  state('A13', 'm.room.third_party_invite', { display_name: 'x' }, THREEPID, 'token'),
  { rule: 'A13', what: 'an invitation with a third-party invite inside', method: 'PUT', path: room('state/m.room.member/@b:shard.example'), body: { membership: 'invite', third_party_invite: {} }, ...THREEPID },

  ...['none', 'm.olm.v1.curve25519-aes-sha2', null, [MEGOLM]].map((algorithm) => state('B1', 'm.room.encryption', { algorithm })),
  initial('B1', 'm.room.encryption', {}),
  { rule: 'B2', what: 'redact the encryption', method: 'PUT', path: (scene) => room(`redact/${encodeURIComponent(scene.encryptionId)}/bypass`)(scene), body: {}, ...FORBIDDEN },
  state('B3', 'm.room.encryption', { algorithm: MEGOLM, rotation_period_ms: 604_800_001 }),
  ...[0, -1, 0.5, '100', '1e9', null, true].map((rotation_period_msgs) => state('B3', 'm.room.encryption', { algorithm: MEGOLM, rotation_period_msgs }, BAD_JSON)),
  initial('B3', 'm.room.encryption', { algorithm: MEGOLM, rotation_period_msgs: 1e6 }),
  ...['m.sticker', 'm.call.invite', 'm.room.name', 'm.room.encryption', 'org.example.note', 'm.poll.start', 'M.ROOM.ENCRYPTED'].map((type) => send('B4', type, { body: 'hello' })),
  ...['m.room.message', 'm.sticker', 'm.reaction', 'm.room.encrypted', 'm.room.redaction'].flatMap((type) => [state('B4', type, { body: 'hello' }), initial('B4', type, { body: 'hello' })]),
  { ...send('B4', 'm.room.message', { body: 'hello' }), what: 'send m.room.message later', path: (scene) => room(`send/m.room.message/bypass${(txn += 1)}?org.matrix.msc4140.delay=1`)(scene) },
  send('B4', 'm.room.redaction', { redacts: '$e', body: 'hello' }, BAD_JSON),
  ...[
    { body: 'hello' }, { algorithm: 'none' }, { ciphertext: 'aGVsbG8' }, { ciphertext: `${framed()}AAAA` }, { ciphertext: framed().slice(0, -4) },
    { ciphertext: { type: 0, body: 'hello' } }, { session_id: 'hello' }, { sender_key: 'hello world' }, { device_id: 'hello world' }, { 'm.relates_to': { body: 'hello' } },
  ].map((more) => send('B5', 'm.room.encrypted', { ...sealedContent, ...more }, BAD_JSON)),
  ...[{ rel_type: 'org.example.note', event_id: '$e' }, { ...annotation, rel_type: 'm.thread' }, { 'm.in_reply_to': { event_id: '$e', body: 'hello' } }, { rel_type: 'm.thread', event_id: 'hello you there' }, 'hello']
    .map((relation) => send('B6', 'm.room.encrypted', { ...sealedContent, 'm.relates_to': relation }, BAD_JSON)),
  ...[{}, { body: 'hello' }, { 'm.relates_to': annotation, body: 'hello' }, { 'm.relates_to': { ...annotation, body: 'hello' } }, { 'm.relates_to': { ...annotation, key: 'x'.repeat(65) } }]
    .map((content) => send('B7', 'm.reaction', content, BAD_JSON)),
  state('B8', 'm.room.name', { name: 'x'.repeat(256) }, { status: 400, errcode: 'M_INVALID_PARAM' }),
  state('B8', 'm.room.topic', { topic: 'x'.repeat(1025) }, { status: 400, errcode: 'M_INVALID_PARAM' }),
  state('B8', 'org.example.letter', { text: 'x'.repeat(16_384) }, { status: 413, errcode: 'M_TOO_LARGE' }),
  { rule: 'B8', what: 'a long reason', method: 'POST', path: room('invite'), body: { user_id: '@b:shard.example', reason: 'x'.repeat(513) }, status: 400, errcode: 'M_INVALID_PARAM' },
  ...['v1', 'v2'].map((version) => route('B10', 'PUT', `/_matrix/federation/${version}/invite/!r/$e`, NO_ROUTE, 'nobody')),
  route('B9', 'PUT', '/_matrix/federation/v1/send/txn', NO_ROUTE, 'nobody'),
  route('B12', 'GET', '/_matrix/media/v3/preview_url?url=https://example.org', NO_ROUTE),
  route('B12', 'GET', '/_matrix/client/v1/media/preview_url?url=https://example.org', NO_ROUTE),

  ...['r0', 'v1', 'v3'].flatMap((version) => ['download', 'thumbnail'].flatMap((what) => [
    route('C1', 'GET', `/_matrix/media/${version}/${what}/shard.example/abc`, NO_ROUTE, 'nobody'),
    route('C1', 'GET', `/_matrix/media/${version}/${what}/shard.example/abc`, NO_ROUTE),
  ])),
  route('C2', 'GET', '/_matrix/client/v1/media/download/other.example/abc', { status: 404, errcode: 'M_NOT_FOUND' }),
  ...['media/shard.example/abc/download', 'room/!r/media', 'users/@alice:shard.example/media'].map((path) => route('C6', 'GET', `/_synapse/admin/v1/${path}`, NO_ROUTE)),
];

interface Leaf {
  readonly path: readonly string[];
  /** Whether the key's own parser takes the value: if not, no file with it is read. */
  takes(value: unknown): boolean;
}

/** Every key of the table of settings that holds a value, with the keys it lies in. */
export function leaves(fields: Settings, within: readonly string[] = []): readonly Leaf[] {
  return Object.values(fields).flatMap(({ name, parse }) => {
    const path = [...within, name];
    return 'fields' in parse ? leaves(parse.fields as Settings, path) : [{ path, takes: (value: unknown) => value === null || isTaken(parse, value) }];
  });
}

function isTaken(parse: Parser<unknown>, value: unknown): boolean {
  const place: Place = { directory: '.', inside: () => place, problem: (message) => { throw new Error(message); }, notice: () => undefined };
  try {
    parse(value, place);
    return true;
  } catch {
    return false;
  }
}

export function nested(entries: readonly { readonly path: readonly string[]; readonly value: unknown }[]): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const { path: [first = '', ...rest], value } of entries) {
    all[first] = rest.length === 0 ? value : merged(all[first] ?? {}, nested([{ path: rest, value }]));
  }
  return all;
}

function merged(a: object, b: object): object {
  const both = Object.entries(b).map(([key, value]) => [key, typeof value === 'object' && value !== null && key in a ? merged((a as Record<string, object>)[key] ?? {}, value as object) : value as unknown]);
  return { ...a, ...Object.fromEntries(both) };
}

export function isAccepted(home: Home, chosen: Readonly<Record<string, unknown>>): boolean {
  try {
    configOf(home, chosen);
    return true;
  } catch {
    return false;
  }
}

/** A sealed room with one member and an alias, and somebody who is not in it. */
export async function furnish(server: TestServer): Promise<Scene> {
  const [member, stranger] = [await server.register('alice'), await server.register('mallory')];
  const { body } = await server.call('POST', '/_matrix/client/v3/createRoom', member.token, { name: 'Sealed', room_alias_name: 'sealed' });
  const roomId = String(body['room_id']);
  const { body: encryption } = await server.call('GET', `/_matrix/client/v3/rooms/${roomId}/state/m.room.encryption/?format=event`, member.token);
  return { member, stranger, roomId, encryptionId: String(encryption['event_id']) };
}

export async function attempt(server: TestServer, scene: Scene, { method, path, body, by }: Bypass): Promise<{ status: number; errcode: unknown }> {
  const token = by === 'nobody' ? undefined : by === 'stranger' ? scene.stranger.token : scene.member.token;
  const answer = await server.call(method, path(scene), token, body);
  return { status: answer.status, errcode: answer.body['errcode'] };
}

/** How many rows each table holds, and the position of the stream: a refused request leaves all of it as it was. */
export function rowsIn({ folder }: Home): Readonly<Record<string, number>> {
  const database = new Sqlite(join(folder, 'homeserver.db'), { readonly: true });
  try {
    const tables = database.prepare<[], { name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'`).all();
    const counts = tables.map(({ name }) => [name, database.prepare<[], { n: number }>(`SELECT count(*) AS n FROM "${name}"`).get()?.n ?? 0]);
    return { ...Object.fromEntries(counts), position: database.prepare<[], { position: number }>('SELECT position FROM stream').get()?.position ?? 0 };
  } finally {
    database.close();
  }
}
