import { MatrixError, forbidden } from './errors.js';
import type { AuthState, Membership } from './event-auth.js';
import { parseUserId, type UserId } from './identifiers.js';
import type { PowerLevels } from './power-levels.js';

const MEMBERSHIPS: readonly unknown[] = ['invite', 'join', 'knock', 'leave', 'ban'] satisfies readonly Membership[];

/** The membership in force: whoever was never in the room has left it. */
export function membershipIn(state: AuthState, userId: string): Membership {
  const membership = state('m.room.member', userId)?.content['membership'];
  return isMembership(membership) ? membership : 'leave';
}

export function isMembership(value: unknown): value is Membership {
  return MEMBERSHIPS.includes(value);
}

export function needLevel(levels: PowerLevels, userId: string, level: number, deed: string): void {
  if (levels.userLevel(userId) < level) throw forbidden(`You need power level ${level} to ${deed}`);
}

/** What follows the first colon. */
export function serverNameIn(id: string): string {
  const colon = id.indexOf(':');
  return colon < 0 ? '' : id.slice(colon + 1);
}

export function userIdOrNone(raw: unknown): UserId | undefined {
  if (typeof raw !== 'string') return undefined;
  try {
    return parseUserId(raw);
  } catch (error) {
    if (error instanceof MatrixError) return undefined;
    throw error;
  }
}
