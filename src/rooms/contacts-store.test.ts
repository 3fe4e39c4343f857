import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createUser } from '../auth/users-store.js';
import { newUserId, parseServerName } from '../matrix/identifiers.js';
import { sql, type Sql } from '../storage/database.js';
import { hasPostgres, postgres, type TestDatabase } from '../storage/engines.testing.js';
import { contactsNamed } from './contacts-store.js';

const SERVER = parseServerName('shard.example');

(hasPostgres() ? describe : describe.skip)('contacts on PostgreSQL', () => {
  let test: TestDatabase;
  let viewer: number;
  beforeEach(async () => {
    test = await postgres.open();
    viewer = await test.db.transaction(async (tx) => {
      const nid = await createUser(tx, { userId: newUserId('viewer', SERVER), passwordHash: undefined, isAdmin: false, now: 0 });
      if (nid === undefined) throw new Error('the name is taken');
      return nid;
    });
  });
  afterEach(() => test.drop());

  /** A thousand people in twenty rooms each, whose events nobody looks for here, and the viewer in a hundred. */
  const populate = () => test.db.transaction(async (tx) => {
    await tx.run(sql`SET LOCAL session_replication_role = replica`); // no foreign key and no trigger looks at these rows
    await tx.run(sql`
      INSERT INTO users (user_nid, user_id, is_account, is_admin, created_ts)
      SELECT 100000 + g, '@p' || g || ':shard.example', 1, 0, 0 FROM generate_series(1, 1000) g`);
    await tx.run(sql`
      INSERT INTO memberships (room_nid, user_nid, membership, seq, position, changed_seq, notify_sum, highlight_sum)
      SELECT 200000 + (g * 37 + j * 101) % 1000, 100000 + g, 'join', 1, 1, 1, 0, 0 FROM generate_series(1, 1000) g, generate_series(1, 20) j`);
    await tx.run(sql`
      INSERT INTO memberships (room_nid, user_nid, membership, seq, position, changed_seq, notify_sum, highlight_sum)
      SELECT 200000 + g * 10, ${viewer}, 'join', 1, 1, 1, 0, 0 FROM generate_series(1, 100) g`);
  });
  const planOf = async (query: Sql): Promise<string> =>
    (await test.db.read((tx) => tx.all<{ 'QUERY PLAN': string }>(sql`EXPLAIN ${query}`))).map((row) => row['QUERY PLAN']).join('\n');

  it('are looked for in the viewer’s rooms, which takes the same time for who exists and who does not', async () => {
    await populate();
    const query = contactsNamed(viewer, Array.from({ length: 60 }, (_, i) => `@p${i}:shard.example`), 0);
    const inViewersRooms = /on memberships theirs[\s\S]*?Index Cond: \(\(room_nid = mine\.room_nid\) AND \(user_nid = COALESCE\(/;
    expect(await planOf(query)).toMatch(inViewersRooms);
    await test.db.transaction((tx) => tx.run(sql`ANALYZE`));
    expect(await planOf(query)).toMatch(inViewersRooms);
  });
});
