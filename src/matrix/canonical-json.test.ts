import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, canonicalJsonWithout } from './canonical-json.js';
import type { JsonValue } from './schema.js';

const badJson = expect.objectContaining({ errcode: 'M_BAD_JSON' });

// https://spec.matrix.org/v1.19/appendices/#examples
const published: readonly (readonly [given: string, produced: string])[] = [
  ['{}', '{}'],
  ['{ "one": 1, "two": "Two" }', '{"one":1,"two":"Two"}'],
  ['{ "b": "2", "a": "1" }', '{"a":"1","b":"2"}'],
  ['{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
  [
    `{ "auth": { "success": true, "mxid": "@john.doe:example.com", "profile": { "display_name": "John Doe", "three_pids": [
      { "medium": "email", "address": "john.doe@example.org" }, { "medium": "msisdn", "address": "123456789" } ] } } }`,
    '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
  ],
  ['{ "a": "日本語" }', '{"a":"日本語"}'],
  ['{ "本": 2, "日": 1 }', '{"日":1,"本":2}'],
  ['{ "a": "\\u65E5" }', '{"a":"日"}'],
  ['{ "a": null }', '{"a":null}'],
  ['{ "a": -0, "b": 1e10 }', '{"a":0,"b":10000000000}'],
];

describe('canonical JSON', () => {
  it.each(published)('encodes the published example %s', (given, produced) => {
    expect(canonicalJson(parse(given))).toBe(produced);
  });

  it('sorts by code point, not by UTF-16 unit, and not integers first', () => {
    expect(canonicalJson({ '\u{1f600}': 1, '\uff5e': 2, z: 3, '10': 4, '9': 5 })).toBe('{"10":4,"9":5,"z":3,"\uff5e":2,"\u{1f600}":1}');
  });

  it('escapes what must be escaped and nothing else', () => {
    expect(canonicalJson('"\\/\b\t\n\f\r\0\x1f\x7f\u2028é')).toBe('"\\"\\\\/\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\u2028é"');
  });

  it('keeps a member named __proto__', () => {
    expect(canonicalJson(parse('{"__proto__":{"a":1},"b":2}'))).toBe('{"__proto__":{"a":1},"b":2}');
  });

  it('leaves absent members out', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  });

  it('leaves out the members named, of the object itself only', () => {
    expect(canonicalJsonWithout({ b: { a: 1 }, a: 2, c: 3 }, ['a', 'x'])).toBe('{"b":{"a":1},"c":3}');
  });

  it('takes the largest and smallest integers', () => {
    expect(canonicalJson([2 ** 53 - 1, -(2 ** 53) + 1])).toBe('[9007199254740991,-9007199254740991]');
  });

  it.each([['a float', '1.5'], ['2^53', '9007199254740992'], ['-2^53', '-9007199254740992'], ['more than a double holds', '1e400']])(
    'refuses %s',
    (_, number) => {
      expect(() => canonicalJson(parse(`{"a":[${number}]}`))).toThrow(badJson);
    },
  );

  it.each([['a value', '"\\ud800"'], ['a trailing one', '"a\\udc00"'], ['a swapped pair', '"\\udc00\\ud800"'], ['a name', '{"\\ud800":1}']])(
    'refuses a lone surrogate: %s',
    (_, text) => {
      expect(() => canonicalJson(parse(text))).toThrow(badJson);
    },
  );

  it('nests 100 levels and not 101', () => {
    const nested = (levels: number) => parse('['.repeat(levels) + ']'.repeat(levels));
    expect(canonicalJson(nested(100))).toBe('['.repeat(100) + ']'.repeat(100));
    expect(() => canonicalJson(nested(101))).toThrow(badJson);
    expect(() => canonicalJson(nested(100_000))).toThrow(badJson);
  });

  it('means the same as what it encodes, and is the same whatever the order of members', () => {
    fc.assert(fc.property(json, (value) => {
      const encoded = canonicalJson(value);
      expect(JSON.parse(encoded)).toEqual(value);
      expect(canonicalJson(reversed(value))).toBe(encoded);
    }));
  });

  it('sorts members as their UTF-8 bytes sort', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }).filter((key) => key !== '__proto__' && !/^\d+$/.test(key));
    fc.assert(fc.property(fc.uniqueArray(name), (names) => {
      const encoded = canonicalJson(Object.fromEntries(names.map((key) => [key, 0])));
      const byBytes = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(encoded).toBe(`{${byBytes.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`);
    }));
  });
});

const { json } = fc.letrec<{ json: JsonValue }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map((n) => n + 0),
    fc.string({ unit: 'binary' }),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('json'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

function reversed(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).reverse());
}

function parse(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
}
