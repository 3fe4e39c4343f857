import type { Database as Connection, Statement } from 'better-sqlite3';
import type { Sql } from './database.js';

export interface Prepared {
  readonly statement: Statement<unknown[]>;
  /** Columns declared JSON: SQLite gives them numeric affinity, so the JSON text `5` comes back as a number. */
  readonly json: readonly string[];
}

/** How many texts put together from fragments stay prepared; those of plain templates are as many as the program has. */
const KEPT = 500;

/** The prepared statements of one connection, found by the identity of the template where there is one: that costs no string. */
export class Statements {
  readonly #byTemplate = new WeakMap<readonly string[], Prepared>();
  readonly #byText = new Map<string, Prepared>();

  constructor(readonly connection: Connection) {}

  all<Row>(query: Sql): readonly Row[] {
    const { statement, json } = this.#find(query);
    const rows = statement.all(...query.values);
    if (json.length > 0) for (const row of rows) jsonAsText(row, json);
    return rows as readonly Row[];
  }

  one<Row>(query: Sql): Row | undefined {
    const { statement, json } = this.#find(query);
    const row = statement.get(...query.values);
    if (json.length > 0 && row !== undefined) jsonAsText(row, json);
    return row as Row | undefined;
  }

  run(query: Sql): number {
    return this.#find(query).statement.run(...query.values).changes;
  }

  #find(query: Sql): Prepared {
    const known = this.#byTemplate.get(query.strings);
    if (known !== undefined) return known;
    if (!('raw' in query.strings)) return this.#findText(query.strings.join('?'));
    const prepared = this.#prepare(query.strings.join('?'));
    this.#byTemplate.set(query.strings, prepared);
    return prepared;
  }

  #findText(text: string): Prepared {
    const known = this.#byText.get(text);
    const prepared = known ?? this.#prepare(text);
    // Setting it again makes it the youngest; the oldest is the first key.
    if (known !== undefined) this.#byText.delete(text);
    this.#byText.set(text, prepared);
    if (this.#byText.size > KEPT) for (const oldest of this.#byText.keys()) { this.#byText.delete(oldest); break; }
    return prepared;
  }

  #prepare(text: string): Prepared {
    const statement = this.connection.prepare<unknown[]>(text);
    const json = statement.reader ? statement.columns().filter(({ type }) => type === 'JSON').map(({ name }) => name) : [];
    return { statement, json };
  }
}

/** A SqliteError is no native error (loggers and tests do not know it for one): this is, with that as its cause. */
export function asError(cause: unknown): Error {
  return new Error(cause instanceof Object && 'message' in cause ? String(cause.message) : String(cause), { cause });
}

function jsonAsText(row: unknown, columns: readonly string[]): void {
  const record = row as Record<string, unknown>;
  for (const column of columns) {
    if (typeof record[column] === 'number') record[column] = String(record[column]);
  }
}
