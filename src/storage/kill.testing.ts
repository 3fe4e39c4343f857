import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from './database.js';
import { migrate } from './migrate.js';
import { openSqlite } from './sqlite.js';
import { advance } from './stream.js';

// The program that kill.test.ts kills: writes rows until then, and says each on its output once it was acknowledged.
const WRITERS = 30;
const [folder = '', run = ''] = process.argv.slice(2);

const db = await openSqlite({ path: join(folder, 'shard.db') });
await migrate(db, { clock: () => 0, folder: 'migrations' });
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));

async function write(writer: number): Promise<void> {
  for (let i = 0; ; i += 1) {
    const name = `${run}-${writer}-${i}`;
    const position = await db.transaction(async (tx) => {
      const nid = await advance(tx, ['timeline/1']);
      await tx.run(sql`INSERT INTO outbox (task_nid, kind, payload, due_ts) VALUES (${nid}, ${name}, ${JSON.stringify({ text: 'x'.repeat(500) })}, 0)`);
      return nid;
    });
    writeSync(1, `${position} ${name}\n`);
  }
}
