import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import yaml from 'js-yaml';

/** A file of the specification, and a JSON pointer into it. */
export interface Place {
  readonly file: string;
  readonly pointer: string;
}
export interface OpenApi {
  readonly servers?: readonly [{ readonly variables?: { readonly basePath?: { readonly default?: string } } }];
  readonly paths?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Matrix' own string formats, where they can be told from the text alone. */
const FORMATS = {
  'mx-user-id': /^@[^\s:]*:\S+$/, 'mx-event-id': /^\$\S+$/, 'mx-room-id': /^!\S+$/, 'mx-room-alias': /^#\S+:\S+$/,
  'mx-mxc-uri': /^mxc:\/\/[^/\s]+\/[^/\s]+$/, 'mx-server-name': /^[^\s/]+$/,
  'mx-unpadded-base64': /^[A-Za-z0-9+/]*$/, 'mx-urlsafe-unpadded-base64': /^[A-Za-z0-9_-]*$/,
} as const;

/** Reads the specification's files, and makes validators of the schemas in them. */
export interface Loader {
  document(file: string): OpenApi;
  compile(operation: Place, part: string): ValidateFunction | undefined;
  compileFile(file: string): ValidateFunction;
}

export function loader(): Loader {
  const ajv = new Ajv2020({ strict: false, allErrors: true, loadSchema: (url) => Promise.reject(new Error(url)) });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  for (const [name, pattern] of Object.entries(FORMATS)) ajv.addFormat(name, pattern);
  const documents = new Map<string, OpenApi>();
  /** Registers a file and all it refers to under their file: URLs, against which Ajv resolves `$ref`. */
  const document = (file: string): OpenApi => {
    const known = documents.get(file);
    if (known !== undefined) return known;
    const parsed = yaml.load(readFileSync(file, 'utf8')) as OpenApi;
    documents.set(file, parsed);
    const schema = JSON.parse(JSON.stringify(parsed, withoutExamples)) as object;
    // Not checked against the meta-schema: an OpenAPI file is a container of schemas, and none itself.
    if (!Array.isArray(schema)) ajv.addSchema({ ...schema, $id: pathToFileURL(file).href }, undefined, false, false);
    for (const reference of referencesIn(schema)) {
      const [target = ''] = new URL(reference, pathToFileURL(file)).href.split('#');
      if (target.endsWith('.yaml')) document(fileURLToPath(target));
    }
    return parsed;
  };
  return {
    document,
    compile(operation, part) {
      const place = follow(document, operation.file, `${operation.pointer}/${part}`);
      if (place === undefined) return undefined;
      const schema = follow(document, place.file, `${place.pointer}/content/application~1json/schema`, false);
      return schema === undefined ? undefined : ajv.compile({ $ref: `${pathToFileURL(schema.file).href}#${escapeFragment(schema.pointer)}` });
    },
    compileFile(file) {
      document(file);
      return ajv.compile({ $ref: pathToFileURL(file).href });
    },
  };
}

/** `$ref` inside an example is an invention of the specification's build and no JSON Schema. */
function withoutExamples(key: string, value: unknown): unknown {
  return key === 'example' || key === 'examples' || key === '$schema' ? undefined : value;
}

function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => (key === '$ref' && typeof member === 'string' ? [member] : referencesIn(member)));
}

/** The place a JSON pointer leads to, through the `$ref` it may end in. */
function follow(document: Loader['document'], file: string, pointer: string, dereference = true): Place | undefined {
  let value: unknown = document(file);
  for (const step of pointer.slice(1).split('/')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  if (value === undefined) return undefined;
  const reference = (value as { $ref?: unknown }).$ref;
  if (!dereference || typeof reference !== 'string') return { file, pointer };
  const url = new URL(reference, pathToFileURL(file));
  return follow(document, fileURLToPath(url.href.split('#')[0] ?? ''), decodeURIComponent(url.hash.slice(1)));
}

function escapeFragment(pointer: string): string {
  return pointer.split('/').map(encodeURIComponent).join('/');
}

/** What a validator finds wrong with a value, one sentence each. */
export function complaints(what: string, validate: ValidateFunction | undefined, value: unknown): readonly string[] {
  if (validate === undefined || validate(value)) return [];
  return (validate.errors ?? []).map((e) => `${what} ${e.instancePath === '' ? '/' : e.instancePath} ${e.message ?? ''} ${JSON.stringify(e.params)}`);
}
