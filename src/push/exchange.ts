import { lookup } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { AddressCheck } from './addresses.js';

/** What is asked of another server. */
export interface Question {
  readonly method: 'POST' | 'PUT';
  readonly token?: string;
  /** JSON. */
  readonly body: string;
}

export interface Answered {
  readonly status: number;
  /** No more than the first 64 KiB of it. */
  readonly text: string;
}

/** Throws when there is no answer: `TimedOut` when there is none in time. */
export type Exchange = (url: string, question: Question) => Promise<Answered>;

export class TimedOut extends Error {}

export interface ExchangeOptions {
  /** Where the server may connect to, in order to reach an address. */
  readonly mayConnect: (url: URL) => AddressCheck;
  /** Ends what is under way. */
  readonly closing: AbortSignal;
  readonly timeoutMs: number;
}

const MOST_ANSWERED = 64 * 1024;
const MOST_SOCKETS = 20;

/**
 * Asks other servers. Of the addresses a name leads to, only those that may be connected to are handed to the connection itself: there
 * is no second look-up that could answer something else. Redirections are not followed.
 */
export function openExchange({ mayConnect, closing, timeoutMs }: ExchangeOptions): Exchange {
  const shared = { keepAlive: true, maxSockets: MOST_SOCKETS };
  const agents = { 'http:': new HttpAgent(shared), 'https:': new HttpsAgent(shared) };
  closing.addEventListener('abort', () => {
    for (const agent of Object.values(agents)) agent.destroy();
  });
  return async (address, { method, token, body }) => {
    const url = new URL(address);
    const host = hostOf(url);
    const check = mayConnect(url);
    // A name is checked when it is looked up; an address is never looked up.
    if (isIP(host) !== 0 && !check(host)) throw new Error(`${url.origin} is in a range that may not be connected to`);
    const timeout = AbortSignal.timeout(timeoutMs);
    const options: RequestOptions = {
      method,
      lookup: checkedLookup(check),
      agent: url.protocol === 'https:' ? agents['https:'] : agents['http:'],
      signal: AbortSignal.any([closing, timeout]),
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        'User-Agent': 'Cloison',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
    };
    try {
      return await answerTo(url, options, body);
    } catch (cause) {
      throw timeout.aborted ? new TimedOut(`${url.origin} did not answer in time`, { cause }) : cause;
    }
  };
}

/** The name or address of a URL, without the brackets around one of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

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

async function answerTo(url: URL, options: RequestOptions, body: string): Promise<Answered> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, options).on('response', resolve).on('error', reject).end(body);
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
