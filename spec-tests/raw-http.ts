import { Agent, request } from 'node:http';

export interface RawRequest {
  readonly method: string;
  /** Path and query, sent as they stand. */
  readonly target: string;
  readonly token?: string | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** The body goes without saying how long it is. */
  readonly chunked?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** A request of which nothing is checked or put right on the way. A server that answers before it has the whole body is heard. */
export function sendRaw(baseUrl: string, { method, target, token, body, chunked = false, headers = {} }: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const length = chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': String(Buffer.byteLength(body ?? '')) };
    const entity = body === undefined ? {} : { 'Content-Type': 'application/json', ...length };
    const { hostname, port } = new URL(baseUrl);
    let answered = false;
    const req = request({ agent, hostname, port, method, path: target, headers: { ...authorization, ...entity, ...headers } }, (res) => {
      answered = true;
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.once('error', reject);
      res.once('end', () => {
        // What is left of the body nobody waits for.
        if (!req.writableFinished) req.destroy();
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text: Buffer.concat(chunks).toString() });
      });
    });
    req.on('error', (error) => { if (!answered) reject(error); });
    req.end(body);
  });
}

/** Announces a body of `length` bytes, sends `part` of it and goes away; resolves when the connection is closed. */
export function breakOff(baseUrl: string, { method, target, token }: RawRequest, part = '{"a', length = 100): Promise<void> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(baseUrl);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': String(length), ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
    const req = request({ hostname, port, method, path: target, headers });
    req.on('error', () => undefined);
    req.once('close', resolve);
    req.on('response', (res) => { res.resume(); });
    req.write(part, () => setTimeout(() => req.destroy(), 10));
  });
}
