import { createHash } from 'node:crypto';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

/** Of every table, how many rows it has and a hash of them. */
export type Stored = Readonly<Record<string, string>>;

/** Reads the embedded database in a data directory beside the server that writes it. */
export function storedIn(folder: string): Stored {
  const db = new Sqlite(join(folder, 'homeserver.db'), { readonly: true });
  try {
    // One snapshot of them all.
    db.exec('BEGIN');
    const tables = db.prepare<[], { name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).all();
    return Object.fromEntries(tables.map(({ name }) => [name, digest(db.prepare(`SELECT * FROM "${name}"`).all())]));
  } finally {
    db.close();
  }
}

function digest(rows: readonly unknown[]): string {
  return `${rows.length} rows, ${createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 16)}`;
}
