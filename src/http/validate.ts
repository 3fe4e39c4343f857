import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { MatrixError } from '../matrix/errors.js';
import type { Schema } from '../matrix/schema.js';

/** Throws the refusal a value earns, or returns it, seen as what the schema says. */
export type Check = (value: unknown) => unknown;

export interface Validators {
  readonly body: (schema: Schema<unknown>) => Check;
  readonly query: (schema: Schema<unknown>) => Check;
}

// Our schemas come from combinators that can write no wrong one, so checking them at every start, and polishing the code made of
// them, would only cost time and memory.
const OPTIONS = { strict: true, allowUnionTypes: true, validateSchema: false, meta: false, code: { optimize: false } } as const;

/**
 * Compiles schemas when they are first asked for, each one once, which Ajv sees to: all of them together would be a fifth of a start. Only
 * queries are coerced: a number in a body is a number.
 */
export function createValidators(): Validators {
  const bodies = new Ajv(OPTIONS);
  const queries = new Ajv({ ...OPTIONS, coerceTypes: 'array' });
  return {
    body: (schema) => checkBody(lazily(() => bodies.compile(schema.json))),
    query: (schema) => checkQuery(lazily(() => queries.compile(schema.json))),
  };
}

function lazily(compile: () => ValidateFunction): () => ValidateFunction {
  let compiled: ValidateFunction | undefined;
  return () => (compiled ??= compile());
}

function checkBody(validator: () => ValidateFunction): Check {
  return (value) => {
    const valid = validator();
    if (!valid(value)) throw new MatrixError('M_BAD_JSON', sentence('The request body', valid.errors?.[0]));
    return value;
  };
}

function checkQuery(validator: () => ValidateFunction): Check {
  return (value) => {
    const valid = validator();
    if (valid(value)) return value;
    const error = valid.errors?.[0];
    throw new MatrixError(error?.keyword === 'required' ? 'M_MISSING_PARAM' : 'M_INVALID_PARAM', sentence('The query', error));
  };
}

function sentence(what: string, error: ErrorObject | undefined): string {
  if (error === undefined) return `${what} is malformed`;
  const where = error.instancePath === '' ? what : `${what}: ${error.instancePath.slice(1).replaceAll('/', '.')}`;
  return `${where} ${error.keyword === 'pattern' ? 'has characters that are not allowed' : (error.message ?? 'is malformed')}`;
}

/** Splits a query string: keys given once are strings, keys given several times arrays. Bad escapes and NUL are refused. */
export function parseQuery(text: string): Readonly<Record<string, string | string[]>> {
  // Without a prototype no key is special, __proto__ included.
  const query = Object.create(null) as Record<string, string | string[]>;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    const before = query[key];
    query[key] = before === undefined ? value : [before, value].flat();
  }
  return query;
}

function decode(raw: string): string {
  const value = decodeComponent(raw.replaceAll('+', ' '));
  if (value.includes('\0')) throw new MatrixError('M_INVALID_PARAM', 'The query holds a NUL');
  return value;
}

/** Decodes percent escapes; a bad one is the client's mistake. */
export function decodeComponent(raw: string): string {
  if (!raw.includes('%')) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    throw new MatrixError('M_INVALID_PARAM', 'The address has a percent escape that is not one');
  }
}
