import { createHash } from 'node:crypto';
import type { ClientBase, QueryResult } from 'pg';
import { isLasting, sql, type Announcement, type Sql } from './database.js';
import type { ScriptTransaction } from './migrate.js';
import { positionIn } from './stream.js';

interface Named {
  readonly text: string;
  readonly name: string | undefined;
}

/** A connection keeps every statement it ever prepared by name, so texts put together from fragments get only this many. */
const MOST_NAMES = 1000;

/** The text with $n and its name, found by the identity of the template where there is one. */
export class Statements {
  readonly #byTemplate = new WeakMap<readonly string[], Named>();
  readonly #byText = new Map<string, Named>();

  find(strings: readonly string[]): Named {
    const known = this.#byTemplate.get(strings);
    if (known !== undefined) return known;
    const text = strings.reduce((before, after, i) => `${before}$${String(i)}${after}`);
    const named = this.#byText.get(text) ?? this.#name(text);
    if (isLasting(strings)) this.#byTemplate.set(strings, named);
    return named;
  }

  #name(text: string): Named {
    if (this.#byText.size >= MOST_NAMES) return { text, name: undefined };
    const named = { text, name: `s${String(this.#byText.size)}` };
    this.#byText.set(text, named);
    return named;
  }
}

/** One transaction on one connection; a read sees it as a ReadTransaction. */
export class PostgresTransaction implements ScriptTransaction {
  readonly #client: ClientBase;
  readonly #statements: Statements;
  readonly effects: (() => void)[] = [];
  readonly #topics = new Set<string>();
  #position: number | undefined;
  #hasEnded = false;
  failure: unknown;

  constructor(client: ClientBase, statements: Statements) {
    this.#client = client;
    this.#statements = statements;
  }

  async all<Row>(query: Sql): Promise<readonly Row[]> {
    return (await this.#query(query)).rows as readonly Row[];
  }

  async one<Row>(query: Sql): Promise<Row | undefined> {
    return (await this.#query(query)).rows[0] as Row | undefined;
  }

  async run(query: Sql): Promise<number> {
    return (await this.#query(query)).rowCount ?? 0;
  }

  async script(text: string): Promise<void> {
    await this.#try(() => this.#client.query(text));
  }

  async lock(name: string): Promise<void> {
    const key = createHash('sha256').update(name).digest().readBigInt64BE(0);
    await this.run(sql`SELECT pg_advisory_xact_lock(${String(key)})`);
  }

  async draw(count: number): Promise<number> {
    return positionIn(await this.one(sql`UPDATE stream SET position = position + ${count} RETURNING position`));
  }

  afterCommit(effect: () => void): void {
    this.effects.push(effect);
  }

  announce(position: number, topics: readonly string[]): void {
    this.#position = Math.max(this.#position ?? 0, position);
    for (const topic of topics) this.#topics.add(topic);
  }

  get announcement(): Announcement | undefined {
    return this.#position === undefined ? undefined : { position: this.#position, topics: [...this.#topics] };
  }

  end(): void {
    this.#hasEnded = true;
  }

  #query({ strings, values }: Sql): Promise<QueryResult> {
    const { text, name } = this.#statements.find(strings);
    return this.#try(() => this.#client.query(name === undefined ? { text, values: [...values] } : { name, text, values: [...values] }));
  }

  async #try<T>(step: () => Promise<T>): Promise<T> {
    if (this.#hasEnded) throw new Error('A query came after its transaction had ended: a promise of it was not awaited');
    try {
      return await step();
    } catch (error) {
      this.failure ??= error;
      throw error;
    }
  }
}
