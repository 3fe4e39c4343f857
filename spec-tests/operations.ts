import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import yaml from 'js-yaml';
import type { Schema } from './endpoints.js';

/** The specification's data: what MATRIX_SPEC_DATA names, or `matrix-spec/data` beside the checkout; undefined when there is none. */
export function specificationFolder(): string | undefined {
  const folder = resolve(process.env['MATRIX_SPEC_DATA'] ?? fileURLToPath(new URL('../../matrix-spec/data', import.meta.url)));
  return existsSync(folder) ? folder : undefined;
}

/** An operation of the client-server API as the specification describes it. */
export interface SpecifiedOperation {
  readonly method: string;
  /** The whole path, with its parameters in braces. */
  readonly path: string;
  /** What its JSON body is made of, with every reference followed; undefined: it has none. */
  readonly body: Schema | undefined;
}

type Node = Readonly<Record<string, unknown>>;
const METHODS = ['get', 'put', 'post', 'delete'];
/** Schemas may refer to themselves. */
const DEEPEST = 8;

/** Every operation of the client-server API, in the order of its paths. */
export function specifiedOperations(folder: string): readonly SpecifiedOperation[] {
  const documents = new Map<string, Node>();
  const read = (file: string): Node => {
    const known = documents.get(file) ?? (yaml.load(readFileSync(file, 'utf8')) as Node);
    documents.set(file, known);
    return known;
  };
  const api = join(folder, 'api/client-server');
  const found = readdirSync(api).filter((name) => name.endsWith('.yaml')).flatMap((name) => {
    const file = join(api, name);
    const { paths = {}, servers = [] } = read(file) as { paths?: Record<string, Node>; servers?: readonly Node[] };
    const base = at(servers[0], 'variables', 'basePath', 'default') ?? '';
    return Object.entries(paths).flatMap(([path, item]) => METHODS.filter((method) => item[method] !== undefined).map((method) => {
      const body = at(item[method], 'requestBody', 'content', 'application/json', 'schema');
      // Two paths carry a trailing blank, so that a key may appear twice.
      return { method: method.toUpperCase(), path: `${String(base)}${path.trim()}`, body: body === undefined ? undefined : resolved(read, file, body, 0) };
    }));
  });
  return found.sort((a, b) => (a.path === b.path ? compare(a.method, b.method) : compare(a.path, b.path)));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function at(value: unknown, ...steps: readonly string[]): unknown {
  return steps.reduce<unknown>((within, step) => (typeof within === 'object' && within !== null ? (within as Node)[step] : undefined), value);
}

/** A schema without references; where it says `allOf`, all of these in one. */
function resolved(read: (file: string) => Node, file: string, value: unknown, depth: number): Schema {
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return {};
  const schema = value as Node;
  if (typeof schema['$ref'] === 'string') {
    const [target = '', pointer = ''] = schema['$ref'].split('#');
    const other = target === '' ? file : join(dirname(file), target);
    const steps = pointer.split('/').slice(1).map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    return resolved(read, other, at(read(other), ...steps), depth + 1);
  }
  const inner = (of: unknown): Schema => resolved(read, file, of, depth + 1);
  const parts = ((schema['allOf'] ?? []) as readonly unknown[]).map(inner);
  const { type, required, enum: values, properties, additionalProperties, items, anyOf, oneOf } = schema;
  const members = Object.fromEntries(Object.entries((properties ?? {}) as Node).map(([name, of]) => [name, inner(of)]));
  return {
    ...Object.assign({}, ...parts),
    ...(type === undefined ? {} : { type: (Array.isArray(type) ? type[0] : type) as NonNullable<Schema['type']> }),
    ...(values === undefined ? {} : { enum: values as NonNullable<Schema['enum']> }),
    ...(items === undefined ? {} : { items: inner(items) }),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: inner(additionalProperties) } : {}),
    ...(anyOf === undefined && oneOf === undefined ? {} : { anyOf: ((anyOf ?? oneOf) as readonly unknown[]).map(inner) }),
    properties: Object.assign({}, ...parts.map((part) => part.properties ?? {}), members) as Record<string, Schema>,
    required: [...parts.flatMap((part) => part.required ?? []), ...((required ?? []) as readonly string[])],
  };
}
