import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import type { Services } from './api/services.js';
import type { AppServices } from './auth/app-services.js';
import { createPasswords } from './auth/passwords.js';
import type { Config } from './config.js';
import { readSigningKeys } from './config-keys.js';
import { chargeInvites } from './directory/invites.js';
import { deviceListsObserver } from './e2ee/device-lists.js';
import { PublishedKeysMemory } from './e2ee/published-keys.js';
import type { BucketsOf } from './http/limits.js';
import { createValidators } from './http/validate.js';
import type { Clock } from './matrix/clock.js';
import { parseUserId } from './matrix/identifiers.js';
import type { JsonObject } from './matrix/schema.js';
import { secretOf } from './matrix/signing.js';
import { directoryStore } from './media/blob-store.js';
import { grantToRecipients, mediaGrants, showAvatar } from './media/granting.js';
import { shardMediaKey } from './media/open.js';
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
import { delayedEventsObserver } from './rooms/delayed-events.js';
import { FilterSchema, RoomEventFilterSchema, type EventFilter, type Filter } from './rooms/filter.js';
import { showProfile } from './rooms/profile-changes.js';
import { StateCache } from './rooms/room-state.js';
import type { RoomWriting } from './rooms/writing.js';
import { currentPosition, Notifier } from './storage/stream.js';
import { syncMemories } from './sync/memories.js';
import { MatrixError } from './matrix/errors.js';
import { appServiceCallsOf, appServiceObservers } from './server-app-services.js';
import { accountObservers, tokenLifetimesOf, turnServerOf } from './server-accounts.js';
import { inferenceAlarm } from './server-alarms.js';
import { brakesOf } from './server-limits.js';
import type { ProfileObserver } from './profile/set-profile.js';
import type { Database } from './storage/database.js';

interface Given {
  readonly clock: Clock;
  readonly appServices: AppServices;
  readonly bucketsOf: BucketsOf;
  readonly closing: AbortSignal;
  readonly log: Logger;
}

/** Everything any handler may ask for, each part once. */
export async function buildServices(config: Config, db: Database, { clock, appServices, bucketsOf, closing, log }: Given): Promise<Services> {
  const { inviteBrakes, ...brakes } = brakesOf(config, bucketsOf);
  const notifier = new Notifier(db, await db.read(currentPosition));
  const presence = config.presence.enabled ? new Presence({ db, clock, notifier }) : undefined;
  const writing: RoomWriting = {
    db,
    clock,
    random: randomBytes,
    signer: { serverName: config.serverName, key: readSigningKeys(config.signingKeyPath)[0] },
    states: new StateCache(),
    observers: [
      mediaGrants(config.serverName), pushDifferences, rulesFollowTombstones, settingsFollowUpgrades, delayedEventsObserver,
      ...appServiceObservers(appServices), ...(presence === undefined ? [] : [activityOf(presence)]),
    ],
    inviteBrakes,
    inviteObserver: chargeInvites(config.cloison.introductions),
    maxRoomMembers: config.cloison.maxRoomMembers,
    memberProfile: shownProfile,
  };
  return {
    ...writing,
    ...brakes,
    ...settingsOf(config),
    notifier,
    ...syncMemories(db, notifier),
    ...observing(writing),
    ...filterParsers(),
    closing,
    presence,
    currentStates: new CurrentStates(),
    publishedKeys: new PublishedKeysMemory(),
    appServices,
    appServiceCalls: appServiceCallsOf(config, closing),
    passwords: createPasswords(Math.max(1, availableParallelism() - 1), secretOf(writing.signer.key, 'passwords of nobody')),
    blobs: await directoryStore(config.mediaStorePath),
    mediaKey: await shardMediaKey(db, config.cloison.mediaKeyPath, randomBytes),
    inferenceAlarm: inferenceAlarm(config, log),
  };
}

/** What the configuration says, under the names that handlers ask by. */
function settingsOf(config: Config) {
  return {
    serverName: config.serverName,
    introductions: config.cloison.introductions,
    publicBaseurl: config.publicBaseurl,
    servesServerWellKnown: config.serveServerWellknown,
    supportContact: config.adminContact,
    defaultRoomVersion: config.defaultRoomVersion,
    registrationIsOpen: config.enableRegistration,
    registrationNeedsToken: config.registrationRequiresToken,
    registrationSharedSecret: config.registrationSharedSecret,
    tokenLifetimes: tokenLifetimesOf(config),
    turnServer: turnServerOf(config),
    gateways: config.cloison.push.gateways,
    maxUploadSize: config.maxUploadSize,
    quotas: config.cloison.mediaQuotas,
    maxEventDelayMs: config.maxEventDelayDuration ?? 0,
  };
}

/** Who is told, within the same transaction, of what belongs to a folder further down. */
function observing(writing: RoomWriting) {
  const { clock, signer: { serverName } } = writing;
  const profileObserver: ProfileObserver = {
    profileChanged: async (tx, userNid, changed) => {
      if (typeof changed.avatar_url === 'string') await showAvatar(tx, serverName, { userNid, url: changed.avatar_url, now: clock() });
      const userId = (await userIdsByNid(tx, [userNid])).get(userNid);
      if (userId !== undefined) await showProfile(writing, tx, { userNid, userId: parseUserId(userId) }, changed);
    },
  };
  const writeRoomAccountData: Services['writeRoomAccountData'] = (tx, { content, ...key }) => putAccountData(tx, key, content as JsonObject);
  return {
    profileObserver,
    writeRoomAccountData,
    ignoredBy,
    deviceObserver: deviceListsObserver,
    accountObservers: accountObservers(writing),
    upgradeObserver: rulesFollowUpgrades,
    accountDataObserver: { onAccountData: noteIgnored },
    toDeviceObserver: { onToDevice: grantToRecipients },
    readObserver: pushCountWhenRead,
  };
}

/** As a room's member event shows somebody. */
const shownProfile: RoomWriting['memberProfile'] = async (tx, userNid) => {
  const fields = await profileFields(tx, userNid);
  const shown = fields.filter(({ field }) => field === 'displayname' || field === 'avatar_url');
  return Object.fromEntries(shown.map(({ field, value }) => [field, JSON.parse(value) as string]));
};

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
