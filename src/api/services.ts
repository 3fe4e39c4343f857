import type { AccountObserver } from '../auth/account-observer.js';
import type { AppServices } from '../auth/app-services.js';
import type { LoginBrakes } from '../auth/brakes.js';
import type { DeviceObserver } from '../auth/devices.js';
import type { TurnServer } from '../auth/turn-server.js';
import type { TokenLifetimes } from '../auth/open-session.js';
import type { Passwords } from '../auth/passwords.js';
import type { SupportContact } from '../auth/well-known.js';
import type { ToDeviceBrake } from '../e2ee/to-device.js';
import type { BlobStore } from '../media/blob-store.js';
import type { ToDeviceObserver } from '../e2ee/to-device.js';
import type { InferenceAlarm } from '../media/grants.js';
import type { MediaKey } from '../media/media-key.js';
import type { Quotas } from '../media/quota.js';
import type { ServerName } from '../matrix/identifiers.js';
import type { AppServiceCalls } from '../push/app-service-calls.js';
import type { Gateways } from '../push/gateways.js';
import type { AccountDataObserver } from '../profile/account-data.js';
import type { ProfileObserver } from '../profile/set-profile.js';
import type { DirectoryDeps } from '../directory/search.js';
import type { EventFilter } from '../rooms/filter.js';
import type { Receipting } from '../rooms/receipts.js';
import type { UpgradeObserver } from '../rooms/upgrade.js';
import type { Delaying } from '../rooms/delay.js';
import type { Syncing } from '../sync/request.js';

/** Everything any handler may ask for; each handler names only what it uses, and `server.ts` builds the whole once. */
export interface Services extends Delaying, Syncing, Receipting, DirectoryDeps {
  readonly serverName: ServerName;
  readonly publicBaseurl: string | undefined;
  readonly servesServerWellKnown: boolean;
  readonly supportContact: SupportContact | undefined;
  readonly defaultRoomVersion: string;
  readonly registrationIsOpen: boolean;
  readonly registrationNeedsToken: boolean;
  readonly registrationSharedSecret: string | undefined;
  readonly appServices: AppServices;
  readonly appServiceCalls: AppServiceCalls;
  readonly passwords: Passwords;
  readonly loginBrakes: LoginBrakes;
  readonly tokenLifetimes: TokenLifetimes;
  readonly turnServer: TurnServer | undefined;
  readonly toDeviceBrake: ToDeviceBrake;
  readonly deviceObserver: DeviceObserver;
  readonly accountObservers: readonly AccountObserver[];
  readonly profileObserver: ProfileObserver;
  readonly upgradeObserver: UpgradeObserver;
  readonly accountDataObserver: AccountDataObserver;
  readonly gateways: Gateways;
  readonly blobs: BlobStore;
  readonly mediaKey: MediaKey;
  readonly inferenceAlarm: InferenceAlarm;
  /** Bytes. */
  readonly maxUploadSize: number;
  readonly quotas: Quotas;
  readonly toDeviceObserver: ToDeviceObserver;
  readonly parseEventFilter: (text: string) => EventFilter;
}
