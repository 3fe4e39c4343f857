import { lookup } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '../matrix/clock.js';
import type { AddressCheck } from './addresses.js';

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
const MOST_ANSWERED = 64 * 1024;
/** A gateway that cannot be reached is left alone for so long, by everybody. */
const REST_MS = 10_000;
const MOST_SOCKETS = 20;

/**
 * Talks to push gateways. Of the addresses a name leads to, only those that may be connected to are handed to the connection itself:
 * there is no second look-up that could answer something else. Redirections are not followed.
 * https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify
 */
export function openNotify({ mayConnect, clock, closing, timeoutMs = TIMEOUT_MS }: NotifyOptions): Notify {
  const shared = { keepAlive: true, maxSockets: MOST_SOCKETS };
  const agents = { 'http:': new HttpAgent(shared), 'https:': new HttpsAgent(shared) };
  closing.addEventListener('abort', () => {
    for (const agent of Object.values(agents)) agent.destroy();
  });
  const resting = new Map<string, number>();
  return async (url, body) => {
    const { origin, protocol, hostname } = new URL(url);
    if ((resting.get(origin) ?? 0) > clock()) throw new Error(`${origin} could not be reached a moment ago`);
    const host = hostname.replace(/^\[|\]$/g, '');
    // A name is checked when it is looked up; an address is never looked up.
    if (isIP(host) !== 0 && !mayConnect(host)) throw new Error(`${origin} is in a range that may not be connected to`);
    const options: RequestOptions = {
      method: 'POST',
      lookup: checkedLookup(mayConnect),
      agent: protocol === 'https:' ? agents['https:'] : agents['http:'],
      signal: AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]),
      headers: { 'Content-Type': 'application/json', 'User-Agent': 'Cloison' },
    };
    try {
      const answer = await exchange(url, options, JSON.stringify(body));
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

function checkedLookup(mayConnect: AddressCheck): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const permitted = found.filter(({ address }) => mayConnect(address));
      const [first] = permitted;
      if (first === undefined) callback(new Error(`${hostname} leads to a range that may not be connected to`), '');
      else if (options.all === true) callback(null, permitted);
      else callback(null, first.address, first.family);
    });
  };
}

async function exchange(url: string, options: RequestOptions, body: string): Promise<{ status: number; text: string }> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { ...options, headers: { ...options.headers, 'Content-Length': Buffer.byteLength(body) } })
      .on('response', resolve)
      .on('error', reject)
      .end(body);
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > MOST_ANSWERED) {
      response.destroy();
      break;
    }
    chunks.push(chunk as Buffer);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

/** A gateway that took the push and says nothing of rejected keys rejects none. */
function rejectedIn(text: string): readonly string[] {
  try {
    const { rejected } = JSON.parse(text) as { rejected?: unknown };
    return Array.isArray(rejected) ? rejected.filter((key) => typeof key === 'string') : [];
  } catch {
    return [];
  }
}
