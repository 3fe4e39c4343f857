import { flag, listOf, oneOf, optional, type Place, port, Refusal, section, text } from './config-parsers.js';

const RESOURCES = ['client', 'federation', 'health', 'keys', 'media', 'openid', 'static', 'metrics', 'consent', 'replication'] as const;

export type ResourceName = (typeof RESOURCES)[number];

/** An address the server answers on, over HTTP. */
export interface Listener {
  readonly port: number;
  readonly bindAddresses: readonly string[];
  /** Whether a reverse proxy stands before it, whose X-Forwarded-For names the client. */
  readonly xForwarded: boolean;
  readonly resources: readonly ResourceName[];
}

// What Synapse binds to when a listener names no address.
const EVERYWHERE = ['::', '0.0.0.0'];

const NOT_SERVED: Partial<Record<ResourceName, string>> = {
  federation: 'Federation is not built yet: only clients are answered.',
  metrics: 'Metrics are not built yet.',
  consent: 'The consent page is not built yet.',
  replication: 'There are no workers: one program serves everything.',
};

const resource = section(
  { names: { name: 'names', default: [], parse: listOf(resourceName), sentence: 'What is answered: `client`, `federation`, `health`, …' } },
  { compress: 'Answers are not compressed: let the reverse proxy do it.' },
);

const listener = section(
  {
    port: { name: 'port', parse: port, sentence: 'The TCP port; 0 takes a free one.' },
    bindAddresses: { name: 'bind_addresses', parse: optional(listOf(text)), sentence: 'The addresses to bind to; none means all of them.' },
    bindAddress: { name: 'bind_address', parse: optional(text), sentence: 'The same, for one address.' },
    type: { name: 'type', default: 'http', parse: listenerType, sentence: 'Only `http`.' },
    tls: { name: 'tls', default: false, parse: noTls, sentence: 'Only `false`: a reverse proxy holds the certificate.' },
    xForwarded: { name: 'x_forwarded', default: false, parse: flag, sentence: 'Whether to believe the X-Forwarded-For of the reverse proxy.' },
    resources: { name: 'resources', default: [{ names: ['client'] }], parse: listOf(resource), sentence: 'What is answered here.' },
  },
  {
    additional_resources: 'Python modules are not loaded.',
    mode: 'Unix sockets are not built yet.',
    request_id_header: 'Request ids are always our own.',
    tag: 'Has no effect: the log names the port.',
  },
);

/** The addresses to listen on; at least one. */
export const listeners = Object.assign(
  (raw: unknown, at: Place): readonly Listener[] => {
    const described = listOf(listener)(raw, at);
    if (described.length === 0) throw new Refusal('Nothing would listen: describe at least one listener.');
    return described.map(({ port: number, bindAddresses, bindAddress, xForwarded, resources }) => {
      const named = [...(bindAddresses ?? []), ...(bindAddress === undefined ? [] : [bindAddress])];
      const names = new Set(resources.flatMap((each) => each.names));
      return { port: number, bindAddresses: named.length === 0 ? EVERYWHERE : named, xForwarded, resources: [...names] };
    });
  },
  { fields: listener.fields },
);

function resourceName(raw: unknown, at: Place): ResourceName {
  const name = oneOf(RESOURCES)(raw, at);
  const notServed = NOT_SERVED[name];
  if (notServed !== undefined) at.notice(notServed);
  return name;
}

function listenerType(raw: unknown, at: Place): 'http' {
  if (raw === 'manhole') throw new Refusal('A manhole is a remote shell into the server, and there is none. Delete this listener.');
  if (raw === 'metrics') throw new Refusal('Metrics are not built yet. Delete this listener.');
  return oneOf(['http'])(raw, at);
}

function noTls(raw: unknown): false {
  if (raw === true) throw new Refusal('TLS is not built yet. Set it to false and let a reverse proxy hold the certificate.');
  if (raw !== false) throw new Refusal('Write false.');
  return false;
}
