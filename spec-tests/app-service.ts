import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RoomEvent } from './harness.js';

/** What a registration file says. https://spec.matrix.org/v1.19/application-service-api/#registration */
export interface Registration {
  readonly id: string;
  readonly url: string | null;
  readonly as_token: string;
  readonly hs_token: string;
}

/** A service whose users are `@_ID_…`, and whose aliases are `#_ID_…`. */
export function registration(id: string, url: string | null = null): Registration {
  const token = (direction: string): string => `${id}-${direction}`.padEnd(32, '1');
  return {
    id, url, as_token: token('as'), hs_token: token('hs'), ...{ sender_localpart: `${id}-bot`, rate_limited: false },
    ...{ namespaces: { users: [{ regex: `@_${id}_.*:localhost`, exclusive: true }], aliases: [{ regex: `#_${id}_.*:localhost`, exclusive: true }] } },
  };
}

/** Files of registrations, as a server's settings name them. */
export function registrationFiles(...registrations: readonly Registration[]): { readonly settings: { readonly app_service_config_files: readonly string[] }; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'cloison-services-'));
  const files = registrations.map((one) => {
    const file = join(folder, `${one.id}.yaml`);
    writeFileSync(file, JSON.stringify(one));
    return file;
  });
  return { settings: { app_service_config_files: files }, remove: () => { rmSync(folder, { recursive: true, force: true }); } };
}

/** A request as the service got it. */
export interface Request {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: { readonly events?: readonly (RoomEvent & { readonly room_id: string })[]; readonly transaction_id?: string };
}

/** An application service that remembers what it was asked. */
export interface AppService {
  readonly url: string;
  readonly requests: readonly Request[];
  /** How it answers from now on; it takes everything at first. */
  answer(by: (response: ServerResponse, request: Request) => void): void;
  /** The events of the transactions it answered with 200, in the order in which they came, each transaction once. */
  taken(): readonly (RoomEvent & { readonly room_id: string })[];
  /** Waits until something holds. */
  until(holds: () => boolean): Promise<void>;
  stop(): Promise<void>;
}

export async function startAppService(): Promise<AppService> {
  const requests: Request[] = [];
  const taken = new Map<string, NonNullable<Request['body']['events']>>();
  let answer: Parameters<AppService['answer']>[0] = (response) => { take(response); };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url = '', headers: { authorization } } = incoming;
      const request: Request = { method, url, authorization, body: JSON.parse(Buffer.concat(chunks).toString()) as Request['body'] };
      requests.push(request);
      response.on('finish', () => { if (response.statusCode === 200 && !taken.has(url)) taken.set(url, request.body.events ?? []); });
      answer(response, request);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (by) => { answer = by; },
    taken: () => [...taken.values()].flat(),
    until: async (holds) => {
      for (const deadline = performance.now() + 15_000; performance.now() < deadline; ) {
        if (holds()) return;
        await new Promise((later) => setTimeout(later, 20));
      }
      throw new Error(`what was awaited did not come to the application service, but ${JSON.stringify(requests)}`);
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export function take(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
}

export function fail(response: ServerResponse): void {
  response.writeHead(500, { 'Content-Type': 'application/json' }).end('{"errcode":"M_UNKNOWN"}');
}
