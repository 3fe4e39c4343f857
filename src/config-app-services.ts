import { anchored, type Namespace, type Registration } from './auth/app-services.js';
import { fixedPrefix, mayOverlap } from './auth/namespaces.js';
import { readEntries } from './config-document.js';
import { flag, listOf, optional, path, type Place, Refusal, secret, section, text } from './config-parsers.js';

const NOT_SENT = 'Has no effect: only the events of rooms are sent to application services.';
const NO_DEVICES = 'Has no effect: nothing about devices is sent to application services.';

const namespace = section(
  {
    regex: { name: 'regex', parse: regularExpression, sentence: '' },
    exclusive: { name: 'exclusive', parse: flag, sentence: '' },
  },
  { group_id: 'Has no effect: there are no groups.' },
);
const namespaces = listOf(namespace);

const registration = section(
  {
    id: { name: 'id', parse: needed(text), sentence: '' },
    url: { name: 'url', parse: serviceUrl, sentence: '' },
    asToken: { name: 'as_token', parse: needed(token), sentence: '' },
    hsToken: { name: 'hs_token', parse: needed(token), sentence: '' },
    senderLocalpart: { name: 'sender_localpart', parse: needed(localpart), sentence: '' },
    namespaces: {
      name: 'namespaces',
      parse: section({
        users: { name: 'users', default: [], parse: listOf(userNamespace), sentence: '' },
        rooms: { name: 'rooms', default: [], parse: namespaces, sentence: '' },
        aliases: { name: 'aliases', default: [], parse: namespaces, sentence: '' },
      }),
      sentence: '',
    },
    isRateLimited: { name: 'rate_limited', default: true, parse: flag, sentence: '' },
    protocols: { name: 'protocols', parse: optional(listOf(text)), sentence: '' },
  },
  {
    receive_ephemeral: NOT_SENT,
    push_ephemeral: NOT_SENT,
    'de.sorunome.msc2409.push_ephemeral': NOT_SENT,
    'org.matrix.msc3202': NO_DEVICES,
    'io.element.msc4190': NO_DEVICES,
  },
);

/** Reads the registration files named by a list, and holds them against each other. */
export function appServices(raw: unknown, at: Place): readonly Registration[] {
  const services = listOf(registrationFile)(raw, at);
  services.forEach((service, index) => {
    for (const other of services.slice(0, index)) {
      const clash = clashOf(service, other);
      if (clash !== undefined) at.inside(index).problem(`${service.file} and ${other.file}: ${clash}`);
    }
  });
  return services;
}

function registrationFile(raw: unknown, at: Place): Registration {
  const file = path(raw, at);
  const { entries, unreadable } = readEntries([file]);
  const [first] = unreadable;
  if (first !== undefined) throw new Refusal(`${placeIn(file, first.line)}: ${first.message}`);
  const given = Object.fromEntries([...entries].map(([name, { value }]) => [name, value]));
  const inFile = (keys: readonly (string | number)[]): Place => {
    const [name, ...inner] = keys;
    const where = (): string => `${placeIn(file, entries.get(String(name))?.lineOf(inner))}, ${keys.join('.')}`;
    return {
      directory: at.directory,
      inside: (key) => inFile([...keys, key]),
      problem: (message) => { at.problem(`${where()}: ${message}`); },
      notice: (message) => { at.notice(`${where()}: ${message}`); },
    };
  };
  const { protocols, ...service } = registration(given, inFile([]));
  if (service.asToken === service.hsToken) throw new Refusal(`${file}: as_token and hs_token are the same. Make a new one for each.`);
  if (service.namespaces.rooms.length > 0) inFile(['namespaces', 'rooms']).notice('Has no effect: a service has to do with the rooms that its users are in, and with no others.');
  if ((protocols ?? []).length > 0) inFile(['protocols']).notice('Has no effect: nobody looks up other networks here.');
  return { file, ...service };
}

function placeIn(file: string, line: number | undefined): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** Two services are never one another, and neither reserves what the other does. */
function clashOf(one: Registration, other: Registration): string | undefined {
  if (one.id === other.id) return `Both have the id ${one.id}. Give each its own.`;
  if (one.asToken === other.asToken) return 'Both have the same as_token. Make a new one for each.';
  if (one.senderLocalpart === other.senderLocalpart) return `Both have the sender_localpart ${one.senderLocalpart}. Give each its own.`;
  const shared = (['users', 'aliases'] as const).find((kind) => sharesExclusive(one.namespaces[kind], other.namespaces[kind]));
  if (shared !== undefined) return `Their exclusive namespaces.${shared} may overlap. Let them begin with different fixed text.`;
  const isInside = [[one, other], [other, one]].some(([a, b]) => a?.namespaces.users.some(({ regex }) => mayBegin(`@${b?.senderLocalpart ?? ''}:`, regex)));
  return isInside ? 'The sender_localpart of one may be in namespaces.users of the other. Give it another name.' : undefined;
}

function sharesExclusive(some: readonly Namespace[], others: readonly Namespace[]): boolean {
  return some.some((a) => a.exclusive && others.some((b) => b.exclusive && mayOverlap(a.regex, b.regex)));
}

/** Whether an id that begins so may be in the namespace. */
function mayBegin(id: string, regex: string): boolean {
  const prefix = fixedPrefix(regex);
  return id.startsWith(prefix) || prefix.startsWith(id);
}

function needed<T>(parse: (raw: unknown) => T): (raw: unknown) => T {
  return (raw) => {
    if (raw === undefined) throw new Refusal('It is missing.');
    return parse(raw);
  };
}

/** Long enough not to be guessed, and fit for a header. */
function token(raw: unknown): string {
  const given = secret(raw);
  if (!/^[\x21-\x7e]{16,}$/.test(given)) throw new Refusal('A token has at least 16 printable characters and no spaces. Make one with `openssl rand -hex 32`.');
  return given;
}

function localpart(raw: unknown): string {
  const given = text(raw);
  if (!/^[a-z0-9._=/+-]{1,200}$/.test(given)) throw new Refusal('A user name may contain only a-z, 0-9, and . _ = - / +');
  return given;
}

/** Absent, null or empty: the service is told of nothing. The operator says where it is, so it may be in the server's own network. */
function serviceUrl(raw: unknown): string | undefined {
  if (raw === undefined || raw === '') return undefined;
  const given = text(raw);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new Refusal('An address such as http://localhost:9000 is expected here, or null.');
  }
  return url.href.replace(/\/+$/, '');
}

function regularExpression(raw: unknown): string {
  const given = text(raw);
  try {
    anchored(given);
    return given;
  } catch {
    throw new Refusal('This is not a regular expression.');
  }
}

/** Rule B14: what people may be called stays outside, those still to come included. */
function userNamespace(raw: unknown, at: Place): Namespace {
  const parsed = namespace(raw, at);
  if (!/^@[^:]/.test(fixedPrefix(parsed.regex))) {
    at.inside('regex').problem('Rule B14: users of a service are never people, so the expression must begin with an @ and fixed text that no name of a person begins with, such as @_irc_.*, and be one such expression an entry.');
  }
  return parsed;
}
