import type { Listener } from '../config-listeners.js';
import { loadConfig } from '../config-load.js';
import { Failure, UsageError } from './command.js';

export const DEFAULT_URL = 'http://localhost:8008';

/** A server that runs, and the secret by which it obeys. */
export interface RunningServer {
  readonly url: string;
  readonly secret: string;
}

/** The server that the options of a command name. */
export function serverOf({ config, secret, url }: { config: readonly string[] | undefined; secret: string | undefined; url: string | undefined }): RunningServer {
  if ((config === undefined) === (secret === undefined)) throw new UsageError('Either -c FILE or -k SECRET is needed.');
  if (url !== undefined && !URL.canParse(url)) throw new UsageError(`${url} is not a URL.`);
  if (secret !== undefined) return { url: url ?? DEFAULT_URL, secret };
  const loaded = loadConfig(config ?? []).config;
  if (loaded.registrationSharedSecret === undefined) throw new Failure('The configuration has no registration_shared_secret.');
  return { url: url ?? urlOf(loaded.listeners) ?? DEFAULT_URL, secret: loaded.registrationSharedSecret };
}

/** The first listener for clients, as this machine reaches it. */
function urlOf(listeners: readonly Listener[]): string | undefined {
  const listener = listeners.find(({ resources }) => resources.includes('client'));
  if (listener === undefined) return undefined;
  const address = listener.bindAddresses.find((each) => !each.includes(':')) ?? listener.bindAddresses[0] ?? '127.0.0.1';
  const here = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `http://${here.includes(':') ? `[${here}]` : here}:${listener.port}`;
}

