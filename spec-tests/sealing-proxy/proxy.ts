import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import type { Call, Shared } from './call.js';
import { Media } from './media.js';
import { PublicRooms } from './public-rooms.js';
import { ruleFor, type Rule } from './rules.js';
import { forwarded, Upstream } from './upstream.js';

export interface Proxy {
  readonly url: string;
  stop(): Promise<void>;
}

export function newShared(): Shared {
  return { messageKey: randomBytes(32), rooms: new PublicRooms(), media: new Media() };
}

/** Stands before one server, and turns a client that knows nothing of encryption into one that seals all it says. */
export async function startProxy(shared: Shared, listen: { readonly host: string; readonly port: number }, upstreamUrl: string): Promise<Proxy> {
  const upstream = new Upstream(upstreamUrl);
  const server = createServer((req, res) => {
    const gone = new AbortController();
    res.on('close', () => gone.abort());
    serve(upstream, shared, req, res, gone.signal).catch((error: unknown) => fail(res, error));
  });
  // Clients hold connections between their requests; one closed under a request that is not repeatable would fail it.
  Object.assign(server, { keepAliveTimeout: 120_000, requestTimeout: 0 });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(listen.port, listen.host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${listen.host}:${port}`,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

async function serve(upstream: Upstream, shared: Shared, req: IncomingMessage, res: ServerResponse, signal: AbortSignal): Promise<void> {
  const { method = 'GET', url = '/' } = req;
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const rule = ruleFor(method, path);
  if (rule === undefined) return passThrough(upstream, req, res, signal);
  const answer = await rule.handler(await callOf(upstream, shared, req, rule, { path, query: at < 0 ? '' : url.slice(at) }), (call) =>
    upstream.send({ ...call, target: `${call.path}${call.query}` }, signal));
  res.writeHead(answer.status, { ...forwarded(answer.headers, 'transfer-encoding'), 'content-length': String(answer.body.length) });
  res.end(answer.body);
}

async function callOf(upstream: Upstream, shared: Shared, req: IncomingMessage, { params }: Rule, target: Pick<Call, 'path' | 'query'>): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const token = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? new URLSearchParams(target.query).get('access_token') ?? undefined;
  return { ...target, method: req.method ?? 'GET', headers: req.headers, body: Buffer.concat(chunks), params, token, upstream, shared };
}

/** Streams a request and its answer, neither of which is looked at. */
function passThrough(upstream: Upstream, req: IncomingMessage, res: ServerResponse, signal: AbortSignal): Promise<void> {
  const outgoing = upstream.begin({ method: req.method ?? 'GET', target: req.url ?? '/', headers: forwarded(req.headers) }, signal);
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject).on('response', (incoming) => {
      res.writeHead(incoming.statusCode ?? 502, forwarded(incoming.headers, 'transfer-encoding'));
      pipeline(incoming, res, (error) => (error ? reject(error) : resolve()));
    });
    req.pipe(outgoing);
  });
}

/** The server cannot be reached, or went away within its answer. */
function fail(res: ServerResponse, error: unknown): void {
  if (res.headersSent) return void res.destroy();
  const body = JSON.stringify({ errcode: 'M_UNKNOWN', error: `The server behind the sealing proxy does not answer: ${String(error)}` });
  res.writeHead(502, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }).end(body);
}
