import type { Clock } from '../matrix/clock.js';
import type { AddressCheck } from './addresses.js';
import { openExchange } from './exchange.js';

/** Sends one notification; resolves to the pushkeys the gateway rejects, throws when it did not take it. */
export type Notify = (url: string, body: object) => Promise<readonly string[]>;

export interface NotifyOptions {
  readonly mayConnect: AddressCheck;
  readonly clock: Clock;
  /** Ends what is under way. */
  readonly closing: AbortSignal;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/** A gateway that cannot be reached is left alone for so long, by everybody. */
const REST_MS = 10_000;

/** Talks to push gateways. https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify */
export function openNotify({ mayConnect, clock, closing, timeoutMs = TIMEOUT_MS }: NotifyOptions): Notify {
  const exchange = openExchange({ mayConnect: () => mayConnect, closing, timeoutMs });
  const resting = new Map<string, number>();
  return async (url, body) => {
    const { origin } = new URL(url);
    if ((resting.get(origin) ?? 0) > clock()) throw new Error(`${origin} could not be reached a moment ago`);
    try {
      const answer = await exchange(url, { method: 'POST', body: JSON.stringify(body) });
      resting.delete(origin);
      if (answer.status < 200 || answer.status > 299) throw new RefusedPush(`${origin} answered ${answer.status}`);
      return rejectedIn(answer.text);
    } catch (cause) {
      if (!(cause instanceof RefusedPush)) resting.set(origin, clock() + REST_MS);
      throw cause;
    }
  };
}

/** The gateway is there, and did not take the push. */
class RefusedPush extends Error {}

/** A gateway that took the push and says nothing of rejected keys rejects none. */
function rejectedIn(text: string): readonly string[] {
  try {
    const { rejected } = JSON.parse(text) as { rejected?: unknown };
    return Array.isArray(rejected) ? rejected.filter((key) => typeof key === 'string') : [];
  } catch {
    return [];
  }
}
