import type { ColumnDefinition, Database as Connection, Statement } from 'better-sqlite3';
import { isLasting, type Sql } from './database.js';

export interface Prepared {
  readonly statement: Statement<unknown[]>;
  /** Makes a row of its values. */
  readonly rowOf: RowMaker;
}

/** How many texts put together from fragments stay prepared; those of plain templates are as many as the program has. */
const KEPT = 500;

/** The prepared statements of one connection, found by the identity of the template where there is one: that costs no string. */
export class Statements {
  readonly #byTemplate = new WeakMap<readonly string[], Prepared>();
  readonly #byText = new Map<string, Prepared>();

  constructor(readonly connection: Connection) {}

  all<Row>(query: Sql): readonly Row[] {
    const { statement, rowOf } = this.#find(query);
    return statement.all(...query.values).map((values) => rowOf(values as readonly unknown[])) as readonly Row[];
  }

  one<Row>(query: Sql): Row | undefined {
    const { statement, rowOf } = this.#find(query);
    const values = statement.get(...query.values);
    return values === undefined ? undefined : (rowOf(values as readonly unknown[]) as Row);
  }

  run(query: Sql): number {
    return this.#find(query).statement.run(...query.values).changes;
  }

  #find(query: Sql): Prepared {
    const known = this.#byTemplate.get(query.strings);
    if (known !== undefined) return known;
    if (!isLasting(query.strings)) return this.#findText(query.strings.join('?'));
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
    // SQLite prepares a statement anew whenever a bare LIMIT is bound, to plan for its value; a sum it does not look into.
    const statement = this.connection.prepare<unknown[]>(text.replaceAll('LIMIT ?', 'LIMIT ? + 0'));
    if (!statement.reader) return { statement, rowOf: (values) => values };
    return { statement: statement.raw(true), rowOf: rowMaker(statement.columns()) };
  }
}

/** A SqliteError is no native error (loggers and tests do not know it for one): this is, with that as its cause. */
export function asError(cause: unknown): Error {
  return new Error(cause instanceof Object && 'message' in cause ? String(cause.message) : String(cause), { cause });
}

/**
 * A function that makes a row object of a row's values, with one object literal: that is a third cheaper than letting the driver name
 * every value of every row. The names are those of our own statements. Columns declared JSON have numeric affinity in SQLite, so the
 * JSON text `5` comes back as a number and is made a text again.
 */
function rowMaker(columns: readonly ColumnDefinition[]): RowMaker {
  const members = columns.map(({ name, type }, i) => {
    const value = `values[${i}]`;
    return `${JSON.stringify(name)}: ${type === 'JSON' ? `typeof ${value} === 'number' ? String(${value}) : ${value}` : value}`;
  });
  const literal = members.join(', ');
  // The only way to a literal whose members are known at run time.
  const make = makers.get(literal) ?? (new Function('values', `return { ${literal} };`) as RowMaker);
  makers.set(literal, make);
  return make;
}

type RowMaker = (values: readonly unknown[]) => unknown;
/** Statements of the same columns share one, which is then compiled once: as many as the program has. */
const makers = new Map<string, RowMaker>();
