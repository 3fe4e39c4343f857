import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { clientApi } from './api/client.js';
import type { Services } from './api/services.js';
import { createAppServices, type AppServices } from './auth/app-services.js';
import { authenticate } from './auth/authenticate.js';
import { takeUpAppServices } from './auth/take-up-app-services.js';
import { createPasswords } from './auth/passwords.js';
import type { Config } from './config.js';
import { readSigningKeys } from './config-keys.js';
import { chargeInvites } from './directory/invites.js';
import { deviceListsObserver } from './e2ee/device-lists.js';
import { closeServer, createApp, type App } from './http/app.js';
import type { BucketsOf } from './http/limits.js';
import { createValidators } from './http/validate.js';
import { parseUserId } from './matrix/identifiers.js';
import type { JsonObject } from './matrix/schema.js';
import { directoryStore } from './media/blob-store.js';
import { grantToRecipients, mediaGrants, showAvatar } from './media/granting.js';
import { shardMediaKey } from './media/open.js';
import { deleteIdle } from './media/retention.js';
import { sweepBlobs } from './media/sweep.js';
import { userIdsByNid } from './auth/users-store.js';
import { putAccountData } from './profile/account-data.js';
import { settingsFollowUpgrades } from './profile/follow-upgrades.js';
import { ignoredBy } from './profile/ignored.js';
import { activityOf, Presence } from './profile/presence.js';
import { profileFields } from './profile/profile-store.js';
import { pushDifferences } from './push/differences.js';
import { noteIgnored } from './push/ignored.js';
import { rulesFollowTombstones } from './push/manual-upgrades.js';
import { rulesFollowUpgrades } from './push/rulesets.js';
import { pushCountWhenRead } from './push/tasks.js';
import { CurrentStates } from './rooms/current-states.js';
import { DELAYED_EVENT } from './rooms/delay.js';
import { delayedEventsObserver, sendWhenDue } from './rooms/delayed-events.js';
import { FilterSchema, RoomEventFilterSchema, type EventFilter, type Filter } from './rooms/filter.js';
import { showProfile } from './rooms/profile-changes.js';
import { deleteOldReports } from './rooms/reports.js';
import { StateCache } from './rooms/room-state.js';
import { stopOverdueTyping } from './rooms/typing.js';
import type { RoomWriting } from './rooms/writing.js';
import { Acknowledgements } from './sync/acknowledge.js';
import { KeyCounts } from './sync/key-counts.js';
import { LazyMembers } from './sync/lazy-members.js';
import { MyRooms } from './sync/my-rooms.js';
import { SharedTimelines } from './sync/shared-timelines.js';
import { UnwantedOf } from './sync/unwanted.js';
import { claimShard, migrate } from './storage/migrate.js';
import { startWorker } from './storage/outbox.js';
import { openSqlite } from './storage/sqlite.js';
import { currentPosition, Notifier } from './storage/stream.js';
import { MatrixError } from './matrix/errors.js';
import { appServiceCallsOf, appServiceObservers, telling } from './server-app-services.js';
import { accountObservers, tokenLifetimesOf, turnServerOf } from './server-accounts.js';
import { inferenceAlarm } from './server-alarms.js';
import { brakesOf, limitsOf, openBuckets } from './server-limits.js';
import { pushing } from './server-push.js';

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
    const services = await buildServices(config, db, { appServices, bucketsOf: buckets.bucketsOf, closing: closing.signal, log });
    const app = createApp({
      endpoints: clientApi,
      services,
      authenticate: (authorization, from) => authenticate(services, authorization, from),
      limits: limitsOf(config),
      bucketsOf: buckets.bucketsOf,
      log,
    });
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

interface Given {
  readonly appServices: AppServices;
  readonly bucketsOf: BucketsOf;
  readonly closing: AbortSignal;
  readonly log: Logger;
}

async function buildServices(config: Config, db: Awaited<ReturnType<typeof openDatabase>>, { appServices, bucketsOf, closing, log }: Given): Promise<Services> {
  const clock = Date.now;
  const { inviteBrakes, ...brakes } = brakesOf(config, bucketsOf);
  const [key] = readSigningKeys(config.signingKeyPath);
  const mediaKey = await shardMediaKey(db, config.cloison.mediaKeyPath, randomBytes);
  const notifier = new Notifier(db, await db.read(currentPosition));
  const presence = config.presence.enabled ? new Presence({ db, clock, notifier }) : undefined;
  const writing: RoomWriting = {
    db,
    clock,
    random: randomBytes,
    signer: { serverName: config.serverName, key },
    states: new StateCache(),
    observers: [mediaGrants(config.serverName), pushDifferences, rulesFollowTombstones, settingsFollowUpgrades, delayedEventsObserver, ...appServiceObservers(appServices), ...(presence === undefined ? [] : [activityOf(presence)])],
    inviteBrakes,
    inviteObserver: chargeInvites(config.cloison.introductions),
    maxRoomMembers: config.cloison.maxRoomMembers,
    memberProfile: async (tx, userNid) => {
      const fields = await profileFields(tx, userNid);
      const shown = fields.filter(({ field }) => field === 'displayname' || field === 'avatar_url');
      return Object.fromEntries(shown.map(({ field, value }) => [field, JSON.parse(value) as string]));
    },
  };
  return {
    ...writing,
    notifier,
    closing,
    currentStates: new CurrentStates(),
    myRooms: new MyRooms(notifier),
    keyCounts: new KeyCounts(notifier),
    sharedTimelines: new SharedTimelines(),
    lazyMembers: new LazyMembers(),
    unwanted: new UnwantedOf(notifier),
    ignoredBy,
    presence,
    acknowledgements: new Acknowledgements(db),
    ...filterParsers(),
    serverName: config.serverName,
    introductions: config.cloison.introductions,
    publicBaseurl: config.publicBaseurl,
    servesServerWellKnown: config.serveServerWellknown,
    supportContact: config.adminContact,
    defaultRoomVersion: config.defaultRoomVersion,
    registrationIsOpen: config.enableRegistration,
    registrationNeedsToken: config.registrationRequiresToken,
    registrationSharedSecret: config.registrationSharedSecret,
    appServices,
    appServiceCalls: appServiceCallsOf(config, closing),
    passwords: createPasswords(Math.max(1, availableParallelism() - 1)),
    ...brakes,
    tokenLifetimes: tokenLifetimesOf(config),
    turnServer: turnServerOf(config),
    deviceObserver: deviceListsObserver,
    accountObservers: accountObservers(writing),
    upgradeObserver: rulesFollowUpgrades,
    accountDataObserver: { onAccountData: noteIgnored },
    toDeviceObserver: { onToDevice: grantToRecipients },
    readObserver: pushCountWhenRead,
    gateways: config.cloison.push.gateways,
    profileObserver: {
      profileChanged: async (tx, userNid, changed) => {
        if (typeof changed.avatar_url === 'string') await showAvatar(tx, config.serverName, { userNid, url: changed.avatar_url, now: clock() });
        const userId = (await userIdsByNid(tx, [userNid])).get(userNid);
        if (userId !== undefined) await showProfile(writing, tx, { userNid, userId: parseUserId(userId) }, changed);
      },
    },
    writeRoomAccountData: (tx, { content, ...key }) => putAccountData(tx, key, content as JsonObject),
    blobs: await directoryStore(config.mediaStorePath),
    mediaKey,
    inferenceAlarm: inferenceAlarm(config, log),
    maxUploadSize: config.maxUploadSize,
    quotas: config.cloison.mediaQuotas,
    maxEventDelayMs: config.maxEventDelayDuration ?? 0,
  };
}

/** Filters given in a query are JSON within a string, so they are checked where they are read. */
function filterParsers(): { parseFilter: (text: string) => Filter; parseEventFilter: (text: string) => EventFilter } {
  const validators = createValidators();
  const [checkFilter, checkEventFilter] = [validators.body(FilterSchema), validators.body(RoomEventFilterSchema)];
  // The engine compiles a check at its first use: not while somebody waits for their first sync.
  checkFilter({ room: { timeline: {}, state: {}, ephemeral: {}, account_data: {} } });
  return {
    parseFilter: remembered((text) => checkFilter(parseJson(text)) as Filter),
    parseEventFilter: (text) => checkEventFilter(parseJson(text)) as EventFilter,
  };
}

/** A client sends the same filter with every poll. */
function remembered<Value>(parse: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const value = known.get(text) ?? parse(text);
    if (known.size >= 1000) known.clear();
    known.set(text, value);
    return value;
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not even as a cause: the parser's own words repeat what was asked, and the log would keep it (RULES B15).
    throw new MatrixError('M_NOT_JSON', 'The filter is not JSON');
  }
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
    every(SWEEP_EVERY_MS, 'sweeping media', async () => {
      await deleteIdle(services);
      await sweepBlobs(services);
    }),
  ];
}
