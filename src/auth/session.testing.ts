import type { Session } from './session.js';

/** A session that nobody had to log in for. */
export function sessionOf(who: Pick<Session, 'userNid' | 'userId' | 'deviceNid' | 'deviceId'>): Session {
  return { ...who, sessionNid: who.deviceNid, isAdmin: false, isSuspended: false } as Session;
}
