import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Person } from './harness.js';

/** https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify */
export interface Notification {
  readonly event_id?: string;
  readonly room_id?: string;
  readonly prio?: string;
  readonly counts?: { readonly unread?: number };
  readonly devices: readonly { readonly app_id: string; readonly pushkey: string; readonly pushkey_ts?: number; readonly data?: object }[];
}

/** A push gateway that remembers what it was sent. */
export interface Gateway {
  readonly url: string;
  readonly received: readonly Notification[];
  /** How it answers from now on; it takes everything at first. */
  answer(by: (response: ServerResponse, notification: Notification) => void): void;
  /** Waits for the first notification, from the `from`th on, that fits. */
  next(fits: (notification: Notification) => boolean, from?: number): Promise<Notification>;
  stop(): Promise<void>;
}

export const NOTIFY = '/_matrix/push/v1/notify';

export async function startGateway(): Promise<Gateway> {
  const received: Notification[] = [];
  let answer: Parameters<Gateway['answer']>[0] = (response) => { taken(response); };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method !== 'POST' || request.url !== NOTIFY) {
        response.writeHead(404).end();
        return;
      }
      const { notification } = JSON.parse(Buffer.concat(chunks).toString()) as { notification: Notification };
      received.push(notification);
      answer(response, notification);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (by) => { answer = by; },
    next: async (fits, from = 0) => {
      for (const deadline = performance.now() + 60_000; performance.now() < deadline; ) {
        const found = received.slice(from).find(fits);
        if (found !== undefined) return found;
        await new Promise((later) => setTimeout(later, 20));
      }
      throw new Error(`the gateway was not sent what was awaited, but ${JSON.stringify(received.slice(from))}`);
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export function taken(response: ServerResponse, rejected: readonly string[] = []): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ rejected }));
}

/** What a client sends to set a pusher. */
export function pusher(gateway: { readonly url: string }, pushkey: string, more: object = {}): object {
  return {
    kind: 'http', app_id: 'org.example.app', pushkey, app_display_name: 'App', device_display_name: 'Telephone', lang: 'en',
    data: { url: `${gateway.url}${NOTIFY}`, format: 'event_id_only', brand: 'app' }, ...more,
  };
}

export const isFor = ({ pushkey }: { readonly pushkey: string }) => ({ devices }: Notification): boolean => devices.some((device) => device.pushkey === pushkey);

/** A server's settings with which it pushes to these gateways on this machine. */
export function pushingTo(...gateways: readonly { readonly url: string }[]): Readonly<Record<string, unknown>> {
  const cloison = { introductions: { per_day: 1e6, per_week: 1e6 }, to_device: { per_second: 1e12, burst_count: 1e12 } };
  return { cloison: { ...cloison, push: { gateways: gateways.map(({ url }) => url) } }, ip_range_whitelist: ['127.0.0.1'] };
}

/** A pushkey nobody else has. */
export function keyOf({ deviceId, userId }: Person): string {
  return `key of ${userId} ${deviceId}`;
}
