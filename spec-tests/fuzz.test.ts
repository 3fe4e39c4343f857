import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { allEndpoints, type Endpoint, type Schema } from './endpoints.js';
import { requestsTo, type Known } from './fuzz.js';
import { startShard, type Person, type Shard } from './harness.js';
import { specificationFolder, specifiedOperations } from './operations.js';
import { sendRaw, type RawAnswer, type RawRequest } from './raw-http.js';
import { sealed } from './sealed.js';
import type { Stored } from './stored.js';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20260601);
const REQUESTS_PER_ROW = Number(process.env['FUZZ_REQUESTS_PER_ROW'] ?? 24);
const LONGEST_ANSWER_MS = 60_000;
/** Typing ends by the clock, whatever is being asked. */
const BY_THE_CLOCK = ['typing', 'stream'];

let shard: Shard;
let alice: Person;
let known: Known;
/** Tells whether anything was committed since it was last asked, without reading what. */
let committed: () => boolean;

beforeAll(async () => {
  shard = await startShard({ max_upload_size: '1M' });
  alice = await shard.register('alice');
  const [bob, stranger] = [await shard.register('bob'), await shard.register('stranger')];
  const rooms = [await shard.createRoom(alice, [bob], { room_alias_name: 'ours' }), await shard.createRoom(bob, [alice])];
  const theirs = await shard.createRoom(stranger, [], { room_alias_name: 'theirs' });
  const events = await Promise.all(rooms.map(async (room, n) => {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.encrypted/${n}`;
    const { body } = await shard.request<{ event_id: string }>('PUT', path, { token: alice.token, body: sealed({ deviceId: alice.deviceId }) });
    return body.event_id;
  }));
  const { body: sync } = await shard.request<{ next_batch: string; rooms: { join: Record<string, { timeline: { prev_batch: string } }> } }>('GET', '/_matrix/client/v3/sync', { token: alice.token });
  known = vocabulary({ rooms, theirs, events, people: [alice, bob, stranger], tokens: [sync.next_batch, ...Object.values(sync.rooms.join).map(({ timeline }) => timeline.prev_batch)] });
  const db = new Sqlite(join(shard.folders[0] ?? '.', 'homeserver.db'), { readonly: true });
  let version = db.pragma('data_version', { simple: true });
  committed = () => {
    const before = version;
    version = db.pragma('data_version', { simple: true });
    return version !== before;
  };
});
afterAll(async () => {
  await shard.stop();
});

function vocabulary(there: { rooms: readonly string[]; theirs: string; events: readonly string[]; people: readonly Person[]; tokens: readonly string[] }): Known {
  const userId = [...there.people.map((person) => person.userId), '@nobody:localhost', '@x:elsewhere.example'];
  const roomId = [...there.rooms, there.theirs, '!none:localhost'];
  const roomAlias = ['#ours:localhost', '#theirs:localhost', '#none:localhost', '#x:elsewhere.example'];
  return {
    userId, roomId, roomAlias, roomIdOrAlias: [...roomId, ...roomAlias], user: userId, invite: userId, via: ['localhost', 'elsewhere.example'],
    eventId: [...there.events, '$none'], deviceId: [...there.people.map((person) => person.deviceId), 'NEW', '*'],
    eventType: ['m.room.encrypted', 'm.reaction', 'm.room.redaction', 'm.room.message', 'm.room.name', 'm.room.member', 'm.room.power_levels', 'm.room.join_rules', 'm.room.encryption', 'm.space.child', 'org.example.x'],
    type: ['m.login.password', 'm.login.token', 'm.direct', 'm.tag', 'org.example.x', 'm.room.name', 'm.id.user'],
    stateKey: ['', ...userId, 'x'], txnId: ['1', '2', '3'], receiptType: ['m.read', 'm.read.private', 'm.fully_read', 'm.x'],
    relType: ['m.thread', 'm.annotation', 'm.replace', 'm.reference'], keyName: ['displayname', 'avatar_url', 'm.tz', 'org.example.x'],
    kind: ['override', 'underride', 'content', 'room', 'sender'], ruleId: ['.m.rule.master', '.m.rule.message', 'x', ...roomId, ...userId],
    algorithm: ['m.megolm.v1.aes-sha2', 'm.olm.v1.curve25519-aes-sha2', 'm.megolm_backup.v1.curve25519-aes-sha2', 'signed_curve25519'],
    from: there.tokens, to: there.tokens, since: there.tokens, at: there.tokens, version: ['1', '2', '10', '11', '12'], newVersion: ['11', '12', '1'], roomVersion: ['11', '12', '1'],
    filter: ['{}', '{"room":{"timeline":{"limit":1}}}', '{"room":{"rooms":[]}}', '0'], dir: ['b', 'f'], membership: ['join', 'invite', 'leave', 'ban', 'knock'], tag: ['m.favourite', 'u.x'],
    avatarUrl: ['mxc://localhost/x', ''], serverName: ['localhost', 'elsewhere.example'], mediaId: ['x'], joinRule: ['invite', 'public', 'restricted'], set_presence: ['online'],
  };
}

/** The requests in an order in which every row comes before any comes again, so that what some make others find. */
function cases(rows: readonly Endpoint[]): readonly (readonly [Endpoint, Omit<RawRequest, 'token'>])[] {
  const folder = specificationFolder();
  const specified = new Map<string, Schema | undefined>(folder === undefined ? [] : specifiedOperations(folder).map(({ method, path, body }) => [`${method} ${path.replaceAll(/\{[^}]+\}/g, ':')}`, body]));
  const ofEach = rows.map((row) => {
    const bodyInSpecification = specified.get(`${row.method} ${row.paths[0].replaceAll(/:[A-Za-z]+/g, ':')}`);
    return { row, requests: fc.sample(requestsTo(row, known, row.schemas.body === undefined ? undefined : bodyInSpecification), { seed: SEED, numRuns: REQUESTS_PER_ROW }) };
  });
  return Array.from({ length: REQUESTS_PER_ROW }, (_, i) => ofEach.flatMap(({ row, requests }) => (requests[i] === undefined ? [] : [[row, requests[i]] as const]))).flat();
}

async function answerWithin(request: RawRequest): Promise<RawAnswer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, LONGEST_ANSWER_MS, undefined); });
  try {
    return await Promise.race([sendRaw(shard.baseUrl, request), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What is wrong with an answer by itself. */
function fault(answer: RawAnswer | undefined): string | undefined {
  if (answer === undefined) return `no answer within ${LONGEST_ANSWER_MS} ms`;
  if (answer.status >= 500 && !answer.text.includes('"M_NOT_YET_UPLOADED"')) return `${answer.status} ${answer.text.slice(0, 200)}`;
  if (answer.status < 400) return undefined;
  const isError = /^\{"errcode":"M_[A-Z_]+"/.test(answer.text) || isInteractive(answer);
  return isError ? undefined : `${answer.status} without an errcode: ${answer.text.slice(0, 200)}`;
}

/** Interactive authentication begins with a refusal, and is remembered. */
function isInteractive({ status, text }: RawAnswer): boolean {
  return status === 401 && text.includes('"flows"');
}

function differing(before: Stored, after: Stored): readonly string[] {
  const tables = Object.keys(after).filter((table) => after[table] !== before[table]);
  return tables.every((table) => BY_THE_CLOCK.includes(table)) ? [] : tables;
}

describe(`requests made by chance (FUZZ_SEED=${SEED})`, () => {
  it('are answered without failing, and those refused leave nothing behind', async () => {
    const all = cases(allEndpoints());
    const found: string[] = [];
    let accepted = 0;
    committed();
    let stored = shard.stored();
    for (const [row, request] of all) {
      const answer = await answerWithin({ ...request, token: row.who === 'session' ? alice.token : undefined });
      const sent = `${request.method} ${request.target} ${String(request.body).slice(0, 400)}`;
      const wrong = fault(answer);
      if (wrong !== undefined) found.push(`${sent}\n  ${wrong}`);
      if (answer?.status === 200) accepted += 1;
      if (committed()) {
        const after = shard.stored();
        const written = differing(stored, after);
        if (answer !== undefined && answer.status >= 400 && !isInteractive(answer) && written.length > 0) found.push(`${sent}\n  ${answer.status} ${answer.text}\n  wrote ${written.join(', ')}`);
        stored = after;
      }
      // Some requests end the session.
      if (answer?.text.includes('"M_UNKNOWN_TOKEN"') === true || /\/logout/.test(row.path)) {
        alice = await shard.logIn(alice);
        committed();
        stored = shard.stored();
      }
    }
    expect(found).toEqual([]);
    expect(shard.failures()).toEqual([]);
    // Were nearly all refused at the door, nothing behind it would have been tried.
    expect(accepted).toBeGreaterThan(all.length / 10);
  }, 240_000);
});
