import type { BrakeWithin, LoginBrakes } from './auth/brakes.js';
import type { Config } from './config.js';
import { bucketsInMemory, type BucketsOf, type Limit, type Limits, type Rate } from './http/limits.js';
import { bucketsInDatabase } from './http/limits-shared.js';
import type { Clock } from './matrix/clock.js';
import type { InviteBrakes } from './rooms/invite-brakes.js';
import type { RedactionBrakes } from './rooms/redact.js';
import type { Database } from './storage/database.js';

/** What each limit of a row costs, as configured. */
export function limitsOf(config: Config): Limits {
  const messages = { ...messageRate(config), by: 'user' } as const;
  return {
    createMedia: [limit('rc_media_create', config.rcMediaCreate, 'user')],
    createRoom: [limit('rc_room_creation', config.rcRoomCreation, 'user'), messages],
    delayed: [limit('rc_delayed_event_mgmt', config.rcDelayedEventMgmt, 'caller')],
    join: [limit('rc_joins.local', config.rcJoins.local, 'user'), limit('rc_joins_per_room', config.rcJoinsPerRoom, 'room')],
    login: [limit('rc_login.address', config.rcLogin.address, 'address')],
    presence: [limit('rc_presence.per_user', config.rcPresence.perUser, 'user')],
    profile: [limit('rc_profile', config.rcProfile, 'user')],
    // Else the handler asks the brakes, once it knows whose event it is.
    redact: config.rcAdminRedaction === undefined ? [messages] : [],
    register: [limit('rc_registration', config.rcRegistration, 'address')],
    registrationToken: [limit('rc_registration_token_validity', config.rcRegistrationTokenValidity, 'address')],
    report: [limit('rc_reports', config.rcReports, 'user')],
    searchUsers: [limit('rc_user_directory', config.rcUserDirectory, 'user')],
    send: [messages],
  };
}

export interface Brakes {
  readonly inviteBrakes: InviteBrakes;
  readonly keyRequestBrake: BrakeWithin;
  readonly loginBrakes: LoginBrakes;
  readonly redactionBrakes: RedactionBrakes | undefined;
  readonly toDeviceBrake: BrakeWithin;
}

/** The rates that are not of a row, but of what a handler finds out. */
export function brakesOf(config: Config, bucketsOf: BucketsOf): Brakes {
  const of = (name: string, rate: ConfiguredRate): ReturnType<BucketsOf> => bucketsOf(rateOf(name, rate));
  const { rcAdminRedaction, rcInvites, rcLogin } = config;
  return {
    inviteBrakes: {
      perIssuer: of('rc_invites.per_issuer', rcInvites.perIssuer),
      perRoom: of('rc_invites.per_room', rcInvites.perRoom),
      perUser: of('rc_invites.per_user', rcInvites.perUser),
    },
    keyRequestBrake: of('rc_key_requests', config.rcKeyRequests),
    loginBrakes: { account: of('rc_login.account', rcLogin.account), failed: of('rc_login.failed_attempts', rcLogin.failedAttempts) },
    redactionBrakes: rcAdminRedaction && {
      own: bucketsOf({ ...messageRate(config), name: 'rc_message/user' }),
      ofOthers: of('rc_admin_redaction', rcAdminRedaction),
    },
    toDeviceBrake: of('cloison.to_device', config.cloison.toDevice),
  };
}

/** Where the buckets lie: in the memory of the one process, or in the database that several share. */
export function openBuckets(deps: { readonly db: Database; readonly clock: Clock }): ReturnType<typeof bucketsInDatabase> {
  if (deps.db.engine === 'postgres') return bucketsInDatabase(deps);
  return { bucketsOf: bucketsInMemory(deps.clock), forgetDrained: async () => undefined };
}

interface ConfiguredRate {
  readonly perSecond: number;
  readonly burstCount: number;
}

function messageRate({ rcMessage }: Config): Rate {
  return rateOf('rc_message', rcMessage);
}

function rateOf(name: string, { perSecond, burstCount }: ConfiguredRate): Rate {
  return { name, perSecond, burst: burstCount };
}

function limit(name: string, rate: ConfiguredRate, by: Limit['by']): Limit {
  return { ...rateOf(name, rate), by };
}
