import type { DeviceId, UserId } from '../matrix/identifiers.js';

declare const proven: unique symbol;

/** Who asks: one person on one device, proven by a live access token. Made only by `authenticate`. */
export interface Session {
  readonly userNid: number;
  readonly userId: UserId;
  readonly deviceNid: number;
  readonly deviceId: DeviceId;
  readonly isAdmin: boolean;
  readonly isSuspended: boolean;
  readonly [proven]: true;
}
