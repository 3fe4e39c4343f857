import { execFileSync } from 'node:child_process';

/** As much of JSON Schema as the server's own schemas use. */
export interface Schema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object' | 'null';
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly (string | number | boolean)[];
  readonly anyOf?: readonly Schema[];
  readonly minLength?: number;
}

/** A row of the API, as `scripts/list-api` prints it. */
export interface Endpoint {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With its parameters' names after colons. */
  readonly path: string;
  /** Every whole path the row answers under. */
  readonly paths: readonly [string, ...string[]];
  readonly who: 'anyone' | 'session';
  readonly schemas: { readonly body?: Schema; readonly query?: Schema };
  readonly maxBody?: number;
  readonly stream?: true;
  /** What a row that is there in order to be refused answers. */
  readonly refusal?: { readonly status: number; readonly errcode: string; readonly error: string };
}

/** The whole API, so that what holds for every endpoint is tried on every endpoint, those still to come included. */
export function allEndpoints(): readonly Endpoint[] {
  const text = execFileSync(process.execPath, ['scripts/run.mjs', 'list-api', '--json'], { encoding: 'utf8' });
  return JSON.parse(text) as readonly Endpoint[];
}

/** The row's path with each parameter replaced by what `value` makes of its name. */
export function fillPath(path: string, value: (name: string) => string): string {
  return path.replace(/:([A-Za-z]+)/g, (_, name: string) => encodeURIComponent(value(name)));
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The least that a schema lets pass; strings as `text` wants them for a member of that name. */
export function smallest(schema: Schema, text: (name: string) => string, name = ''): Json {
  const [first] = schema.anyOf ?? schema.enum ?? [];
  if (typeof first === 'object') return smallest(first, text, name);
  if (first !== undefined) return first;
  switch (schema.type) {
    case 'string':
      return text(name);
    case 'integer':
    case 'number':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [];
    case 'object':
      return Object.fromEntries((schema.required ?? []).map((member) => [member, smallest(schema.properties?.[member] ?? {}, text, member)]));
    default:
      return {};
  }
}

/** A place within the values a schema describes: `at` puts something there and makes the rest as small as it may be. */
export interface Place {
  readonly name: string;
  readonly schema: Schema;
  readonly at: (value: unknown) => unknown;
}

/** Every place a schema names, outermost first. */
export function placesIn(schema: Schema, text: (name: string) => string): readonly Place[] {
  const whole = smallest(schema, text);
  const within = (name: string, inner: Schema, at: Place['at']): readonly Place[] => [
    { name, schema: inner, at },
    ...placesIn(inner, text).map((deeper) => ({ ...deeper, name: `${name}.${deeper.name}`, at: (value: unknown) => at(deeper.at(value)) })),
  ];
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
    within(name, inner, (value) => ({ ...(whole as object), [name]: value })));
  const entries = typeof schema.additionalProperties === 'object' ? within('x', schema.additionalProperties, (value) => ({ x: value })) : [];
  const items = schema.items === undefined ? [] : within('0', schema.items, (value) => [value]);
  return [...members, ...entries, ...items];
}

const SAMPLES = { string: 'text', integer: 5, boolean: true, array: [], object: {}, null: null } as const;

/** One value of every JSON type that a schema does not let pass. */
export function wrongValues(schema: Schema): readonly unknown[] {
  const right = typesOf(schema);
  return right.length === 0 ? [] : Object.entries(SAMPLES).filter(([type]) => !right.includes(type)).map(([, value]) => value);
}

/** The JSON types a schema lets pass; none: all of them. */
export function typesOf(schema: Schema): readonly string[] {
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap(typesOf);
  if (schema.enum !== undefined) return schema.enum.map((value) => typeof value);
  return schema.type === undefined ? [] : [schema.type];
}
