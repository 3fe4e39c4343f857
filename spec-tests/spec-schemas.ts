import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { specificationFolder } from './operations.js';
import { complaints, loader, type Loader, type Place } from './spec-documents.js';
import { contentViolationsBy } from './spec-events.js';

/** One request and its answer, as they went over the wire. */
export interface Exchange {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly sent: unknown;
  readonly status: number;
  readonly answered: unknown;
}

/**
 * Every way in which an exchange departs from the specification's own OpenAPI, of which a path it does not know departs in none, and
 * then every way in which the events of its answer depart from what the specification says of their type.
 */
export type Violations = (exchange: Exchange) => readonly string[];

interface Operation extends Place {
  readonly method: string;
  readonly path: RegExp;
}
const METHODS = ['get', 'put', 'post', 'delete'];

/** Reads the specification's data; undefined when there is none. */
export function specificationAtHand(): Violations | undefined {
  const folder = specificationFolder();
  return folder === undefined ? undefined : violationsBy(folder);
}

function violationsBy(folder: string): Violations {
  const load = loader();
  const operations = operationsIn(join(folder, 'api/client-server'), load);
  const validators = new Map<string, ValidateFunction | undefined>();
  const validator = (operation: Operation, part: string): ValidateFunction | undefined => {
    const key = `${operation.file}${operation.pointer}/${part}`;
    if (!validators.has(key)) validators.set(key, load.compile(operation, part));
    return validators.get(key);
  };
  const error = load.compileFile(join(folder, 'api/client-server/definitions/errors/error.yaml'));
  const interactive = load.compileFile(join(folder, 'api/client-server/definitions/auth_response.yaml'));
  const contents = contentViolationsBy(folder, load);
  const departuresOf = (method: string, path: string, sent: unknown, status: number, answered: unknown): readonly string[] => {
    const v3 = path.replace(/^\/_matrix\/(client|media)\/r0\//, '/_matrix/$1/v3/');
    const candidates = operations.filter((operation) => operation.method === method.toLowerCase() && operation.path.test(v3));
    // Where the specification gives one path two operations (both kinds of invite), the exchange has to be one of them.
    return candidates.map((operation) => [
      ...(sent === undefined ? [] : complaints('request', validator(operation, 'requestBody'), sent)),
      ...complaints('answer', validator(operation, `responses/${status}`), answered),
    ]).sort((a, b) => a.length - b.length)[0] ?? [];
  };
  return ({ method, path, sent, status, answered }) => {
    if (status >= 400) return complaints('error', isInteractive(status, answered) ? interactive : error, answered);
    const departures = departuresOf(method, path, sent, status, answered);
    return departures.length > 0 ? departures : contents(method, path, answered);
  };
}

function isInteractive(status: number, answered: unknown): boolean {
  return status === 401 && typeof answered === 'object' && answered !== null && 'flows' in answered;
}

function operationsIn(folder: string, load: Loader): readonly Operation[] {
  return readdirSync(folder).filter((name) => name.endsWith('.yaml')).flatMap((name) => {
    const file = join(folder, name);
    const { paths = {}, servers } = load.document(file);
    const base = servers?.[0].variables?.basePath?.default ?? '';
    return Object.entries(paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method] !== undefined).map((method) => ({
        method,
        file,
        // Two paths of the specification carry a trailing blank, so that a key may appear twice.
        path: new RegExp(`^${`${base}${path.trim()}`.replaceAll(/[.]/g, '\\.').replaceAll(/\{[^}]+\}/g, '[^/]*')}$`),
        pointer: `/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1')}/${method}`,
      })));
  });
}
