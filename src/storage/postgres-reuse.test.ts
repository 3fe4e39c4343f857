import { describe, expect, it } from '@jest/globals';
import { hasPostgres } from './engines.testing.js';
import { query, restore } from './postgres-reuse.testing.js';
import { createTestPostgres } from './postgres.testing.js';

(hasPostgres() ? describe : describe.skip)('a database that a test has used', () => {
  it('is used again without the rows it was given', async () => {
    const { connection, drop } = await createTestPostgres();
    await query(connection, "INSERT INTO shard (only_row, name, created_ts) VALUES (1, 'shard.example', 0)");
    expect(await restore(connection)).toBe(true);
    expect(await query(connection, 'SELECT * FROM shard')).toEqual([]);
    await drop();
  });

  it.each([
    ['a table', 'CREATE TABLE notes (text TEXT)'],
    ['a constraint less', 'ALTER TABLE events DROP CONSTRAINT no_public_rooms'],
    ['its triggers switched off', 'ALTER TABLE memberships DISABLE TRIGGER ALL'],
  ])('is not used again with %s', async (_, change) => {
    const { connection, drop } = await createTestPostgres();
    await query(connection, change);
    expect(await restore(connection)).toBe(false);
    await drop();
  });
});
