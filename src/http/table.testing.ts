import type { Readable} from 'node:stream';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Server } from 'node:http';
import { pino } from 'pino';
import { anyone, del, get, post, put, session, type Client } from '../api/endpoint.js';
import type { Services } from '../api/services.js';
import { noAppServices } from '../auth/people.testing.js';
import type { Session } from '../auth/session.js';
import { sessionOf } from '../auth/session.testing.js';
import { MatrixError } from '../matrix/errors.js';
import { parseDeviceId, parseUserId, type RoomId } from '../matrix/identifiers.js';
import { ByteStream, JsonText, type Bytes, type LedgerEntry } from '../matrix/reply.js';
import { anyObject, array, boolean, integer, object, optional, string, type JsonObject } from '../matrix/schema.js';
import { createApp } from './app.js';
import { bucketsInMemory, type Limits } from './limits.js';
import { noLimits } from './limits.testing.js';

const Invite = object({ user_id: string, reason: optional(string) });
const Page = object({ limit: optional(integer), full: optional(boolean), via: optional(array(string)) });

/** The ledger is not asked in tests of HTTP. */
const recorded = {} as LedgerEntry;

/** A small API that shows what the HTTP layer promises, and what its handlers saw. */
export function smallTable(limits: Partial<Limits> = {}): {
  listen: (listener?: { xForwarded: boolean }) => Server;
  seen: string[];
  logged: string[];
  stop: () => void;
} {
  const seen: string[] = [];
  const logged: string[] = [];
  const closing = new AbortController();
  const endpoints = [
    get('/versions', anyone, {}, async () => ({ versions: ['v1.19'] })),
    get('/v3/account/whoami', session, {}, async (_, call: { session: Session }) => ({ user_id: call.session.userId })),
    get('/v3/text', anyone, {}, async () => new JsonText('{"a":1.0}')),
    get('/v3/bytes', anyone, {}, async () => new ByteStream(recorded, bytesOf(['one', 'two']), { 'Content-Type': 'application/octet-stream' })),
    get('/v3/broken', anyone, {}, async () => new ByteStream(recorded, bytesOf(brokenOff()), {})),
    get('/v3/late', anyone, {}, async (_, { client }: { client: Client }) => {
      seen.push('waiting');
      await new Promise<void>((resolve) => { client.onGone(resolve); });
      return new ByteStream(recorded, bytesOf(['late'], () => seen.push('closed')), {});
    }),
    get('/v3/endless', anyone, {}, async () => new ByteStream(recorded, bytesOf(endless(), () => seen.push('closed')), {})),
    get('/v3/ip', anyone, {}, async (_, { ip }: { ip: string }) => ({ ip })),
    get('/v3/page', anyone, { query: Page, aliases: ['/unstable/org.example'] }, async (_, call: { query: object }) => call.query),
    post('/v3/rooms/:roomId/invite', session, { body: Invite }, async (_, call: { params: { roomId: RoomId }; body: { user_id: string } }) => {
      seen.push('invite');
      return { room: call.params.roomId, user: call.body.user_id };
    }),
    post('/v3/logout', session, { body: object({}) }, async () => ({})),
    put('/v3/filter/:filterId', anyone, { body: anyObject }, async (_, call: { body: JsonObject }) => call.body),
    put('/v3/keys/:keyName', anyone, { body: anyObject, maxBody: 200_000 }, async (_, call: { body: JsonObject }) => ({ keys: Object.keys(call.body).length })),
    post('/_matrix/media/v3/upload', session, { stream: true }, async (_, { stream }: { stream: Readable }) => ({ bytes: await count(stream) })),
    get('/v3/sync', session, {}, async (deps: { closing: AbortSignal }, { client }: { client: Client }) => {
      seen.push('waiting');
      const gone = new AbortController();
      client.onGone(() => { gone.abort(); });
      await wait(20_000, undefined, { signal: AbortSignal.any([gone.signal, deps.closing]) }).catch(() => undefined);
      seen.push(client.isGone ? 'gone' : 'answered');
      return { next_batch: 's1' };
    }),
    post('/v3/login', anyone, { limit: 'login' }, async () => ({})),
    put('/v3/rooms/:roomId/typing', session, { limit: 'send' }, async () => ({})),
    get('/v3/forbidden', anyone, {}, async () => { throw new MatrixError('M_FORBIDDEN', 'No', { body: { soft_logout: true } }); }),
    del('/v3/crash', anyone, {}, async () => { throw new Error('secret detail'); }),
    del('/v3/breach', anyone, {}, async () => {
      throw Object.assign(new Error('CHECK constraint failed: no_public_rooms'), { code: 'SQLITE_CONSTRAINT_CHECK', detail: '@alice:example.org' });
    }),
  ];
  const app = createApp({
    endpoints,
    // The table uses no other service.
    services: { clock: () => 1_000_000, random: (bytes) => Buffer.alloc(bytes, 7), closing: closing.signal, appServices: noAppServices } as Partial<Services> as Services,
    authenticate,
    limits: { ...noLimits, ...limits },
    bucketsOf: bucketsInMemory(() => 1_000_000),
    log: pino({}, new Writable({ write: (chunk, _, done) => { logged.push(String(chunk)); done(); } })),
  });
  return { listen: (listener = { xForwarded: false }) => app.server(listener), seen, logged, stop: () => { closing.abort(); } };
}

async function authenticate(authorization: string | undefined): Promise<Session> {
  if (authorization === undefined) throw new MatrixError('M_MISSING_TOKEN', 'No token');
  if (authorization !== 'Bearer good') throw new MatrixError('M_UNKNOWN_TOKEN', 'Bad token');
  return sessionOf({ userNid: 1, userId: parseUserId('@alice:example.org'), deviceNid: 2, deviceId: parseDeviceId('LAPTOP') });
}

async function count(stream: Readable): Promise<number> {
  let bytes = 0;
  await pipeline(stream, new Writable({ write: (chunk: Buffer, _, done) => { bytes += chunk.length; done(); } }));
  return bytes;
}

function bytesOf(texts: Iterable<string>, onClose: () => void = () => undefined): Bytes {
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (const text of texts) yield Buffer.from(text);
      } finally {
        onClose();
      }
    },
    close: async () => { onClose(); },
  };
}

function* brokenOff(): Generator<string> {
  yield 'one';
  throw new Error('the disk went away');
}

function* endless(): Generator<string> {
  for (;;) yield 'x'.repeat(65_536);
}
