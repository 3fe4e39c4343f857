import type { Session } from '../auth/session.js';
import type { RoomId } from '../matrix/identifiers.js';
import { integer, object, string } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { anyone, get, post, put, session } from './endpoint.js';

// What a row must refuse to compile. A line that starts to compile fails here with TS2578.
const Invite = object({ user_id: string });
const Page = object({ limit: integer });

const answer = (): Promise<object> => Promise.resolve({});
const needsRoom = (_: { db: Database }, call: { params: { roomId: RoomId } }): Promise<object> => Promise.resolve(call.params);
const needsSession = (_: unknown, call: { session: Session }): Promise<object> => Promise.resolve(call.session);
const needsBody = (_: unknown, call: { body: { user_id: string } }): Promise<object> => Promise.resolve(call.body);
const needsQuery = (_: unknown, call: { query: { limit: number } }): Promise<object> => Promise.resolve(call.query);
const needsTheMoon = (deps: { moon: string }): Promise<object> => Promise.resolve(deps);
const needsStream = (_: unknown, call: { stream: NodeJS.ReadableStream }): Promise<object> => Promise.resolve(call.stream);

export const compiles = [
  get('/v3/sync', anyone, {}, answer),
  post('/v3/rooms/:roomId/invite', session, { body: Invite, query: Page, limit: 'send' }, needsRoom),
  post('/v3/rooms/:roomId/invite', session, { body: Invite }, needsBody),
  get('/v3/rooms/:roomId/members', session, { query: Page }, needsQuery),
  post('/_matrix/media/v3/upload', session, { stream: true }, needsStream),
];

export const doesNotCompile = [
  // @ts-expect-error no parser is named `chamber`
  get('/v3/rooms/:chamber/members', session, {}, answer),
  // @ts-expect-error nor is the second one known
  get('/v3/rooms/:roomId/members/:memberId', session, {}, answer),
  // @ts-expect-error the path carries no room
  get('/v3/joined_rooms', session, {}, needsRoom),
  // @ts-expect-error a `roomIdOrAlias` is not a `RoomId`
  get('/v3/join/:roomIdOrAlias', session, {}, (_: unknown, call: { params: { roomIdOrAlias: RoomId } }) => answer()),
  // @ts-expect-error nobody is logged in
  get('/v3/account/whoami', anyone, {}, needsSession),
  // @ts-expect-error a body without a schema
  post('/v3/rooms/:roomId/invite', session, {}, needsBody),
  // @ts-expect-error a body of another shape
  post('/v3/rooms/:roomId/invite', session, { body: Page }, needsBody),
  // @ts-expect-error a query without a schema
  get('/v3/rooms/:roomId/members', session, {}, needsQuery),
  // @ts-expect-error a stream not asked for
  post('/_matrix/media/v3/upload', session, {}, needsStream),
  // @ts-expect-error no such limit
  put('/v3/rooms/:roomId/send/:eventType/:txnId', session, { limit: 'sending' }, answer),
  // @ts-expect-error no such service
  get('/v3/sync', session, {}, needsTheMoon),
];
