/**
 * The storage seam: one async interface, one SQL text, two adapters (sqlite.ts, postgres.ts).
 *
 * The portable subset every query keeps to: TEXT, BIGINT, INTEGER 0/1, JSON with -> and ->>, CHECK, composite foreign keys,
 * ON CONFLICT DO UPDATE, RETURNING, recursive CTE, window functions, partial indexes. Not: json_each, arrays, AUTOINCREMENT/SERIAL,
 * FOR UPDATE, date types, INSERT OR REPLACE. PostgreSQL databases use LC_COLLATE 'C', as SQLite compares bytes.
 * BIGINT, sums and truth come back as numbers, JSON as its text. SQLite binds every number as REAL: no integer division by a value, no
 * value made into text by SQL. A body that met an error of a statement cannot commit, even if it caught it.
 *
 * A transaction body awaits nothing but its own `tx`: hashing, sockets and timers come before or after it.
 */
export type SqlValue = string | number | null | Uint8Array;

/** A class only so that no literal fits: nobody puts a text of their own where the template's stands. */
class Query {
  declare private readonly tagged: true;

  constructor(
    readonly strings: readonly string[],
    readonly values: readonly SqlValue[],
  ) {}
}

/** Made only by the `sql` tag and its helpers: a string is never a query. */
export type Sql = Query;

export interface ReadTransaction {
  all<Row>(query: Sql): Promise<readonly Row[]>;
  one<Row>(query: Sql): Promise<Row | undefined>;
}

export interface Transaction extends ReadTransaction {
  /** Resolves to the number of rows changed. */
  run(query: Sql): Promise<number>;
  /** Serialises this transaction with every other that takes the same name, on every process, until it ends. */
  lock(name: string): Promise<void>;
  /** Draws `count` positions from the one stream; resolves to the last of them. */
  draw(count: number): Promise<number>;
  /** Runs after the commit, on this process; never when the transaction fails. */
  afterCommit(effect: () => void): void;
  /** Tells every process of the shard, after the commit, that `topics` moved to `position`; listeners hear positions in order. */
  announce(position: number, topics: readonly string[]): void;
}

export interface Announcement {
  readonly position: number;
  readonly topics: readonly string[];
}

export interface Database {
  readonly engine: 'sqlite' | 'postgres';
  /** One consistent snapshot for the whole body. */
  read<T>(work: (tx: ReadTransaction) => Promise<T>): Promise<T>;
  /** All or nothing, durable when the promise resolves. The body may run again after a serialisation failure. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Hears every announcement of every process; `lost` says that some may have been missed and nothing known before holds. */
  listen(listener: { heard(announcement: Announcement): void; lost(position: number): void }): void;
  close(): Promise<void>;
}

/** Fragments nest; every other value becomes a bound parameter. */
export function sql(template: TemplateStringsArray, ...values: readonly (SqlValue | Sql)[]): Sql {
  if (!values.some(isFragment)) return new Query(template, values as readonly SqlValue[]);
  // Loops: a list of hundreds of ids is copied into every query that names it, and flatMap takes ten times as long.
  const bound: SqlValue[] = [];
  let lasts = true;
  for (const value of values) {
    if (!isFragment(value)) {
      bound.push(value);
      continue;
    }
    lasts &&= isLasting(value.strings);
    for (const each of value.values) bound.push(each);
  }
  return new Query(lasts ? lastingWeave(template, values) : weave(template, values), bound);
}

function weave(template: readonly string[], values: readonly (SqlValue | Sql)[]): readonly string[] {
  const strings = [template[0] ?? ''];
  values.forEach((value, i) => {
    const after = template[i + 1] ?? '';
    if (!isFragment(value)) {
      strings.push(after);
      return;
    }
    const [first = '', ...rest] = value.strings;
    strings[strings.length - 1] += first;
    strings.push(...rest);
    strings[strings.length - 1] += after;
  });
  return strings;
}

/** What became of a template with such and such fragments. */
class Woven {
  strings: readonly string[] | undefined;
  readonly with = new WeakMap<readonly string[], Woven>();
}
const woven = new WeakMap<readonly string[], Woven>();
const lasting = new WeakSet<readonly string[]>();
/** Stands for any bound value. */
const VALUE: readonly string[] = [];

/** Whether this very array stands for its text wherever it appears, so that a prepared statement can be found by it. */
export function isLasting(strings: readonly string[]): boolean {
  return 'raw' in strings || lasting.has(strings);
}

/** The same parts give the same array: the text of a frequent query is put together once, and never hashed again. */
function lastingWeave(template: readonly string[], values: readonly (SqlValue | Sql)[]): readonly string[] {
  let at = childOf(woven, template);
  for (const value of values) at = childOf(at.with, isFragment(value) ? value.strings : VALUE);
  at.strings ??= lastingStrings(weave(template, values));
  return at.strings;
}

function childOf(parents: WeakMap<readonly string[], Woven>, strings: readonly string[]): Woven {
  const known = parents.get(strings);
  if (known !== undefined) return known;
  const child = new Woven();
  parents.set(strings, child);
  return child;
}

function lastingStrings(strings: readonly string[]): readonly string[] {
  lasting.add(strings);
  return strings;
}

/**
 * `(?, ?, …)` for IN. The list is padded by its last value to a power of two, so that few statement texts are ever prepared;
 * an empty list matches nothing.
 */
export function inList(values: readonly SqlValue[]): Sql {
  if (values.length === 0) return sql`(NULL)`;
  const size = 2 ** Math.ceil(Math.log2(values.length));
  const padded = [...values, ...Array<SqlValue>(size - values.length).fill(values.at(-1) ?? null)];
  return new Query(listStrings(size), padded);
}

const lists = new Map<number, readonly string[]>();

function listStrings(size: number): readonly string[] {
  const known = lists.get(size);
  if (known !== undefined) return known;
  const strings = lastingStrings(['(', ...Array<string>(size - 1).fill(', '), ')']);
  lists.set(size, strings);
  return strings;
}

/**
 * `(?, …), (?, …), …` for VALUES, with a type for each column, of which the first is a nid. Padded to a power of two by rows that begin
 * with -1, which is nobody's nid; an empty list gives one such row.
 */
export function rowsOf(rows: readonly (readonly (number | string)[])[], types: readonly ColumnType[]): Sql {
  const size = 2 ** Math.ceil(Math.log2(Math.max(rows.length, 1)));
  const nobody = types.map((type, i) => (type === 'TEXT' ? '' : i === 0 ? -1 : 0));
  const values: SqlValue[] = [];
  for (const row of rows) values.push(...row);
  for (let i = rows.length; i < size; i += 1) values.push(...nobody);
  return new Query(rowStrings(size, types), values);
}

/** `(?, …), (?, …), …` for the VALUES of an INSERT, at least one row, all of one length; the columns say the types. */
export function tuplesOf(rows: readonly (readonly SqlValue[])[]): Sql {
  const row = `(${Array<string>(rows[0]?.length ?? 0).fill('?').join(', ')})`;
  const values: SqlValue[] = [];
  for (const each of rows) values.push(...each);
  return new Query(textOfRows(rows.length, row), values);
}

export type ColumnType = 'BIGINT' | 'TEXT';

const rowLists = new Map<string, readonly string[]>();

function rowStrings(size: number, types: readonly ColumnType[]): readonly string[] {
  return textOfRows(size, `(${types.map((type) => `CAST(? AS ${type})`).join(', ')})`);
}

function textOfRows(size: number, row: string): readonly string[] {
  const known = rowLists.get(`${size} ${row}`);
  if (known !== undefined) return known;
  const strings = lastingStrings(Array<string>(size).fill(row).join(', ').split('?'));
  rowLists.set(`${size} ${row}`, strings);
  return strings;
}

/** Joins fragments: rows of VALUES, conditions of a WHERE. */
export function join(fragments: readonly Sql[], separator: Separator): Sql {
  const values: SqlValue[] = [];
  for (const fragment of fragments) for (const value of fragment.values) values.push(value);
  const lasts = fragments.length <= MOST_LASTING && fragments.every(({ strings }) => isLasting(strings));
  return new Query(lasts ? lastingJoin(fragments, separator) : joined(fragments, separator), values);
}

type Separator = ', ' | ' AND ' | ' OR ' | ' UNION ALL ';
const separators: Readonly<Record<Separator, readonly string[]>> = { ', ': [', '], ' AND ': [' AND '], ' OR ': [' OR '], ' UNION ALL ': [' UNION ALL '] };
/** What lasts is kept for good, and every length is another text. */
const MOST_LASTING = 16;

function lastingJoin(fragments: readonly Sql[], separator: Separator): readonly string[] {
  let at = childOf(woven, separators[separator]);
  for (const { strings } of fragments) at = childOf(at.with, strings);
  at.strings ??= lastingStrings(joined(fragments, separator));
  return at.strings;
}

function joined(fragments: readonly Sql[], separator: Separator): readonly string[] {
  const strings = [''];
  fragments.forEach((fragment, i) => {
    const [first = '', ...rest] = fragment.strings;
    strings[strings.length - 1] += (i === 0 ? '' : separator) + first;
    strings.push(...rest);
  });
  return strings;
}

function isFragment(value: SqlValue | Sql): value is Sql {
  return typeof value === 'object' && value !== null && 'strings' in value;
}
