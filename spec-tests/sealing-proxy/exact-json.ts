import { randomUUID } from 'node:crypto';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** Stands before a number that is kept as text; random, so that nothing a client writes can pass for one. */
const KEPT = `number-${randomUUID()}:`;
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const KEPT_NUMBERS = new RegExp(`"${KEPT}([^"]*)"`, 'g');

/**
 * JSON as a value, undefined where it is none. A number that JavaScript would write otherwise (`1.0`, `1e3`, more than 2^53) is kept as
 * it stands and comes out of `writeJson` unchanged.
 */
export function parseJson(text: string): JsonValue | undefined {
  const exact = text.replace(TOKENS, (token) => (token.startsWith('"') || String(Number(token)) === token ? token : `"${KEPT}${token}"`));
  try {
    return JSON.parse(exact) as JsonValue;
  } catch {
    return undefined;
  }
}

export function writeJson(value: JsonValue): string {
  return JSON.stringify(value).replace(KEPT_NUMBERS, '$1');
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The object in a body, undefined where there is anything else: such bodies are for the server to judge, as they came. */
export function objectIn(body: Buffer): JsonObject | undefined {
  const value = parseJson(body.toString('utf8'));
  // Bytes that are no UTF-8 would come out as other bytes.
  return isObject(value) && Buffer.from(body.toString('utf8')).equals(body) ? value : undefined;
}
