import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLParseError } from 'yaml';

/** One top-level key as some file gives it. */
export interface Entry {
  readonly name: string;
  readonly value: unknown;
  readonly file: string;
  /** Of the file, absolute: its relative paths start there. */
  readonly directory: string;
  /** The line of this key, or of one inside it. */
  lineOf(path: readonly (string | number)[]): number;
}

/** What stands in the way of reading a file at all. */
export interface Unreadable {
  readonly file: string;
  readonly line?: number;
  readonly key?: string;
  readonly message: string;
}

export interface Entries {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly unreadable: readonly Unreadable[];
  /** Where the relative paths of defaults start: the directory of the first file. */
  readonly home: string;
}

/** Reads files, and the `*.yaml` of directories by name; of a key given twice the later file counts, whole. */
export function readEntries(paths: readonly string[]): Entries {
  const entries = new Map<string, Entry>();
  const unreadable: Unreadable[] = [];
  for (const file of paths.flatMap((path) => filesOf(path, unreadable))) {
    for (const entry of entriesOf(file, unreadable)) entries.set(entry.name, entry);
  }
  return { entries, unreadable, home: homeOf(paths[0] ?? '.') };
}

function homeOf(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? resolve(path) : dirname(resolve(path));
}

function filesOf(path: string, unreadable: Unreadable[]): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => name.endsWith('.yaml'));
    return names.sort().map((name) => join(path, name));
  } catch (cause) {
    unreadable.push({ file: path, message: reasonOf(cause) });
    return [];
  }
}

function entriesOf(file: string, unreadable: Unreadable[]): readonly Entry[] {
  const lines = new LineCounter();
  const source = textOf(file, unreadable);
  if (source === undefined) return [];
  // Synapse reads YAML 1.1, where `yes` and `off` are booleans: the same file means the same here.
  const document = parseDocument(source, { version: '1.1', lineCounter: lines, prettyErrors: false });
  if (document.contents === null) return [];
  if (document.errors.length > 0) {
    unreadable.push(...document.errors.map((error) => ({ file, line: lines.linePos(error.pos[0]).line, ...faultOf(error, source) })));
    return [];
  }
  const { contents } = document;
  if (!isMap(contents)) {
    unreadable.push({ file, message: 'It is not a list of keys and values.' });
    return [];
  }
  const values = document.toJS() as Readonly<Record<string, unknown>>;
  return Object.entries(values).map(([name, value]) => ({
    name,
    value,
    file,
    directory: dirname(resolve(file)),
    lineOf: (path) => lines.linePos(offsetOf(contents, [name, ...path])).line,
  }));
}

function textOf(file: string, unreadable: Unreadable[]): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    unreadable.push({ file, message: reasonOf(cause) });
    return undefined;
  }
}

function faultOf({ code, message, pos }: YAMLParseError, source: string): { readonly key?: string; readonly message: string } {
  if (code !== 'DUPLICATE_KEY') return { message: firstLine(message) };
  const key = /^["']?([^\s:"']+)/.exec(source.slice(pos[0]))?.[1] ?? '';
  return { key, message: 'This key is given a second time here. Delete one of the two.' };
}

/** Where the deepest part of the path that the file spells out begins. */
function offsetOf(root: Node, path: readonly (string | number)[]): number {
  let node: unknown = root;
  let offset = 0;
  for (const key of path) {
    if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = startOf(node) ?? offset;
      continue;
    }
    const pair: Pair | undefined = isMap(node) ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === key) : undefined;
    if (pair === undefined) return offset;
    offset = startOf(pair.key) ?? offset;
    node = pair.value;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'There is no such file.';
  if (code === 'EACCES') return 'It may not be read by this user.';
  return 'It cannot be read.';
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
