import type { Readable } from 'node:stream';
import type { Session } from '../auth/session.js';
import { MatrixError, type Errcode } from '../matrix/errors.js';
import {
  parseDeviceId,
  parseEventId,
  parseKeyName,
  parseOpaque,
  parseRoomAlias,
  parseRoomId,
  parseServerName,
  parseUserId,
} from '../matrix/identifiers.js';
import type { Reply } from '../matrix/reply.js';
import { noBody, type Schema, type TypeOf } from '../matrix/schema.js';
import type { Services } from './services.js';

/** Who may call a row. A handler of an `anyone` row is never told of a session, whatever token comes along. */
export const anyone = 'anyone';
export const session = 'session';
export type Who = typeof anyone | typeof session;

/** Every name a path may carry after a colon, and what makes it a value. */
export const pathParsers = {
  appserviceId: parseOpaque,
  delayId: parseOpaque,
  deviceId: parseDeviceId,
  eventId: parseEventId,
  eventType: parseOpaque,
  fileName: parseOpaque,
  filterId: parseOpaque,
  idpId: parseOpaque,
  keyName: parseKeyName,
  kind: parseOpaque,
  mediaId: parseOpaque,
  networkId: parseOpaque,
  protocol: parseOpaque,
  receiptType: parseOpaque,
  relType: parseOpaque,
  roomAlias: parseRoomAlias,
  roomId: parseRoomId,
  roomIdOrAlias: parseOpaque,
  ruleId: parseOpaque,
  scope: parseOpaque,
  serverName: parseServerName,
  sessionId: parseOpaque,
  stateKey: parseOpaque,
  tag: parseOpaque,
  txnId: parseOpaque,
  type: parseOpaque,
  userId: parseUserId,
  version: parseOpaque,
};
type Parsers = typeof pathParsers;
export type ParamName = keyof Parsers;

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
export type LimitName =
  | 'createMedia'
  | 'createRoom'
  | 'delayed'
  | 'join'
  | 'login'
  | 'presence'
  | 'profile'
  | 'redact'
  | 'register'
  | 'registrationToken'
  | 'report'
  | 'searchUsers'
  | 'send';

export interface Shapes {
  /** The JSON object of the request. An absent body counts as `{}`, but for PUT, where the body is the point. */
  readonly body?: Schema<unknown>;
  readonly query?: Schema<unknown>;
  readonly limit?: LimitName;
  /** Further versions of the path, put in the place of its first segment: `/unstable/org.matrix.msc4133`. */
  readonly aliases?: readonly `/${string}`[];
  /** Bytes a body may have, when 64 KiB (the limit of an event) is too few. */
  readonly maxBody?: number;
  /** The handler reads `call.stream` itself, and bounds it itself. */
  readonly stream?: true;
  /** Whose account is locked may call it all the same. */
  readonly evenLocked?: true;
  /** Whose account is suspended may not call it. */
  readonly activeOnly?: true;
}

/** Whoever waits for the answer. */
export interface Client {
  readonly isGone: boolean;
  /** Calls back when the client goes away before it has its answer, until the returned function is called. */
  onGone(callback: () => void): () => void;
}

interface Always {
  readonly ip: string;
  readonly userAgent: string | undefined;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly contentLength: number | undefined;
  readonly client: Client;
}

/** What a handler may ask of the request, given its row. `bodyBytes` is the body as it came: what is kept of it need not be written again. */
export type CallOf<Path extends string, W extends Who, S extends Shapes> = Always & { readonly params: ParamsOf<Path> } & (
    W extends typeof session ? { readonly session: Session } : unknown
  ) & (S extends { body: infer B } ? { readonly body: TypeOf<B>; readonly bodyBytes: Buffer } : unknown) &
  (S extends { query: infer Q } ? { readonly query: TypeOf<Q> } : unknown) &
  (S extends { stream: true } ? { readonly stream: Readable } : unknown);

type NamesIn<Path extends string> = Path extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer After}` ? Name | NamesIn<After> : Rest
  : never;
type ParamsOf<Path extends string> = { readonly [Name in NamesIn<Path> & ParamName]: ReturnType<Parsers[Name]> };
type WithKnownNames<Path extends string> = NamesIn<Path> extends ParamName ? Path : never;

/** One row of the API. `handler` is called only with the call its row describes: the row constructors see to it. */
export interface Endpoint {
  readonly method: Method;
  readonly path: string;
  readonly who: Who;
  readonly shapes: Shapes;
  readonly handler: (deps: Services, call: never) => Promise<Reply>;
  /** What a row that is there in order to be refused answers. */
  readonly refusal?: Refusal;
}

export interface Refusal {
  readonly errcode: Errcode;
  readonly message: string;
}

function row(method: Method) {
  return <const Path extends string, W extends Who, S extends Shapes>(
    path: Path & WithKnownNames<Path>,
    who: W,
    shapes: S,
    handler: (deps: Services, call: CallOf<Path, W, S>) => Promise<Reply>,
  ): Endpoint => ({ method, path, who, shapes, handler });
}

export const get = row('GET');
export const put = row('PUT');
export const post = row('POST');
export const del = row('DELETE');

/** A row that is there in order to be refused, to whoever sends a well-formed request, in words a person understands. */
export function refused<const Path extends string>(
  method: Method,
  path: Path & WithKnownNames<Path>,
  who: Who,
  refusal: Refusal,
): Endpoint {
  const shapes = method === 'GET' ? {} : { body: noBody };
  return { method, path, who, shapes, refusal, handler: () => Promise.reject(new MatrixError(refusal.errcode, refusal.message)) };
}

/**
 * Every path a row answers under. A row's path is below `/_matrix/client` unless it names another root;
 * what is served as v3 is served as r0 too, as clients of before v1.1 ask for it.
 */
export function pathsOf({ path, shapes }: Endpoint): readonly string[] {
  const whole = /^\/[_.]/.test(path) ? path : `/_matrix/client${path}`;
  const older = whole.includes('/v3/') ? [whole.replace('/v3/', '/r0/')] : [];
  const rest = path.slice(path.indexOf('/', 1));
  const aliases = (shapes.aliases ?? []).map((prefix) => `/_matrix/client${prefix}${rest}`);
  return [whole, ...older, ...aliases];
}
