import type { Database, ReadTransaction } from './database.js';

/** Counts the statements that are read with. */
export function countingReads(db: Database, count: () => void): Database {
  const counted = (tx: ReadTransaction): ReadTransaction => ({
    all: (query) => { count(); return tx.all(query); },
    one: (query) => { count(); return tx.one(query); },
  });
  return {
    engine: db.engine,
    read: (work) => db.read((tx) => work(counted(tx))),
    transaction: (work) => db.transaction(work),
    listen: (listener) => { db.listen(listener); },
    close: () => db.close(),
  };
}
