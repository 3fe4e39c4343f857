import type { IncomingHttpHeaders } from 'node:http';
import { isObject, parseJson, writeJson, type JsonObject, type JsonValue } from './exact-json.js';
import type { Media } from './media.js';
import type { PublicRooms } from './public-rooms.js';
import type { Answer, Upstream } from './upstream.js';

/** What all proxies of a process share, so that what was sealed before one server opens before another. */
export interface Shared {
  readonly messageKey: Buffer;
  readonly rooms: PublicRooms;
  readonly media: Media;
}

/** A client's request whose body has been read. */
export interface Call {
  readonly method: string;
  /** As they go over the wire. */
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly token: string | undefined;
  readonly upstream: Upstream;
  readonly shared: Shared;
}

/** Sends a call on to the server. */
export type Next = (call: Call) => Promise<Answer>;
/** What a rule makes of a call and its answer. */
export type Handler = (call: Call, next: Next) => Promise<Answer>;

export function param(call: Call, name: string): string {
  return call.params[name] ?? '';
}

export function query(call: Call): URLSearchParams {
  return new URLSearchParams(call.query);
}

export function withJson(call: Call, body: JsonObject): Call {
  return { ...call, body: Buffer.from(writeJson(body)) };
}

export function withQuery(call: Call, parameters: URLSearchParams): Call {
  const text = parameters.toString();
  return { ...call, query: text === '' ? '' : `?${text}` };
}

/** The call with one segment of its path replaced, counted from the end. */
export function withSegment(call: Call, fromEnd: number, segment: string): Call {
  const segments = call.path.split('/');
  segments[segments.length - fromEnd] = encodeURIComponent(segment);
  return { ...call, path: segments.join('/') };
}

/** The JSON of an answer, undefined when it is none. */
export function jsonOf(answer: Answer): JsonValue | undefined {
  return /^application\/json\b/.test(answer.headers['content-type'] ?? '') ? parseJson(answer.body.toString('utf8')) : undefined;
}

/** The JSON object of an answer of success. */
export function successOf(answer: Answer): JsonObject | undefined {
  const body = answer.status === 200 ? jsonOf(answer) : undefined;
  return isObject(body) ? body : undefined;
}

/** An answer with its JSON changed; byte for byte the same when nothing changes. */
export function editJson(answer: Answer, edit: (body: JsonValue) => JsonValue): Answer {
  const body = jsonOf(answer);
  const edited = body === undefined ? undefined : edit(body);
  return edited === undefined || edited === body ? answer : { ...answer, body: Buffer.from(writeJson(edited)) };
}
