import { readFileSync } from 'node:fs';
import { type Config, settings } from './config.js';
import { type Entry, readEntries } from './config-document.js';
import { attempt, path as asPath, type Place, Refusal, type Setting, type Settings, unknownKey } from './config-parsers.js';
import { type Finding, inOrder, Refused, shownValue } from './config-report.js';
import { contradictions, isFull } from './config-rules.js';
import { noEffect, notBuiltYet } from './config-synapse.js';

export interface Loaded {
  readonly config: Config;
  /** Keys without effect, one line each, to be told at start. */
  readonly notices: readonly Finding[];
  /** How many keys the files give. */
  readonly given: number;
}

export interface LoadOptions {
  /** Asked for a secret whose file does not exist; undefined refuses it. */
  readonly missingSecret?: (file: string) => string | undefined;
}

interface Reading {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly problems: Finding[];
  readonly notices: Finding[];
  readonly home: string;
  readonly first: string;
  readonly options: LoadOptions;
}

/** Reads the configuration whole, and throws `Refused` with every problem at once if there is any. */
export function loadConfig(paths: readonly string[], options: LoadOptions = {}): Loaded {
  const { entries, unreadable, home } = readEntries(paths);
  if (unreadable.length > 0) throw new Refused(unreadable.map((each) => ({ key: '', ...each })), [], 0);
  const reading: Reading = { entries, problems: [], notices: [], home, first: paths[0] ?? '.', options };
  const values = Object.entries(settings as Settings).map(([field, setting]) => [field, readSetting(setting, reading)]);
  for (const entry of entries.values()) judge(entry, reading);
  const config = Object.fromEntries(values) as Config;
  checkRegistration(config, reading);
  const { problems, notices } = reading;
  if (problems.length > 0) throw new Refused(inOrder(problems), notices, entries.size);
  return { config: frozen(config), notices: inOrder(notices), given: entries.size };
}

function readSetting(setting: Setting<unknown>, reading: Reading): unknown {
  const entry = reading.entries.get(setting.name);
  const twin = setting.twin === true ? reading.entries.get(`${setting.name}_path`) : undefined;
  if (isGiven(twin)) {
    const at = placeOf(twin, reading);
    if (isGiven(entry)) at.problem(`${setting.name} is given too: keep one of the two.`);
    return attempt((raw) => setting.parse(secretOf(raw, at, reading), at), twin.value, at)?.value;
  }
  const at = entry === undefined ? placeOfDefault(setting.name, reading) : placeOf(entry, reading);
  return attempt(setting.parse, isGiven(entry) ? entry.value : defaultOf(setting, reading), at)?.value;
}

function isGiven(entry: Entry | undefined): entry is Entry {
  return entry !== undefined && entry.value !== null;
}

function defaultOf(setting: Setting<unknown>, { entries }: Reading): unknown {
  const fallback = setting.default;
  return typeof fallback === 'string' ? fallback.replace('SERVER_NAME', String(entries.get('server_name')?.value)) : fallback;
}

function secretOf(raw: unknown, at: Place, { options }: Reading): string {
  const file = asPath(raw, at);
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const made = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? options.missingSecret?.(file) : undefined;
    if (made === undefined) throw new Refusal(`${file} cannot be read.`);
    return made;
  }
}

/** Answers a key that is not a setting: contradicting, not built yet, meaningless here, or unknown. */
function judge(entry: Entry, reading: Reading): void {
  const { name } = entry;
  const at = placeOf(entry, reading);
  const rules = contradictions.filter(({ key }) => key === name || key.startsWith(`${name}.`));
  const broken = isGiven(entry) ? rules.filter(({ key, contradicts }) => contradicts(valueAt(entry, innerPath(key)))) : [];
  for (const { key, rule, remedy } of broken) {
    const inner = innerPath(key);
    reading.problems.push({ ...whereIs(entry, inner), shown: shownValue(valueAt(entry, inner)), rule, message: remedy });
  }
  if (broken.length > 0 || settingNames.has(name)) return;
  if (!knownNames.includes(name)) at.problem(unknownKey(name, knownNames));
  // An empty value asks for nothing, so nothing is missing.
  if (!isFull(entry.value) && entry.value !== false) return;
  const reason = noEffect[name];
  if (reason !== undefined) at.notice(`Has no effect: ${reason}.`);
  else if (notBuiltYet.has(name)) at.notice('Is not built yet, and has no effect.');
}

/** Nobody who asked for a check at registration gets registration without it. */
function checkRegistration(config: Config, reading: Reading): void {
  const entry = reading.entries.get('enable_registration');
  if (entry === undefined || config.enableRegistration !== true) return;
  if (config.enableRegistrationWithoutVerification === false && config.registrationRequiresToken === false) {
    placeOf(entry, reading).problem(
      'Anybody who reaches the server could create an account. Set it to false and create accounts with `cloison register-user`, ask for a token: registration_requires_token: true, or say that it is meant: enable_registration_without_verification: true.',
    );
    return;
  }
  for (const name of ['registrations_require_3pid', 'enable_registration_captcha', 'allowed_local_3pids']) {
    const check = reading.entries.get(name);
    if (check === undefined || !isFull(check.value)) continue;
    placeOf(check, reading).problem('This check is not built yet, and registration would be open without it. Set enable_registration to false.');
  }
}

const settingNames: ReadonlySet<string> = new Set(
  Object.values(settings as Settings).flatMap(({ name, twin }) => (twin === true ? [name, `${name}_path`] : [name])),
);
const knownNames: readonly string[] = [
  ...settingNames,
  ...notBuiltYet,
  ...Object.keys(noEffect),
  ...contradictions.map(({ key }) => key.split('.', 1)[0] ?? key),
];

function placeOf(entry: Entry, reading: Reading, path: readonly (string | number)[] = []): Place {
  return {
    directory: entry.directory,
    inside: (key) => placeOf(entry, reading, [...path, key]),
    problem: (message) => void reading.problems.push({ ...whereIs(entry, path), message }),
    notice: (message) => void reading.notices.push({ ...whereIs(entry, path), message }),
  };
}

function placeOfDefault(name: string, reading: Reading): Place {
  const place: Place = {
    directory: reading.home,
    inside: () => place,
    problem: (message) => void reading.problems.push({ file: reading.first, key: name, message }),
    notice: () => undefined,
  };
  return place;
}

function whereIs(entry: Entry, path: readonly (string | number)[]): Pick<Finding, 'file' | 'line' | 'key'> {
  return { file: entry.file, line: entry.lineOf(path), key: [entry.name, ...path].join('.') };
}

function innerPath(key: string): readonly string[] {
  return key.split('.').slice(1);
}

function valueAt(entry: Entry, path: readonly string[]): unknown {
  return path.reduce((value: unknown, key) => (value as Readonly<Record<string, unknown>> | null | undefined)?.[key], entry.value);
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    // pg redefines a member of its TLS options to hide it from logs.
    for (const [key, inner] of Object.entries(value)) if (key !== 'ssl') frozen(inner);
  }
  return value;
}
