import type { Session } from '../auth/session.js';
import { forbidden } from '../matrix/errors.js';
import type { UserId } from '../matrix/identifiers.js';

/** Of what a path names with its person: only they may have it. */
export function refuseOthers(session: Session, userId: UserId): void {
  if (userId !== session.userId) throw forbidden('This belongs to another person');
}
