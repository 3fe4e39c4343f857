import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openPostgres } from './storage/postgres.js';
import { sql } from './storage/database.js';
import { hasPostgres } from './storage/engines.testing.js';
import { createTestPostgres, type TestPostgres } from './storage/postgres.testing.js';
import { sealedContent } from './construction-rules.testing.js';
import { configOf, newHome, start, type Answer, type Home, type Person, type TestServer } from './server.testing.js';

interface SyncAnswer {
  readonly next_batch: string;
  readonly rooms?: { readonly join?: Readonly<Record<string, { readonly timeline?: { readonly events: readonly { readonly event_id: string }[] } }>> };
}

let txn = 0;

(hasPostgres() ? describe : describe.skip)('two servers on one PostgreSQL', () => {
  let postgres: TestPostgres;
  let home: Home;
  let one: TestServer;
  let other: TestServer;
  let alice: Person;
  let bob: Person;
  let roomId: string;

  beforeAll(async () => {
    postgres = await createTestPostgres();
    home = newHome();
    const { host, user, database } = postgres.connection;
    const config = configOf(home, { database: { name: 'psycopg2', args: { host, user, dbname: database } }, rc_reports: { per_second: 0.001, burst_count: 3 } });
    [one, other] = await Promise.all([start(config), start(config)]);
    [alice, bob] = [await one.register('alice'), await other.register('bob')];
    const { body } = await ok(one.call('POST', '/_matrix/client/v3/createRoom', alice.token, { name: 'Sealed', preset: 'private_chat' }));
    roomId = String(body['room_id']);
    await ok(one.call('POST', room('invite'), alice.token, { user_id: bob.userId }));
    await ok(other.call('POST', room('join'), bob.token, {}));
  });
  afterAll(async () => {
    await Promise.all([one.close(), other.close()]);
    await postgres.drop();
    home.remove();
  });

  it('wake a long poll on the one by a message sent through the other', async () => {
    const { next_batch } = await sync(other, bob);
    const poll = sync(other, bob, `?timeout=90000&since=${next_batch}`);
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    const started = performance.now();
    const { body } = await send(one, alice, roomId);
    const woken = await poll;
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(woken.rooms?.join?.[roomId]?.timeline?.events.map(({ event_id }) => event_id)).toEqual([body['event_id']]);
  });

  it('show on the one at once what was written through the other', async () => {
    for (let i = 0; i < 20; i += 1) {
      const { body } = await send(i % 2 === 0 ? one : other, alice, roomId);
      const read = await (i % 2 === 0 ? other : one).call('GET', room(`event/${encodeURIComponent(String(body['event_id']))}`), bob.token);
      expect(read.status).toBe(200);
    }
  });

  it('find the same event for the same transaction id', async () => {
    const path = room(`send/m.room.encrypted/same${txn += 1}`);
    const answers = await Promise.all([one, other, one, other].map((server) => server.call('PUT', path, alice.token, sealedContent)));
    expect(new Set(answers.map(({ body }) => body['event_id'])).size).toBe(1);
  });

  it('know on the one that a session was logged out on the other', async () => {
    const carol = await one.register('carol');
    expect((await other.call('GET', '/_matrix/client/v3/account/whoami', carol.token)).status).toBe(200);
    await ok(one.call('POST', '/_matrix/client/v3/logout', carol.token, {}));
    const dead = await other.call('GET', '/_matrix/client/v3/account/whoami', carol.token);
    expect([dead.status, dead.body['errcode']]).toEqual([401, 'M_UNKNOWN_TOKEN']);
  });

  it('let nobody do together what one of them alone would not let them', async () => {
    const path = `/_matrix/client/v3/users/${encodeURIComponent(bob.userId)}/report`;
    const answers = await Promise.all([one, other, one, other, one, other].map((server) => server.call('POST', path, alice.token, { reason: 'x' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429, 429]);
    expect((await other.call('POST', path, bob.token, { reason: 'x' })).status).toBe(200);
  });

  it('take every kind of write at once without a failure or a deadlock', async () => {
    const people = await Promise.all(['dora', 'emil', 'fanny', 'georg'].map((name, i) => (i % 2 === 0 ? one : other).register(name)));
    const everybody = [alice, bob, ...people];
    const rooms = await Promise.all([0, 1, 2, 3].map(async (i) => {
      const founder = everybody[i] ?? alice;
      const { body } = await ok(one.call('POST', '/_matrix/client/v3/createRoom', founder.token, { invite: everybody.filter((who) => who !== founder).map(({ userId }) => userId) }));
      for (const who of everybody) await ok(other.call('POST', `/_matrix/client/v3/join/${encodeURIComponent(String(body['room_id']))}`, who.token, {}));
      return String(body['room_id']);
    }));
    const admin = await openPostgres({ connection: postgres.connection, connections: 1 });
    const deadlocks = async () => (await admin.read((tx) => tx.one<{ n: number }>(sql`SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()`)))?.n ?? 0;
    const failures: Answer[] = [];
    let count = 0;
    const until = performance.now() + 4000;
    await Promise.all(everybody.flatMap((who, i) => [0, 1, 2].map(async (lane) => {
      for (let turn = lane; turn < lane + 9 || performance.now() < until; turn += 1) {
        const answer = await write(turn % 2 === 0 ? one : other, who, { everybody, roomId: rooms[(turn + i) % rooms.length] ?? roomId, turn });
        count += 1;
        if (answer.status >= 400) failures.push(answer);
      }
    })));
    expect(failures.filter(({ body }) => body['errcode'] !== 'M_DUPLICATE_ANNOTATION')).toEqual([]);
    expect(count).toBeGreaterThan(30);
    // The server's statistics arrive with up to a second's delay.
    await new Promise((resolve) => { setTimeout(resolve, 1100); });
    expect(await deadlocks()).toBe(0);
    await admin.close();
  });

  function room(rest: string): string {
    return `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${rest}`;
  }
});

/** One of every kind of write in turn. */
async function write(server: TestServer, who: Person, { everybody, roomId, turn }: { everybody: readonly Person[]; roomId: string; turn: number }): Promise<Answer> {
  const me = encodeURIComponent(who.userId);
  const room = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
  const unique = `t${txn += 1}`;
  switch (turn % 9) {
    case 0: return server.call('POST', '/_matrix/client/v3/createRoom', who.token, { invite: everybody.filter((each) => each !== who).map(({ userId }) => userId), name: unique });
    case 1: return server.call('PUT', `/_matrix/client/v3/profile/${me}/displayname`, who.token, { displayname: unique });
    case 2: return server.call('PUT', `${room}/typing/${me}`, who.token, { typing: turn % 2 === 0, timeout: 1000 });
    case 3: {
      const { body } = await send(server, who, roomId);
      return server.call('POST', `${room}/receipt/m.read/${encodeURIComponent(String(body['event_id']))}`, who.token, {});
    }
    case 4: return server.call('PUT', `/_matrix/client/v3/sendToDevice/m.room.encrypted/${unique}`, who.token, { messages: Object.fromEntries(everybody.map(({ userId }) => [userId, { '*': { ciphertext: unique } }])) });
    case 5: return server.call('POST', '/_matrix/client/v3/keys/upload', who.token, { one_time_keys: { [`signed_curve25519:${unique}`]: { key: unique, signatures: {} } }, fallback_keys: { [`signed_curve25519:f${unique}`]: { key: unique, fallback: true, signatures: {} } } });
    case 6: return server.call('POST', '/_matrix/client/v3/keys/claim', who.token, { one_time_keys: Object.fromEntries(everybody.map(({ userId, deviceId }) => [userId, { [deviceId]: 'signed_curve25519' }])) });
    case 7: {
      const brief = await server.register(`brief${unique}`);
      const [out] = await Promise.all([
        server.call('POST', '/_matrix/client/v3/logout', brief.token, {}),
        server.call('PUT', `/_matrix/client/v3/sendToDevice/m.room.encrypted/${unique}x`, who.token, { messages: { [brief.userId]: { '*': {} } } }),
      ]);
      return out ?? { status: 0, body: {} };
    }
    default: return send(server, who, roomId);
  }
}

async function send(server: TestServer, who: Person, roomId: string): Promise<Answer> {
  return ok(server.call('PUT', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted/t${txn += 1}`, who.token, sealedContent));
}

async function sync(server: TestServer, who: Person, query = ''): Promise<SyncAnswer> {
  const { body } = await ok(server.call('GET', `/_matrix/client/v3/sync${query}`, who.token));
  return body as unknown as SyncAnswer;
}

async function ok(asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked;
  if (answer.status !== 200) throw new Error(JSON.stringify(answer));
  return answer;
}
