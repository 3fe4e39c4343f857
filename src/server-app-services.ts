import type { Logger } from 'pino';
import type { Services } from './api/services.js';
import type { AppServices } from './auth/app-services.js';
import type { Config } from './config.js';
import { addressCheck } from './push/addresses.js';
import { isReachable, openAppServiceCalls, type AppServiceCalls } from './push/app-service-calls.js';
import { startTelling, tellAppServices } from './push/app-services.js';
import type { EventObserver } from './rooms/append.js';

export function appServiceCallsOf(config: Config, closing: AbortSignal): AppServiceCalls {
  return openAppServiceCalls({ mayConnect: addressCheck({ blocked: config.ipRangeBlacklist, allowed: config.ipRangeWhitelist }), closing });
}

/** None where no service has an address: then no event costs anything for it. */
export function appServiceObservers({ all }: AppServices): readonly EventObserver[] {
  const services = all.filter(isReachable);
  return services.length === 0 ? [] : [tellAppServices(services)];
}

/** Begins to send events to application services; `stop` waits for what is in hand, which `closing` cuts short. */
export async function telling({ db, clock, appServices, appServiceCalls }: Services, log: Logger): Promise<{ stop(): Promise<void> }> {
  return startTelling({
    db,
    clock,
    services: appServices.all.filter(isReachable),
    calls: appServiceCalls,
    // Services come and go; what they did not take is sent again.
    report: ({ message, cause }) => { log.warn({ cause: String(cause) }, message); },
  });
}
