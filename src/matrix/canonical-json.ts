import { MatrixError } from './errors.js';
import type { JsonObject, JsonValue } from './schema.js';

/** Deeper than any honest event, shallow enough that no value exhausts the stack. */
const MAX_DEPTH = 100;
// Needs no escape, so its JSON is itself between quotes: three times as fast as JSON.stringify, and most strings of an event are such.
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const BEYOND_SURROGATES = /[\ud800-\uffff]/;

/**
 * The one encoding of a value that is hashed and signed: shortest form, members sorted by code point, absent (undefined) members
 * left out. Refuses with M_BAD_JSON whatever has no such encoding: numbers that are not integers within ±(2^53-1), lone
 * surrogates, nesting beyond 100. https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function canonicalJson(value: JsonValue): string {
  return encode(value, 0);
}

/** The same without the members of the object itself that a hash or a signature leaves out. */
export function canonicalJsonWithout(object: JsonObject, names: readonly string[]): string {
  return encodeMembers(object, sortedKeys(object).filter((key) => !names.includes(key)), 1);
}

function encode(value: JsonValue, depth: number): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value);
    case 'number':
      // String() writes integers of this range without an exponent, and -0 as 0.
      if (!Number.isSafeInteger(value)) throw badJson('Numbers must be integers between -(2^53)+1 and (2^53)-1');
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      if (value === null) return 'null';
      if (depth === MAX_DEPTH) throw badJson(`JSON may not be nested deeper than ${MAX_DEPTH} levels`);
      return isArray(value) ? encodeArray(value, depth + 1) : encodeMembers(value, sortedKeys(value), depth + 1);
  }
}

function encodeString(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  if (LONE_SURROGATE.test(value)) throw badJson('Text must be valid Unicode');
  return JSON.stringify(value);
}

function encodeArray(items: readonly JsonValue[], depth: number): string {
  let out = '[';
  for (let i = 0; i < items.length; i += 1) {
    if (i > 0) out += ',';
    out += encode(items[i] ?? null, depth);
  }
  return `${out}]`;
}

function encodeMembers(object: JsonObject, keys: readonly string[], depth: number): string {
  let out = '{';
  for (const key of keys) {
    const member = object[key];
    if (member === undefined) continue;
    if (out.length > 1) out += ',';
    out += `${encodeString(key)}:${encode(member, depth)}`;
  }
  return `${out}}`;
}

function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object).sort();
  // sort() goes by UTF-16 units, which differs from code points only where surrogates meet U+E000 to U+FFFF.
  return keys.some((key) => BEYOND_SURROGATES.test(key)) ? keys.sort(byCodePoint) : keys;
}

function byCodePoint(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i += 1) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Puts surrogates, which stand for code points from U+10000, behind every other unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function isArray(value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function badJson(message: string): MatrixError {
  return new MatrixError('M_BAD_JSON', message);
}
