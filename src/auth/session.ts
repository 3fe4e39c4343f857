import type { DeviceId, UserId } from '../matrix/identifiers.js';
import type { AppService } from './app-services.js';

declare const proven: unique symbol;

/** Who asks: one person on one device, proven by a live access token, or an application service as one of its own users. Made only by `authenticate`. */
export interface Session {
  readonly userNid: number;
  readonly userId: UserId;
  readonly deviceNid: number;
  readonly deviceId: DeviceId;
  /** Of the device: whoever logs in to it begins another, and this one is nobody's. */
  readonly sessionNid: number;
  readonly isAdmin: boolean;
  readonly isSuspended: boolean;
  /** The application service that asks with its own token, as one of its users. */
  readonly appService?: Pick<AppService, 'id' | 'isRateLimited'>;
  readonly [proven]: true;
}
