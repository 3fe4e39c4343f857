import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { parseUserId, parseServerName } from '../matrix/identifiers.js';
import { sql, type Sql } from '../storage/database.js';
import { migrate, type ScriptDatabase } from '../storage/migrate.js';
import { openSqlite } from '../storage/sqlite.js';
import { findGranted } from './grants-store.js';

let folder: string;
let db: ScriptDatabase;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cloison-'));
  db = await openSqlite({ path: join(folder, 'homeserver.db'), report: (problem) => { throw problem; } });
});
afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true });
});

it('files of before the migration are still there, granted as they were, and count', async () => {
  const old = join(folder, 'migrations');
  mkdirSync(old);
  for (const name of readdirSync('migrations').filter((each) => each < '0006')) copyFileSync(join('migrations', name), join(old, name));
  await migrate(db, { clock: () => 0, folder: old });
  const write = (query: Sql): Promise<number> => db.transaction((tx) => tx.run(query));
  await write(sql`INSERT INTO shard (only_row, name, created_ts) VALUES (1, 'shard.example', 0)`);
  for (const [nid, name] of [[10, 'alice'], [20, 'bob']] as const) {
    await write(sql`INSERT INTO users (user_nid, user_id, is_account, created_ts) VALUES (${nid}, ${`@${name}:shard.example`}, 1, 0)`);
  }
  for (const [seq, type, key, content] of [
    [1, 'm.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2' }],
    [2, 'm.room.encrypted', null, { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'AwgAEpABciphertext' }],
  ] as const) {
    const json = JSON.stringify({ content, ...(key === null ? {} : { state_key: key }), type });
    await write(sql`
      INSERT INTO events (room_nid, seq, position, event_id, type, state_key, sender_nid, origin_server_ts, json, pdu, notify_sum, highlight_sum)
      VALUES (5, ${seq}, ${seq}, ${`$${seq}`}, ${type}, ${key}, 10, 0, ${json}, '{}', 0, 0)`);
    if (key !== null) await write(sql`INSERT INTO current_state (room_nid, type, state_key, seq, position, since_seq) VALUES (5, ${type}, '', ${seq}, ${seq}, ${seq})`);
  }
  await write(sql`
    INSERT INTO rooms (room_nid, room_id, room_version, seq, position, state_seq, depth, extremities, notify_sum, highlight_sum, thread_seq)
    VALUES (5, '!r:shard.example', '11', 2, 2, 1, 2, '[]', 0, 0, 0)`);
  await write(sql`INSERT INTO memberships (room_nid, user_nid, membership, seq, position, changed_seq, notify_sum, highlight_sum) VALUES (5, 20, 'join', 1, 1, 1, 0, 0)`);
  for (const [id, size] of [['sent', 70], ['unsent', 30]] as const) {
    await write(sql`
      INSERT INTO media (media_id, shard, uploader_nid, device_nid, size, sha256, wrapped_key, created_ts, grants_until_ts)
      VALUES (${id}, 'shard.example', 10, 11, ${size}, 'hash', 'key', 1000, ${id === 'sent' ? 601_000 : Number.MAX_SAFE_INTEGER})`);
  }
  await write(sql`INSERT INTO media_grants (media_id, room_nid, seq, granted_ts) VALUES ('sent', 5, 2, 1000)`);

  await migrate(db, { clock: () => 0 });

  const serverName = parseServerName('shard.example');
  const bob = { userNid: 20, userId: parseUserId('@bob:shard.example') };
  const asked = (mediaId: string) => db.read((tx) => findGranted(tx, bob, { serverName, mediaId }, 0));
  expect(await asked('sent')).toMatchObject({ class: 'attachment', size: 70, blob_name: 'sent', wrapped_key: 'key' });
  expect(await asked('unsent')).toBeUndefined();
  const all = (query: Sql) => db.read((tx) => tx.all(query));
  expect(await all(sql`SELECT media_id, idle_since_ts FROM media ORDER BY media_id`)).toEqual([{ media_id: 'sent', idle_since_ts: null }, { media_id: 'unsent', idle_since_ts: 1000 }]);
  expect(await all(sql`SELECT user_nid, bytes FROM media_usage ORDER BY user_nid`)).toEqual([{ user_nid: 0, bytes: 100 }, { user_nid: 10, bytes: 100 }]);
  expect(await all(sql`SELECT user_nid, room_nid, seq FROM newest_messages`)).toEqual([{ user_nid: 10, room_nid: 5, seq: 2 }]);
});
