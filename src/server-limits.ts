import type { Config } from './config.js';
import type { Limit, Limits, Rate } from './http/limits.js';

/** What each limit of a row costs, as configured. */
export function limitsOf(config: Config): Limits {
  const { rcDelayedEventMgmt, rcMessage, rcRegistration, rcRegistrationTokenValidity, rcLogin, rcJoins, rcJoinsPerRoom, rcInvites, rcRoomCreation, rcUserDirectory, rcMediaCreate, rcReports } = config;
  return {
    delayed: [limit(rcDelayedEventMgmt, 'address')],
    send: [limit(rcMessage, 'user')],
    register: [limit(rcRegistration, 'address')],
    registrationToken: [limit(rcRegistrationTokenValidity, 'address')],
    login: [limit(rcLogin.address, 'address')],
    join: [limit(rcJoins.local, 'user'), limit(rcJoinsPerRoom, 'room')],
    createMedia: [limit(rcMediaCreate, 'user')],
    createRoom: [limit(rcRoomCreation, 'user')],
    invite: [limit(rcInvites.perRoom, 'room'), limit(rcInvites.perIssuer, 'user')],
    report: [limit(rcReports, 'user')],
    searchUsers: [limit(rcUserDirectory, 'user')],
  };
}

interface ConfiguredRate {
  readonly perSecond: number;
  readonly burstCount: number;
}

export function rateOf({ perSecond, burstCount }: ConfiguredRate): Rate {
  return { perSecond, burst: burstCount };
}

function limit(rate: ConfiguredRate, by: Limit['by']): Limit {
  return { ...rateOf(rate), by };
}
