import type { Session } from '../auth/session.js';

declare const proven: unique symbol;

/** Whom one session may find at one moment. */
export interface DirectoryScope {
  readonly viewerNid: number;
  readonly now: number;
  readonly [proven]: true;
}

/** The only maker of a scope: there is none of everybody, and none without somebody who asks. */
export function scopeOf({ userNid }: Session, now: number): DirectoryScope {
  return { viewerNid: userNid, now } as DirectoryScope;
}
