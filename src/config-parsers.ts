import { isAbsolute, resolve } from 'node:path';
import { MatrixError } from './matrix/errors.js';
import { parseServerName, type ServerName } from './matrix/identifiers.js';
import { nearest } from './config-nearest.js';

/** Where a value stands in the configuration: what is said about it is said with its file and line. */
export interface Place {
  /** Relative paths start here: the directory of the file that names them. */
  readonly directory: string;
  inside(key: string | number): Place;
  /** Stops the start. */
  problem(message: string): void;
  /** Is said at start, and changes nothing. */
  notice(message: string): void;
}

/** Makes a value of the program from a value of the file; `raw` is undefined when neither the file nor a default says. */
export type Parser<T> = (raw: unknown, at: Place) => T;

/** Thrown by a parser; becomes a problem at the place of the value. */
export class Refusal extends Error {}

/** Thrown by a parser of many values when the problems of some are recorded already. */
class AlreadyTold extends Error {}

/** One key of the file. */
export interface Setting<T> {
  readonly name: string;
  readonly parse: Parser<T>;
  /** As it would stand in the file; without one the parser decides what absence means. */
  readonly default?: unknown;
  /** Whether the value may stand in a file of its own, named by the same key with `_path` behind it. */
  readonly twin?: true;
  readonly sentence: string;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type ValuesOf<S extends Settings> = { readonly [K in keyof S]: ReturnType<S[K]['parse']> };

/** A parser that also tells the documentation which keys it takes. */
export interface SectionParser<S extends Settings> extends Parser<ValuesOf<S>> {
  readonly fields: S;
}

/** Runs a parser; a refusal is recorded and the rest of the file is still read, so that all problems are told at once. */
export function attempt<T>(parse: Parser<T>, raw: unknown, at: Place): { readonly value: T } | undefined {
  try {
    return { value: parse(raw, at) };
  } catch (cause) {
    if (cause instanceof Refusal) at.problem(cause.message);
    else if (!(cause instanceof AlreadyTold)) throw cause;
    return undefined;
  }
}

/** A mapping with these keys and no others; those of `knownOnly` are answered with their sentence unless they are off. */
export function section<S extends Settings>(fields: S, knownOnly: Readonly<Record<string, string>> = {}): SectionParser<S> {
  const names = Object.values(fields).map(({ name }) => name);
  const parse = (raw: unknown, at: Place): ValuesOf<S> => {
    const given = mapping(raw ?? {});
    for (const [key, value] of Object.entries(given)) {
      if (names.includes(key) || value === null) continue;
      const known = knownOnly[key];
      if (known === undefined) at.inside(key).problem(unknownKey(key, names));
      else if (value !== false) at.inside(key).notice(known);
    }
    const results = Object.entries(fields).map(([field, { name, parse: parseField, default: fallback }]) => ({
      field,
      result: attempt(parseField, given[name] ?? fallback, at.inside(name)),
    }));
    return Object.fromEntries(results.map(({ field, result }) => [field, told(result)])) as ValuesOf<S>;
  };
  return Object.assign(parse, { fields });
}

export function unknownKey(key: string, known: readonly string[]): string {
  const close = nearest(key, known);
  return `This key is unknown. ${close === undefined ? 'Delete it.' : `Did you mean ${close}? Otherwise delete it.`}`;
}

export function mapping(raw: unknown): Readonly<Record<string, unknown>> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new Refusal('A mapping (key: value) is expected here.');
  return raw as Readonly<Record<string, unknown>>;
}

export function listOf<T>(parse: Parser<T>): Parser<readonly T[]> {
  return (raw, at) => {
    if (!Array.isArray(raw)) throw new Refusal('A list is expected here.');
    return raw.map((item, index) => attempt(parse, item, at.inside(index))).map(told);
  };
}

function told<T>(result: { readonly value: T } | undefined): T {
  if (result === undefined) throw new AlreadyTold();
  return result.value;
}

export function optional<T>(parse: Parser<T>): Parser<T | undefined> {
  return (raw, at) => (raw === undefined ? undefined : parse(raw, at));
}

export function oneOf<const Choices extends readonly string[]>(choices: Choices): Parser<Choices[number]> {
  return (raw) => {
    const choice = choices.find((each) => each === String(raw));
    if (choice === undefined) throw new Refusal(`Only ${choices.join(', ')} can stand here.`);
    return choice;
  };
}

export function flag(raw: unknown): boolean {
  if (typeof raw !== 'boolean') throw new Refusal('Write true or false.');
  return raw;
}

export function text(raw: unknown): string {
  if (typeof raw !== 'string' || raw === '') throw new Refusal('A text is expected here; put quotes around it.');
  return raw;
}

/** A secret has no white space around it: the newline at the end of its file does not count. */
export function secret(raw: unknown): string {
  const trimmed = text(raw).trim();
  if (trimmed === '') throw new Refusal('The secret is empty.');
  return trimmed;
}

export function amount(raw: unknown): number {
  if (typeof raw !== 'number' || !Number.isFinite(raw) || raw < 0) throw new Refusal('A number that is not negative is expected here.');
  return raw;
}

export function wholeNumber(raw: unknown): number {
  if (!Number.isSafeInteger(raw)) throw new Refusal('A whole number is expected here.');
  return amount(raw);
}

export function port(raw: unknown): number {
  if (!Number.isInteger(raw) || amount(raw) > 65_535) throw new Refusal('A port is a whole number from 0 to 65535.');
  return raw as number;
}

/** Bytes, or a number with K, M, G or T behind it (1024 each). */
export function size(raw: unknown): number {
  const [, digits, unit] = /^([0-9]{1,12})([KMGT]?)(?:iB)?$/.exec(String(raw)) ?? [];
  if (digits === undefined) throw new Refusal('A size is a number of bytes, or a number with K, M, G or T behind it, such as 50M.');
  return Number(digits) * 1024 ** ('KMGT'.indexOf(unit || ' ') + 1);
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 };

/** Milliseconds, or a number with s, m, h, d, w or y behind it; not nothing. */
export function duration(raw: unknown): number {
  const [, digits, unit] = /^([0-9]{1,12})([smhdwy]?)$/.exec(String(raw)) ?? [];
  const length = Number(digits) * (UNITS[unit ?? ''] ?? 1);
  if (!(length > 0)) throw new Refusal('A time is a number of milliseconds, or a number with s, m, h, d, w or y behind it, such as 5m.');
  return length;
}

export function path(raw: unknown, at: Place): string {
  const named = text(raw);
  return isAbsolute(named) ? named : resolve(at.directory, named);
}

export function serverName(raw: unknown): ServerName {
  if (raw === undefined) throw new Refusal('It is missing: the part after the colon in every user id, such as ministry.example.');
  try {
    return parseServerName(text(raw));
  } catch (cause) {
    if (cause instanceof MatrixError) throw new Refusal('This is not a server name: a host name, with or without a port.');
    throw cause;
  }
}

/** One address of a TURN server or several. */
export function turnUris(raw: unknown): readonly string[] {
  const uris = [raw].flat().map(text);
  const wrong = uris.find((uri) => !/^turns?:[^\s/]+$/.test(uri));
  if (wrong !== undefined) throw new Refusal('An address such as turn:turn.example:3478?transport=udp is expected here.');
  return uris;
}

/** Ends in a slash, as what is appended expects. */
export function baseUrl(raw: unknown): string {
  const given = text(raw);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new Refusal('An address such as https://matrix.example/ is expected here.');
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

/** A token bucket: how fast it fills and how much it holds. The defaults are Synapse's. */
export function rate(perSecond: number, burstCount: number) {
  return section({
    perSecond: { name: 'per_second', default: perSecond, parse: amount, sentence: 'How many a second.' },
    burstCount: { name: 'burst_count', default: burstCount, parse: amount, sentence: 'How many at once before that counts.' },
  });
}
