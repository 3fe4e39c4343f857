import { isIP } from 'node:net';
import type { AppService } from '../auth/app-services.js';
import { addressCheck, type AddressCheck } from './addresses.js';
import { hostOf, openExchange, type Answered } from './exchange.js';

/** An application service that has an address. */
export type ReachableService = AppService & { readonly url: string };

/** What an application service is asked; each throws when there is no answer. https://spec.matrix.org/v1.19/application-service-api/ */
export interface AppServiceCalls {
  /** Events in the client format, as JSON texts. */
  sendTransaction(service: ReachableService, txnId: string, events: readonly string[]): Promise<Answered>;
  ping(service: ReachableService, transactionId: string | undefined): Promise<Answered>;
}

/** With all that surrounds it within the lease of a task of the outbox. */
const TIMEOUT_MS = 20_000;
const MACHINE_ITSELF = addressCheck({ blocked: ['0.0.0.0/0', '::/0'], allowed: ['127.0.0.0/8', '::1/128'] });
const ANYWHERE = addressCheck({ blocked: [], allowed: [] });

/** Talks to application services, with their `hs_token` in a header and nowhere else (RULES B15). */
export function openAppServiceCalls({ mayConnect, closing, timeoutMs = TIMEOUT_MS }: { mayConnect: AddressCheck; closing: AbortSignal; timeoutMs?: number }): AppServiceCalls {
  const exchange = openExchange({ mayConnect: (url) => checkFor(url, mayConnect), closing, timeoutMs });
  return {
    sendTransaction: ({ url, hsToken }, txnId, events) =>
      exchange(`${url}/_matrix/app/v1/transactions/${txnId}`, { method: 'PUT', token: hsToken, body: `{"events":[${events.join(',')}]}` }),
    ping: ({ url, hsToken }, transactionId) =>
      exchange(`${url}/_matrix/app/v1/ping`, { method: 'POST', token: hsToken, body: JSON.stringify({ transaction_id: transactionId }) }),
  };
}

/** An address that the operator wrote into the registration is meant; where a name leads may come to be decided by others. */
export function checkFor(url: URL, mayConnect: AddressCheck): AddressCheck {
  const host = hostOf(url);
  if (host === 'localhost') return MACHINE_ITSELF;
  return isIP(host) === 0 ? mayConnect : ANYWHERE;
}

export function isReachable(service: AppService): service is ReachableService {
  return service.url !== undefined;
}
