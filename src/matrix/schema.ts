/**
 * Combinators that emit plain JSON Schema and remember the TypeScript type, so that a body is described once.
 * `http/` compiles every schema with ajv when the server starts.
 */
declare const shape: unique symbol;
export interface Schema<T> {
  readonly json: JsonSchema;
  readonly [shape]?: T;
}
export type JsonSchema = Readonly<Record<string, unknown>>;
export type TypeOf<S> = S extends Schema<infer T> ? T : never;

export interface OptionalSchema<T> extends Schema<T> {
  readonly optional: true;
}

type Members = Readonly<Record<string, Schema<unknown>>>;
type OptionalKeys<M extends Members> = { [K in keyof M]: M[K] extends { optional: true } ? K : never }[keyof M];
type ObjectOf<M extends Members> = { readonly [K in Exclude<keyof M, OptionalKeys<M>>]: TypeOf<M[K]> } & {
  readonly [K in OptionalKeys<M>]?: TypeOf<M[K]>;
};

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/** An open object: members not named pass, as the specification wants of servers. */
export function object<M extends Members>(members: M): Schema<ObjectOf<M>> {
  return { json: objectJson(members) };
}

/** A closed object: a member not named is refused. */
export function closed<M extends Members>(members: M): Schema<ObjectOf<M>> {
  return { json: { ...objectJson(members), additionalProperties: false } };
}

function objectJson(members: Members): JsonSchema {
  const entries = Object.entries(members);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name, schema.json])),
    required: entries.filter(([, schema]) => !('optional' in schema)).map(([name]) => name),
  };
}

export function optional<T>(schema: Schema<T>): OptionalSchema<T> {
  return { json: schema.json, optional: true };
}

export function array<T>(items: Schema<T>, limits: { maxItems?: number; minItems?: number } = {}): Schema<readonly T[]> {
  return { json: { type: 'array', items: items.json, ...limits } };
}

/** An object used as a dictionary. */
export function record<T>(values: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return { json: { type: 'object', additionalProperties: values.json } };
}

export function oneOf<const V extends readonly (string | number | boolean)[]>(...values: V): Schema<V[number]> {
  return { json: { enum: values } };
}

export function either<A, B>(a: Schema<A>, b: Schema<B>): Schema<A | B> {
  return { json: { anyOf: [a.json, b.json] } };
}

/** Text without NUL; `maxBytes` counts characters here and bytes where the module that stores it says so. */
export function text(limits: { maxLength?: number; minLength?: number; pattern?: string } = {}): Schema<string> {
  return { json: { type: 'string', pattern: '^[^\\u0000]*$', ...limits } };
}

export const string: Schema<string> = text();
export const integer: Schema<number> = { json: { type: 'integer', minimum: -(2 ** 53) + 1, maximum: 2 ** 53 - 1 } };
/** A number, fractions included, from `minimum` to `maximum`. */
export function numberWithin(minimum: number, maximum: number): Schema<number> {
  return { json: { type: 'number', minimum, maximum } };
}

export const natural: Schema<number> = { json: { type: 'integer', minimum: 0, maximum: 2 ** 53 - 1 } };
export const positive: Schema<number> = { json: { type: 'integer', minimum: 1, maximum: 2 ** 53 - 1 } };
export const boolean: Schema<boolean> = { json: { type: 'boolean' } };
/** JSON's null, which clients write where they mean that a member is absent. */
export const nothing: Schema<null> = { json: { type: 'null' } };
export const anyJson: Schema<JsonValue> = { json: {} };
export const anyObject: Schema<JsonObject> = { json: { type: 'object' } };
export const noBody: Schema<JsonObject> = { json: { type: 'object' } };
