import fc, { type Arbitrary } from 'fast-check';
import { fillPath, type Endpoint, type Schema } from './endpoints.js';
import type { RawRequest } from './raw-http.js';

/** What exists on the server under test, by the name under which requests ask for it. */
export type Known = Readonly<Record<string, readonly string[]>>;

/** Hard values of every kind: the ends of ranges, what other readers take for something else, what must not get into a database. */
const TEXTS = ['', ' ', '\0', '\ud800', '😀', '__proto__', 'constructor', '*', '%', "'", '"', '\\', '..', '../..', 'a'.repeat(300), 'ü'.repeat(200), '0', '-1', '1e400', 'NaN', 'null', 'true', '{}', '[]', '@:', '!', '$', '#', 's', 's-1', 's99999999999999999999', 't1', 'mxc://', 'm.room.member', 'm.room.encryption', 'm.room.create'];
const NUMBERS = [0, -0, 1, -1, 2, 50, 100, 1000, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 53, 1e21, 0.5, -0.5];
/** Nobody waits longer than this for an answer. */
const LONGEST_MS = 20;

/** Requests to one row: as its schemas want them, nearly so, and not at all. `specified` is the specification's schema of its body. */
export function requestsTo(endpoint: Endpoint, known: Known, specified: Schema | undefined): Arbitrary<Omit<RawRequest, 'token'>> {
  const { body, query } = endpoint.schemas;
  const bodies = [body, specified].filter((schema) => schema !== undefined).map((schema) => valueOf(schema, known));
  const names = [...endpoint.paths[0].matchAll(/:([A-Za-z]+)/g)].map(([, name = '']) => name);
  return fc.record({
    path: fc.constantFrom(...endpoint.paths),
    params: fc.tuple(...names.map((name) => namedText(name, known))),
    query: query === undefined ? fc.constant({}) : fc.oneof({ weight: 4, arbitrary: valueOf(query, known) }, anyJson),
    body: bodies.length === 0 ? fc.constant(undefined) : fc.oneof({ weight: 8, arbitrary: fc.oneof(...bodies) }, { weight: 1, arbitrary: anyJson }, { weight: 1, arbitrary: fc.constantFrom('{', '[]', '""', '{"a":1,"a":2}', '') }),
    cut: fc.nat({ max: 19 }),
  }).map(({ path, params, query: asked, body: sent, cut }) => {
    const values = new Map(names.map((name, i) => [name, String(params[i])]));
    const target = fillPath(path, (name) => (values.get(name) ?? '').replaceAll(/\p{Surrogate}/gu, '?')) + queryText(asked);
    const text = sent === undefined || typeof sent === 'string' ? sent : JSON.stringify(sent);
    return { method: endpoint.method, target, body: text === undefined ? undefined : cut === 0 ? text.slice(0, text.length / 2) : text };
  });
}

const anyJson: Arbitrary<unknown> = fc.oneof(fc.constantFrom<unknown>(...TEXTS, ...NUMBERS, true, false, null), fc.jsonValue({ maxDepth: 4 }));

/** Values as a schema describes them; one in some departs from it. */
function valueOf(schema: Schema, known: Known, name = ''): Arbitrary<unknown> {
  return fc.oneof({ weight: 15, arbitrary: rightValue(schema, known, name) }, { weight: 1, arbitrary: anyJson });
}

function rightValue(schema: Schema, known: Known, name: string): Arbitrary<unknown> {
  if (schema.anyOf !== undefined && schema.anyOf.length > 0) return fc.oneof(...schema.anyOf.map((one) => valueOf(one, known, name)));
  if (schema.enum !== undefined) return fc.constantFrom<unknown>(...schema.enum);
  switch (schema.type) {
    case 'string':
      return namedText(name, known);
    case 'integer':
    case 'number':
      return /timeout/.test(name) ? fc.nat({ max: LONGEST_MS }) : fc.oneof(fc.constantFrom(...NUMBERS), fc.integer());
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valueOf(schema.items ?? {}, known, name), { maxLength: 4 });
    case 'object':
      return objectOf(schema, known, name);
    default:
      return anyJson;
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema, known: Known, name: string): Arbitrary<unknown> {
  const members = Object.fromEntries(Object.entries(properties).map(([member, inner]) => [member, valueOf(inner, known, member)]));
  const keys = required.filter((key) => key in members);
  const named = fc.oneof({ weight: 9, arbitrary: fc.record(members, { requiredKeys: keys }) }, { weight: 1, arbitrary: fc.record(members, { requiredKeys: [] }) });
  if (typeof additionalProperties !== 'object' && Object.keys(members).length > 0) return named;
  const rest = typeof additionalProperties === 'object' ? valueOf(additionalProperties, known, name) : anyJson;
  const more = fc.dictionary(fc.oneof(...['userId', 'roomId', 'deviceId', 'eventType'].map((key) => namedText(key, known)), fc.constantFrom(...TEXTS.slice(5))), rest, { maxKeys: 3 });
  return fc.tuple(named, more).map(([one, other]) => ({ ...one, ...other }));
}

/** What a name of that kind may stand for: something there, something not there, or nothing of the kind. */
function namedText(name: string, known: Known): Arbitrary<string> {
  const there = known[name] ?? known[name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())] ?? [];
  const hard = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'binary', maxLength: 20 }));
  return there.length === 0
    ? fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...Object.values(known).flat()) }, { weight: 2, arbitrary: fc.string({ minLength: 1, maxLength: 8 }) }, { weight: 1, arbitrary: hard })
    : fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...there) }, { weight: 1, arbitrary: hard });
}

function queryText(query: unknown): string {
  if (typeof query !== 'object' || query === null) return `?${String(query)}`.replaceAll(/[^!-~]/g, '');
  const pairs = Object.entries(query).flatMap(([key, value]) => [value].flat().map((one: unknown) => [key, typeof one === 'object' ? JSON.stringify(one) : String(one)]));
  const within = pairs.map(([key = '', value = '']): [string, string] => [key, /timeout/.test(key) && Number(value) > LONGEST_MS ? String(LONGEST_MS) : value]);
  return within.length === 0 ? '' : `?${new URLSearchParams(within).toString()}`;
}
