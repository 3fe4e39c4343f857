import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { isObject, parseJson, type JsonObject } from './exact-json.js';

export interface Outgoing {
  readonly method: string;
  /** Path and query as they go over the wire. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What belongs to one connection, and the compression nobody here can read. https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const OWN_TO_A_CONNECTION = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'accept-encoding'];

export function forwarded(headers: IncomingHttpHeaders, ...except: readonly string[]): IncomingHttpHeaders {
  const dropped = [...OWN_TO_A_CONNECTION, ...except];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.includes(name)));
}

/** The server behind a proxy, and who its tokens belong to. */
export class Upstream {
  readonly #users = new Map<string, Promise<string | undefined>>();

  constructor(readonly baseUrl: string) {}

  /** Begins a request whose body is written by the caller. A connection each, so that a server may be restarted behind the proxy. */
  begin({ method, target, headers }: Omit<Outgoing, 'body'>, signal: AbortSignal) {
    return request(new URL(this.baseUrl), { method, path: target, headers, agent: false, signal });
  }

  async send({ method, target, headers, body }: Outgoing, signal: AbortSignal): Promise<Answer> {
    // Without a body there is no length to tell, unless the client told one.
    const length = body.length > 0 || 'content-length' in headers ? { 'content-length': String(body.length) } : {};
    const outgoing = this.begin({ method, target, headers: { ...forwarded(headers, 'transfer-encoding', 'content-length'), ...length } }, signal);
    return new Promise((resolve, reject) => {
      outgoing.on('error', reject).on('response', (incoming) => resolve(received(incoming)));
      outgoing.end(body);
    });
  }

  /** A request of the proxy itself, on behalf of whoever holds the token. */
  async ask(method: string, path: string, token: string, body?: JsonObject): Promise<{ readonly status: number; readonly body: JsonObject }> {
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const text = body === undefined ? '' : JSON.stringify(body);
    const answer = await this.send({ method, target: `/_matrix/client${path}`, headers, body: Buffer.from(text) }, new AbortController().signal);
    const value = parseJson(answer.body.toString('utf8'));
    return { status: answer.status, body: isObject(value) ? value : {} };
  }

  /** Who holds a token, undefined when nobody does. */
  userOf(token: string): Promise<string | undefined> {
    const known = this.#users.get(token);
    if (known !== undefined) return known;
    const asked = this.ask('GET', '/v3/account/whoami', token).then(({ body }) => (typeof body['user_id'] === 'string' ? body['user_id'] : undefined));
    this.#users.set(token, asked);
    // Only what is known for good is kept.
    asked.then((user) => user ?? this.#users.delete(token), () => this.#users.delete(token));
    return asked;
  }
}

async function received(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return { status: incoming.statusCode ?? 502, headers: incoming.headers, body: Buffer.concat(chunks) };
}
