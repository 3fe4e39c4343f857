import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { clientApi } from '../src/api/client.js';
import { pathsOf, type Endpoint } from '../src/api/endpoint.js';

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

function refusedRow([method, path, who, refusal]: readonly ts.Expression[]): readonly Row[] {
  if (!method || !path || !ts.isStringLiteral(method) || !ts.isStringLiteral(path) || !who || !refusal) return [];
  return [{ method: method.text, path: path.text, who: who.getText(), shapes: {}, handler: `refused: ${refusal.getText()}` }];
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

/** What a program needs to make requests: every path the row answers under, and its schemas themselves. */
function described({ method, path }: Row): object {
  const endpoint = clientApi.find((known: Endpoint) => known.method === method && known.path === path);
  if (endpoint === undefined) throw new Error(`${method} ${path} is in no table`);
  const { body, query, ...others } = endpoint.shapes;
  return { paths: pathsOf(endpoint), schemas: { body: body?.json, query: query?.json }, ...others };
}

const folder = join('src', 'api');
const rows = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !/\.(?:types|test)\.ts$/.test(name))
  .flatMap((name) => rowsIn(join(folder, name)));
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows.map((row) => ({ ...row, ...described(row) })), null, 2));
} else {
  for (const { method, path, who, shapes, handler } of rows) {
    const details = Object.entries(shapes).map(([name, value]) => `${name}=${value}`).join(' ');
    console.log(`${method.padEnd(7)}${path.padEnd(72)} ${who.padEnd(8)} ${handler.padEnd(28)} ${details}`.trimEnd());
  }
  console.log(`${rows.length} endpoints`);
}
