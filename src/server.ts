import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { clientApi } from './api/client.js';
import type { Services } from './api/services.js';
import { createAppServices } from './auth/app-services.js';
import { authenticate } from './auth/authenticate.js';
import { takeUpAppServices } from './auth/take-up-app-services.js';
import type { Config } from './config.js';
import { forgetOldTransactions } from './e2ee/to-device.js';
import { closeServer, createApp, type App } from './http/app.js';
import { deleteIdle } from './media/retention.js';
import { sweepBlobs } from './media/sweep.js';
import { DELAYED_EVENT } from './rooms/delay.js';
import { sendWhenDue } from './rooms/delayed-events.js';
import { deleteOldReports } from './rooms/reports.js';
import { stopOverdueTyping } from './rooms/typing.js';
import { claimShard, migrate } from './storage/migrate.js';
import { startWorker } from './storage/outbox.js';
import { openSqlite } from './storage/sqlite.js';
import { warmUp } from './sync/warm-up.js';
import { telling } from './server-app-services.js';
import { limitsOf, openBuckets } from './server-limits.js';
import { pushing } from './server-push.js';
import { buildServices } from './server-services.js';

/** A server that answers. */
export interface RunningServer {
  readonly urls: readonly string[];
  /** Answers long polls, lets requests in flight finish, closes the database. */
  close(): Promise<void>;
}

const GRACE_MS = 10_000;
const TYPING_EVERY_MS = 2_000;
const PRESENCE_EVERY_MS = 5_000;
const SWEEP_EVERY_MS = 3_600_000;

/** Builds every part of a server once, in the order in which they need each other, and begins to listen. */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  const clock = Date.now;
  const db = await openDatabase(config, log);
  try {
    await migrate(db, { clock });
    await db.transaction((tx) => claimShard(tx, config.serverName, clock()));
    const appServices = createAppServices(config.appServiceConfigFiles, config.serverName);
    await takeUpAppServices({ db, clock, appServices });
    const closing = new AbortController();
    const buckets = openBuckets({ db, clock });
    const services = await buildServices(config, db, { clock, appServices, bucketsOf: buckets.bucketsOf, closing: closing.signal, log });
    const app = createApp({
      endpoints: clientApi,
      services,
      authenticate: (authorization, from) => authenticate(services, authorization, from),
      limits: limitsOf(config),
      bucketsOf: buckets.bucketsOf,
      log,
    });
    await warmUp(services);
    const servers = await listen(app, config);
    const workers = startWorkers(services, { buckets, reportsKeptMs: config.cloison.reportsKept }, log);
    const pushes = pushing(services, config, log);
    const told = await telling(services, log);
    const delayed = startOutbox(services, log);
    return {
      urls: servers.map(urlOf),
      close: async () => {
        closing.abort();
        services.notifier.wakeEverybody();
        workers.forEach(clearInterval);
        await Promise.all([...servers.map((server) => closeServer(server, GRACE_MS)), pushes.stop(), told.stop(), delayed.stop()]);
        await db.close();
      },
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function openDatabase({ database }: Config, log: Logger): ReturnType<typeof openSqlite> {
  const report = (problem: Error): void => { log.error({ cause: problem.message, inner: String(problem.cause) }, 'database'); };
  if (database.engine === 'sqlite') return openSqlite({ path: database.path, report });
  // Loaded only where it is used: the driver takes more memory than the embedded database.
  const { openPostgres } = await import('./storage/postgres.js');
  return openPostgres({ connection: database.connection, ...(database.connections === undefined ? {} : { connections: database.connections }), report });
}

async function listen(app: App, { listeners }: Config): Promise<readonly Server[]> {
  const servers: Server[] = [];
  try {
    for (const { port, bindAddresses, xForwarded } of listeners) {
      for (const host of bindAddresses) {
        const server = app.server({ xForwarded });
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(port, host, resolve);
        });
        servers.push(server);
      }
    }
    return servers;
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function startOutbox(services: Services, log: Logger): { stop(): Promise<void> } {
  const report = (problem: Error): void => { log.error({ cause: problem.message, inner: String(problem.cause) }, 'outbox'); };
  return startWorker({ ...services, kind: DELAYED_EVENT, handle: (task) => sendWhenDue(services, task), report });
}

interface Swept {
  readonly buckets: ReturnType<typeof openBuckets>;
  readonly reportsKeptMs: number | undefined;
}

function startWorkers(services: Services, { buckets, reportsKeptMs }: Swept, log: Logger): readonly NodeJS.Timeout[] {
  const every = (ms: number, what: string, work: () => Promise<unknown>): NodeJS.Timeout =>
    setInterval(() => {
      work().catch((cause: unknown) => { log.error({ cause: String(cause) }, what); });
    }, ms).unref();
  return [
    every(TYPING_EVERY_MS, 'typing', () => stopOverdueTyping(services)),
    ...(services.presence === undefined ? [] : [every(PRESENCE_EVERY_MS, 'presence', () => services.presence?.flush() ?? Promise.resolve())]),
    every(SWEEP_EVERY_MS, 'sweeping rates', () => buckets.forgetDrained()),
    every(SWEEP_EVERY_MS, 'sweeping reports', () => deleteOldReports({ ...services, reportsKeptMs })),
    every(SWEEP_EVERY_MS, 'sweeping messages to devices', () => forgetOldTransactions(services)),
    every(SWEEP_EVERY_MS, 'sweeping media', async () => {
      await deleteIdle(services);
      await sweepBlobs(services);
    }),
  ];
}
