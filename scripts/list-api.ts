import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { clientApi } from '../src/api/client.js';
import { pathsOf, type Endpoint } from '../src/api/endpoint.js';
import { statuses } from '../src/http/statuses.js';

interface Row {
  readonly method: string;
  readonly path: string;
  readonly who: string;
  /** The names of the row's schemas, its limit and whatever else it says, as written. */
  readonly shapes: Readonly<Record<string, string>>;
  readonly handler: string;
}

const METHODS: Readonly<Record<string, string>> = { get: 'GET', put: 'PUT', post: 'POST', del: 'DELETE' };

/** Reads the rows from the source of the tables: the names of schemas and handlers stand only there. */
function rowsIn(file: string): readonly Row[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const rows: Row[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) rows.push(...rowOf(node));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return rows;
}

function rowOf({ expression, arguments: args }: ts.CallExpression): readonly Row[] {
  const name = expression.getText();
  return name === 'refused' ? refusedRow(args) : servedRow(METHODS[name], args);
}

function refusedRow([method, path, who]: readonly ts.Expression[]): readonly Row[] {
  if (!method || !path || !ts.isStringLiteral(method) || !ts.isStringLiteral(path) || !who) return [];
  return [{ method: method.text, path: path.text, who: who.getText(), shapes: {}, handler: 'refused' }];
}

function servedRow(method: string | undefined, [path, who, shapes, handler]: readonly ts.Expression[]): readonly Row[] {
  if (method === undefined || path === undefined || !ts.isStringLiteral(path) || !who || !shapes || !handler) return [];
  return [{ method, path: path.text, who: who.getText(), shapes: membersOf(shapes), handler: handler.getText() }];
}

function membersOf(shapes: ts.Expression): Readonly<Record<string, string>> {
  if (!ts.isObjectLiteralExpression(shapes)) return { shapes: shapes.getText() };
  return Object.fromEntries(
    shapes.properties.map((member) => [
      member.name?.getText() ?? '...',
      ts.isPropertyAssignment(member) ? member.initializer.getText() : member.getText(),
    ]),
  );
}

function endpointOf({ method, path }: Row): Endpoint {
  const endpoint = clientApi.find((known: Endpoint) => known.method === method && known.path === path);
  if (endpoint === undefined) throw new Error(`${method} ${path} is in no table`);
  return endpoint;
}

/** What a program needs to make requests: every path the row answers under, its schemas themselves, and the refusal of what is refused. */
function described(endpoint: Endpoint): object {
  const { body, query, ...others } = endpoint.shapes;
  const refusal = endpoint.refusal && { status: statuses[endpoint.refusal.errcode], errcode: endpoint.refusal.errcode, error: endpoint.refusal.message };
  return { paths: pathsOf(endpoint), schemas: { body: body?.json, query: query?.json }, refusal, ...others };
}

/** What stands behind the handler's name: the names of the row's schemas and limits, or what it answers. */
function detailsOf(row: Row): string {
  const { refusal } = endpointOf(row);
  return refusal === undefined
    ? Object.entries(row.shapes).map(([name, value]) => `${name}=${value}`).join(' ')
    : `${statuses[refusal.errcode]} ${refusal.errcode}: ${refusal.message}`;
}

const folder = join('src', 'api');
const rows = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !/\.(?:types|test)\.ts$/.test(name))
  .flatMap((name) => rowsIn(join(folder, name)));
// What the reader of sources misses, no test of every endpoint would try.
const missed = clientApi.length - new Set(rows.map(endpointOf)).size;
if (missed !== 0) throw new Error(`${missed} rows of the API are written in a way that this script does not read`);
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows.map((row) => ({ ...row, ...described(endpointOf(row)) })), null, 2));
} else {
  for (const row of rows) {
    const { method, path, who, handler } = row;
    console.log(`${method.padEnd(7)}${path.padEnd(72)} ${who.padEnd(8)} ${handler.padEnd(28)} ${detailsOf(row)}`.trimEnd());
  }
  const refused = rows.filter(({ handler }) => handler === 'refused').length;
  console.log(`${rows.length - refused} endpoints, and ${refused} that are there to be refused`);
}
