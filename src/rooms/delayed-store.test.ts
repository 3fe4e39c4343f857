import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sql, type Database } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { delayedOf, dropOrphaned, insertDelayed, restart, whenDue } from './delayed-store.js';
import { putState } from './state-store.js';

const WISH = { user_nid: 1, device_nid: 2, session_nid: 2, room_nid: 3, type: 'org.example.call', state_key: '', content: '{}', txn_id: null, delay_ms: 5, since_ts: 10, due_ts: 15 };

describe.each(engines)('an event that waits on $name', (engine) => {
  let db: Database;
  let drop: () => Promise<void>;

  beforeEach(async () => {
    ({ db, drop } = await engine.open());
    await db.transaction(async (tx) => {
      await tx.run(sql`INSERT INTO users (user_nid, user_id, is_account, created_ts) VALUES (1, '@alice:shard.example', 1, 0)`);
      await tx.run(sql`INSERT INTO devices (device_nid, session_nid, user_nid, device_id, created_ts) VALUES (2, 2, 1, 'PHONE', 0)`);
      const encryption = JSON.stringify({ content: { algorithm: 'm.megolm.v1.aes-sha2' }, state_key: '', type: 'm.room.encryption' });
      await tx.run(sql`
        INSERT INTO events (room_nid, seq, position, event_id, type, state_key, sender_nid, origin_server_ts, json, pdu, notify_sum, highlight_sum)
        VALUES (3, 1, 1, '$encryption', 'm.room.encryption', '', 1, 0, ${encryption}, '{}', 0, 0)`);
      await putState(tx, { roomNid: 3, type: 'm.room.encryption', stateKey: '', seq: 1, position: 1 });
      await tx.run(sql`
        INSERT INTO rooms (room_nid, room_id, room_version, seq, position, state_seq, depth, extremities, notify_sum, highlight_sum, thread_seq)
        VALUES (3, '!room:shard.example', '11', 1, 1, 1, 1, '[]', 0, 0, 0)`);
      await insertDelayed(tx, { ...WISH, delay_id: 'one' });
    });
  });
  afterEach(() => drop());

  const waiting = async (): Promise<readonly string[]> => (await db.read((tx) => delayedOf(tx, 1))).map(({ delay_id }) => delay_id);

  it('is that of a session, and nobody’s when the next begins on the same device', async () => {
    await db.transaction((tx) => dropOrphaned(tx, 1));
    expect([await waiting(), await db.read((tx) => whenDue(tx, 'one'))]).toEqual([['one'], { room_id: '!room:shard.example', due_ts: 15 }]);
    expect(await db.transaction((tx) => restart(tx, 'one', 20))).toBe(true);
    await db.transaction(async (tx) => {
      await tx.run(sql`UPDATE devices SET session_nid = 4 WHERE device_nid = 2`);
      await insertDelayed(tx, { ...WISH, delay_id: 'two', session_nid: 4 });
      // Asked for before the next session began, and written after.
      await insertDelayed(tx, { ...WISH, delay_id: 'three' });
    });
    expect([await waiting(), await db.read((tx) => whenDue(tx, 'one'))]).toEqual([['two'], undefined]);
    expect(await db.transaction((tx) => restart(tx, 'one', 20))).toBe(false);
    await db.transaction((tx) => dropOrphaned(tx, 1));
    expect(await db.read((tx) => tx.all(sql`SELECT delay_id FROM delayed_events`))).toEqual([{ delay_id: 'two' }]);
  });
});
