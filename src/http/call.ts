import type { IncomingMessage, ServerResponse } from 'node:http';
import { pathParsers, type Client, type Endpoint, type Method, type ParamName } from '../api/endpoint.js';
import type { Services } from '../api/services.js';
import type { Session } from '../auth/session.js';
import type { Reply } from '../matrix/reply.js';
import { parseJsonObject, textOf } from './body.js';
import type { Match } from './routes.js';
import { decodeComponent, parseQuery, type Check } from './validate.js';

/** A row ready to serve. */
export interface Target {
  readonly endpoint: Endpoint;
  readonly handler: (deps: Services, call: object) => Promise<Reply>;
  readonly checkBody: Check | undefined;
  readonly checkQuery: Check | undefined;
}

export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly ip: string;
  /** What follows the question mark. */
  readonly query: string;
}

const SILENCE_MS = 60_000;

/** Makes the call a row describes (`CallOf`), or throws the refusal the request earns. `bytes` is its body, where a row has one. */
export function parseCall(match: Match<Target>, exchange: Exchange, session: Session | undefined, bytes: Buffer | undefined): object {
  const { endpoint, checkBody, checkQuery } = match.target;
  if (endpoint.shapes.stream === true) exchange.req.setTimeout(SILENCE_MS, () => { exchange.req.destroy(); });
  const params = parseParams(match);
  const query = checkQuery?.(parseQuery(exchange.query));
  const body = bytes && checkBody?.(parseBody(textOf(bytes), endpoint.method));
  return new Call(exchange, { session, params, query, body, bodyBytes: bytes });
}

interface Parsed {
  readonly session: Session | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
  readonly bodyBytes: Buffer | undefined;
}

// A class for the sake of its getter: in an object literal one costs more than all the rest of a request.
class Call {
  readonly session;
  readonly params;
  readonly query;
  readonly body;
  readonly bodyBytes;
  readonly stream;
  readonly ip;
  readonly userAgent;
  readonly authorization;
  readonly contentType;
  readonly contentLength;
  readonly #res;

  constructor({ req, res, ip }: Exchange, parsed: Parsed) {
    const { headers } = req;
    const length = headers['content-length'];
    this.session = parsed.session;
    this.params = parsed.params;
    this.query = parsed.query;
    this.body = parsed.body;
    this.bodyBytes = parsed.bodyBytes;
    this.stream = req;
    this.ip = ip;
    this.userAgent = headers['user-agent'];
    this.authorization = headers.authorization;
    this.contentType = headers['content-type'];
    this.contentLength = length === undefined ? undefined : Number(length);
    this.#res = res;
  }

  /** Made when asked for: few handlers wait. */
  get client(): Client {
    return new Waiting(this.#res);
  }
}

function parseParams({ names, values }: Match<Target>): Readonly<Record<string, string>> {
  const params: Record<string, string> = {};
  names.forEach((name, i) => {
    params[name] = pathParsers[name as ParamName](decodeComponent(values[i] ?? ''));
  });
  return params;
}

function parseBody(text: string, method: Method): object {
  return text === '' && method !== 'PUT' ? {} : parseJsonObject(text);
}

// An AbortSignal would say the same, and cost as much as the rest of a poll.
class Waiting implements Client {
  constructor(private readonly res: ServerResponse) {}

  get isGone(): boolean {
    return this.res.destroyed && !this.res.writableEnded;
  }

  onGone(callback: () => void): () => void {
    this.res.once('close', callback);
    return () => { this.res.off('close', callback); };
  }
}
