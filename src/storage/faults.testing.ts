import { sql, type Database, type Sql, type Transaction } from './database.js';

/** What the chosen statement ends with. */
export const BROKEN = 'this statement was made to fail';

/**
 * A database whose `nth` statement in a transaction does its work and then fails, as a disk or a connection may: whoever goes on as if
 * nothing had happened commits half of something. `hasFailed` says whether there were as many statements.
 */
export function failingAt(db: Database, nth: number): { readonly db: Database; hasFailed(): boolean } {
  let count = 0;
  const after = <Result>(result: Result): Result => {
    count += 1;
    if (count === nth) throw new Error(BROKEN);
    return result;
  };
  const failing = (tx: Transaction): Transaction => ({
    all: async (query) => after(await tx.all(query)),
    one: async (query) => after(await tx.one(query)),
    run: async (query) => after(await tx.run(query)),
    lock: async (name) => after(await tx.lock(name)),
    draw: async (drawn) => after(await tx.draw(drawn)),
    afterCommit: (effect) => { tx.afterCommit(effect); },
    announce: (position, topics) => { tx.announce(position, topics); },
  });
  return {
    db: {
      engine: db.engine,
      read: (work) => db.read(work),
      transaction: (work) => db.transaction((tx) => work(failing(tx))),
      listen: (listener) => { db.listen(listener); },
      close: () => db.close(),
    },
    hasFailed: () => count >= nth,
  };
}

/** Every row of every table that may change, in an order of its own, so that two moments can be compared. */
export async function everythingIn(db: Database): Promise<Readonly<Record<string, readonly string[]>>> {
  return db.read(async (tx) => {
    const tables = await tx.all<{ name: string }>(db.engine === 'sqlite'
      ? sql`SELECT name FROM sqlite_schema WHERE type = 'table'`
      : sql`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`);
    const contents: [string, readonly string[]][] = [];
    for (const { name } of tables) {
      const rows = await tx.all<object>(allOf(name));
      contents.push([name, rows.map((row) => JSON.stringify(row)).sort()]);
    }
    return Object.fromEntries(contents);
  });
}

/** A table's name cannot be bound, and it comes from the schema itself. */
function allOf(table: string): Sql {
  const text = [`SELECT * FROM "${table}"`];
  return sql(Object.assign(text, { raw: text }));
}
