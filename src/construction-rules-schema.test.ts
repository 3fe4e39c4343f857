import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ciphertext, contentOf, isContent, MEGOLM, refused } from './construction-rules-schema.testing.js';
import { sql, type Database, type Sql, type Transaction } from './storage/database.js';
import { engines } from './storage/engines.testing.js';

const ROOM = 1;
const PERSON = 2;
const DEVICE = 4;

describe.each(engines)('the schema on $name refuses', ({ open }) => {
  let db: Database;
  let drop: () => Promise<void>;
  let seq = 10;

  beforeAll(async () => {
    ({ db, drop } = await open());
    await write(sql`INSERT INTO shard (only_row, name, created_ts) VALUES (1, 'shard.example', 0)`);
    await write(sql`INSERT INTO users (user_nid, user_id, is_account, created_ts) VALUES (${PERSON}, '@alice:shard.example', 1, 0)`);
    await put('m.room.encryption', '', { algorithm: MEGOLM }, { at: 1 });
    await write(sql`INSERT INTO current_state (room_nid, type, state_key, seq, position, since_seq) VALUES (${ROOM}, 'm.room.encryption', '', 1, 1, 1)`);
    await write(roomRow(ROOM));
    await write(sql`INSERT INTO devices (device_nid, user_nid, device_id, created_ts) VALUES (${DEVICE}, ${PERSON}, 'B', 0)`);
  });
  afterAll(() => drop());

  it.each(refused)('%s (%s)', async (_, constraint, type, stateKey, content) => {
    await expect(put(type, stateKey, content)).rejects.toThrow(new RegExp(constraint));
  });

  it.each(refused.filter(isContent))('%s while it waits to be sent (of the timeline: %s)', async (_, __, type, stateKey, content) => {
    await expect(later(type, stateKey, content)).rejects.toThrow(/check constraint/i);
  });

  it('none of what the rules allow', async () => {
    for (const join_rule of ['invite', 'knock', 'restricted', 'knock_restricted']) await put('m.room.join_rules', '', { join_rule });
    for (const history_visibility of ['shared', 'invited', 'joined']) await put('m.room.history_visibility', '', { history_visibility });
    await put('m.room.guest_access', '', { guest_access: 'forbidden' });
    await put('m.room.encryption', '', { algorithm: MEGOLM, rotation_period_msgs: 1, rotation_period_ms: 604_800_000 });
    await put('m.room.encrypted', null, { algorithm: MEGOLM, ciphertext });
    const reply = { 'm.in_reply_to': { event_id: '$b' } };
    const id = `$${'"\\\x01é'.repeat(63)}`;
    for (const relation of [reply, { rel_type: 'm.thread', event_id: id, is_falling_back: true, ...reply }, { rel_type: 'm.annotation', event_id: '$a', key: '"\\👍'.repeat(10) }, { rel_type: 'm.annotation', event_id: '$a', key: '":[ ":{ "event_id":' }, {}]) {
      const message = { session_id: 'A'.repeat(43), ciphertext, device_id: 'a-b.c_d~e', sender_key: '+'.repeat(43), algorithm: MEGOLM, 'm.relates_to': relation };
      await put('m.room.encrypted', null, message);
      await later('m.room.encrypted', null, message);
    }
    for (const enter of [put, later]) {
      await enter('m.reaction', null, { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key: '👍' } });
      await enter('m.room.redaction', null, { reason: 'a "quoted" reason' });
      await enter('m.room.encryption', '', { rotation_period_msgs: 100, rotation_period_ms: 1, algorithm: MEGOLM });
    }
    await put('m.room.member', '@a:b', { membership: 'join', displayname: 'third_party_invite' });
    await put('org.example."quoted"\\type', 'a "key" \\ of ünïcode 🔑', { content: { content: 1 } });
  });

  it('a text that says something else than its columns', async () => {
    const text = (json: string) => expect(put('m.room.name', '', {}, { json })).rejects.toThrow('text_says_what_columns_say');
    await text('{"content":{"name":"x"},"state_key":"","type":"m.room.join_rules"}');
    await text('{"content":{"body":"x"},"type":"m.room.name"}');
    await text('{"content":{"body":"x"},"state_key":"other","type":"m.room.name"}');
    await text('{"content":{"name":"x"},"state_key":"","type":"m.room.name","type":"m.room.message"}');
    await text('{"type":"m.room.name","state_key":"","content":{"name":"x"}}');
    await text('[]');
  });

  it('what is no JSON', async () => {
    await expect(put('m.room.join_rules', '', {}, { json: '{"content":{"join_rule":"invite"' })).rejects.toThrow();
    await expect(put('m.room.join_rules', '', {}, { json: 'invite' })).rejects.toThrow();
  });

  it('events that become something else', async () => {
    const at = await put('m.room.encrypted', null, { algorithm: MEGOLM, ciphertext });
    const plain = JSON.stringify({ content: { algorithm: MEGOLM, body: 'hello' }, type: 'm.room.encrypted' });
    const change = (assignments: Sql) => expect(write(sql`UPDATE events SET ${assignments} WHERE room_nid = ${ROOM} AND seq = ${at}`)).rejects;
    await change(sql`type = 'm.room.message'`).toThrow(/only_encrypted_messages|text_says_what_columns_say/);
    await change(sql`json = ${plain}`).toThrow('messages_are_ciphertext');
    await change(sql`state_key = ''`).toThrow(/text_says_what_columns_say|only_encrypted_messages/);
    await change(sql`type = NULL`).toThrow(/null/i);
    await change(sql`json = NULL`).toThrow(/null/i);
    // What is called redacted holds nothing: not the ciphertext, and not something else in its stead.
    await change(sql`redacted_by_seq = 5`).toThrow('redacted_messages_are_empty');
    await change(sql`json = ${plain}, redacted_by_seq = 5`).toThrow('redacted_messages_are_empty');
    await change(sql`json = '{"content":{},"content":{"body":"hello"},"type":"m.room.encrypted"}', redacted_by_seq = 5`).toThrow('redacted_messages_are_empty');
    await write(sql`UPDATE events SET json = '{"content":{},"event_id":"$a","type":"m.room.encrypted"}', redacted_by_seq = 5 WHERE room_nid = ${ROOM} AND seq = ${at}`);
    const rule = await put('m.room.join_rules', '', { join_rule: 'invite' });
    await expect(write(sql`
      UPDATE events SET json = '{"content":{"join_rule":"public"},"state_key":"","type":"m.room.join_rules"}'
      WHERE room_nid = ${ROOM} AND seq = ${rule}`)).rejects.toThrow('no_public_rooms');
  });

  it('a room that loses its encryption', async () => {
    const other = await put('m.room.encryption', 'other', { algorithm: MEGOLM });
    const name = await put('m.room.name', '', { name: 'x' });
    const isRefused = (query: Sql) => expect(write(query)).rejects.toThrow(/foreign key|every_room_is_encrypted|state_is_of_its_event|CHECK|check/i);
    const itsState = sql`room_nid = ${ROOM} AND type = 'm.room.encryption' AND state_key = ''`;
    await isRefused(sql`DELETE FROM current_state WHERE ${itsState}`);
    await isRefused(sql`UPDATE current_state SET state_key = 'gone' WHERE ${itsState}`);
    await isRefused(sql`UPDATE current_state SET type = 'm.room.name' WHERE ${itsState}`);
    await isRefused(sql`UPDATE current_state SET room_nid = 77 WHERE ${itsState}`);
    await isRefused(sql`UPDATE current_state SET seq = ${name}, position = ${name} WHERE ${itsState}`);
    await isRefused(sql`UPDATE current_state SET seq = ${other}, position = ${other} WHERE ${itsState}`);
    await isRefused(sql`UPDATE current_state SET seq = ${name} WHERE ${itsState}`);
    await isRefused(sql`DELETE FROM events WHERE room_nid = ${ROOM} AND seq = 1`);
    await isRefused(sql`UPDATE events SET type = 'm.room.name', json = '{"content":{},"state_key":"","type":"m.room.name"}' WHERE room_nid = ${ROOM} AND seq = 1`);
    await isRefused(sql`UPDATE events SET json = '{"content":{},"state_key":"","type":"m.room.encryption"}', redacted_by_seq = 2 WHERE room_nid = ${ROOM} AND seq = 1`);
    await isRefused(sql`UPDATE rooms SET encryption_type = 'm.room.name' WHERE room_nid = ${ROOM}`);
    await isRefused(sql`UPDATE rooms SET encryption_state_key = 'other' WHERE room_nid = ${ROOM}`);
    await expect(write(sql`UPDATE rooms SET encryption_type = NULL WHERE room_nid = ${ROOM}`)).rejects.toThrow(/null/i);
    await isRefused(sql`UPDATE rooms SET room_nid = 78 WHERE room_nid = ${ROOM}`);
  });

  it('a member whom no event made', async () => {
    const [bob, said] = ['@bob:shard.example', { membership: 'join' }];
    await write(sql`INSERT INTO users (user_nid, user_id, is_account, created_ts) VALUES (20, ${bob}, 1, 0)`);
    const join = (nid: number, at: number, membership = 'join') => write(sql`
      INSERT INTO memberships (room_nid, user_nid, membership, seq, position, changed_seq, notify_sum, highlight_sum) VALUES (${ROOM}, ${nid}, ${membership}, ${at}, ${at}, ${at}, 0, 0)`);
    const [mine, name, message] = [await put('m.room.member', '@alice:shard.example', said), await put('m.room.name', bob, said), await put('m.room.encrypted', null, { algorithm: MEGOLM, ciphertext })];
    const [invited, joined] = [await put('m.room.member', bob, { membership: 'invite' }), await put('m.room.member', bob, said)];
    for (const at of [1, mine, name, message, invited, 9999]) await expect(join(20, at)).rejects.toThrow('members_have_an_event');
    await expect(join(20, joined, 'invite')).rejects.toThrow('members_have_an_event');
    await join(20, invited, 'invite');
    const change = (assignments: Sql) => expect(write(sql`UPDATE memberships SET ${assignments} WHERE room_nid = ${ROOM} AND user_nid = 20`)).rejects;
    await change(sql`membership = 'join'`).toThrow('members_have_an_event');
    await change(sql`seq = ${joined}`).toThrow('members_have_an_event');
    await change(sql`user_nid = ${PERSON}`).toThrow('members_have_an_event');
    await write(sql`UPDATE memberships SET membership = 'join', seq = ${joined} WHERE room_nid = ${ROOM} AND user_nid = 20`);
    await write(sql`UPDATE memberships SET is_forgotten = 1 WHERE room_nid = ${ROOM} AND user_nid = 20`);
  });

  it('a member event that says something else later, or is gone', async () => {
    const at = await put('m.room.member', '@alice:shard.example', { membership: 'leave', reason: 'x' });
    await write(sql`
      INSERT INTO memberships (room_nid, user_nid, membership, seq, position, changed_seq, notify_sum, highlight_sum) VALUES (${ROOM}, ${PERSON}, 'leave', ${at}, ${at}, ${at}, 0, 0)`);
    const change = (assignments: Sql) => expect(write(sql`UPDATE events SET ${assignments} WHERE room_nid = ${ROOM} AND seq = ${at}`)).rejects;
    const text = (content: object) => textOf('m.room.member', '@alice:shard.example', content);
    await change(sql`json = ${text({ membership: 'join' })}`).toThrow('member_events_stay');
    await change(sql`json = ${text({})}`).toThrow('member_events_stay');
    await change(sql`seq = 5000`).toThrow('member_events_stay');
    await change(sql`state_key = '@bob:shard.example', json = ${textOf('m.room.member', '@bob:shard.example', { membership: 'leave' })}`).toThrow('member_events_stay');
    await expect(write(sql`DELETE FROM events WHERE room_nid = ${ROOM} AND seq = ${at}`)).rejects.toThrow('member_events_stay');
    await write(sql`UPDATE events SET json = ${text({ membership: 'leave' })}, redacted_by_seq = 5 WHERE room_nid = ${ROOM} AND seq = ${at}`);
  });

  it('a past that was not', async () => {
    const [at, message] = [await put('m.room.history_visibility', '', { history_visibility: 'joined' }), await put('m.room.encrypted', null, { algorithm: MEGOLM, ciphertext })];
    const was = (type: string, stateKey: string, seqThen: number, until = 1000) => write(sql`
      INSERT INTO past_state (room_nid, type, state_key, seq, since_seq, until_seq) VALUES (${ROOM}, ${type}, ${stateKey}, ${seqThen}, 1, ${until})`);
    for (const [type, key, then] of [['m.room.member', '@alice:shard.example', at], ['m.room.history_visibility', 'x', at], ['m.room.history_visibility', '', message], ['m.room.history_visibility', '', 9999]] as const) {
      await expect(was(type, key, then)).rejects.toThrow('past_state_is_of_its_event');
    }
    await was('m.room.history_visibility', '', at);
    await expect(write(sql`UPDATE past_state SET seq = ${message} WHERE room_nid = ${ROOM} AND seq = ${at}`)).rejects.toThrow('past_state_is_of_its_event');
  });

  it('a room without encryption', async () => {
    await expect(write(roomRow(5))).rejects.toThrow(/foreign key/i);
  });

  it('a membership that waits, and what waits longer than its session', async () => {
    await expect(later('m.room.member', '@a:b', { membership: 'join' })).rejects.toThrow('nobody_joins_later');
    await later('m.room.encrypted', null, { algorithm: MEGOLM, ciphertext });
    await later('m.room.join_rules', '', { join_rule: 'knock' });
    await write(sql`DELETE FROM devices WHERE device_nid = ${DEVICE}`);
    expect(await db.read((tx) => tx.all(sql`SELECT delay_id FROM delayed_events`))).toEqual([]);
  });

  it('media of another shard, and another shard', async () => {
    const media = (shard: string | null) => write(sql`
      INSERT INTO media (media_id, shard, class, uploader_nid, device_nid, size, sha256, blob_name, wrapped_key, created_ts, grants_until_ts)
      VALUES ('m', ${shard}, 'attachment', ${PERSON}, 1, 1, 'x', 'x', 'x', 0, 0)`);
    await expect(media('other.example')).rejects.toThrow(/foreign key/i);
    await expect(media(null)).rejects.toThrow(/null/i);
    await expect(write(sql`INSERT INTO shard (only_row, name, created_ts) VALUES (1, 'other.example', 0)`)).rejects.toThrow(/unique/i);
    await expect(write(sql`INSERT INTO shard (only_row, name, created_ts) VALUES (2, 'other.example', 0)`)).rejects.toThrow(/check/i);
    await media('shard.example');
    await expect(write(sql`UPDATE media SET shard = 'other.example'`)).rejects.toThrow(/foreign key/i);
    await expect(write(sql`UPDATE shard SET name = 'other.example'`)).rejects.toThrow(/foreign key/i);
    await expect(write(sql`INSERT INTO media_grants (media_id, room_nid, why, seq, last_seq, granted_ts) VALUES ('m', 99, 'sent', 1, 1, 0)`)).rejects.toThrow(/foreign key/i);
    await expect(write(sql`INSERT INTO media_grants (media_id, room_nid, why, seq, last_seq, granted_ts) VALUES ('other', ${ROOM}, 'sent', 1, 1, 0)`)).rejects.toThrow(/foreign key/i);
  });

  it('media that are two things at once', async () => {
    await write(sql`
      INSERT INTO media (media_id, shard, class, uploader_nid, device_nid, size, sha256, blob_name, wrapped_key, created_ts, grants_until_ts)
      VALUES ('n', 'shard.example', 'attachment', ${PERSON}, 1, 1, 'x', 'y', 'x', 0, 5)`);
    const change = (assignments: Sql) => expect(write(sql`UPDATE media SET ${assignments} WHERE media_id = 'n'`)).rejects;
    await change(sql`class = 'picture'`).toThrow(/check/i);
    await change(sql`class = 'pending'`).toThrow('pending_media_have_no_content');
    await change(sql`wrapped_key = NULL`).toThrow('pending_media_have_no_content');
    await change(sql`content_type = 'image/png'`).toThrow('only_avatars_are_pictures');
    await change(sql`class = 'avatar', grants_until_ts = 0, content_type = 'image/svg+xml'`).toThrow('only_avatars_are_pictures');
    await change(sql`on_profile_ts = 1`).toThrow('only_avatars_are_on_profiles');
    await change(sql`class = 'avatar', content_type = 'image/png'`).toThrow('avatars_are_not_sent');
    const give = (why: string, room: number | null) => expect(write(sql`
      INSERT INTO media_user_grants (media_id, user_nid, why, by_nid, room_nid, granted_ts) VALUES ('n', ${PERSON}, ${why}, ${PERSON}, ${room}, 0)`)).rejects;
    await give('forwarded', null).toThrow('forwards_have_a_room');
    await give('to_device', ROOM).toThrow('forwards_have_a_room');
    await give('asked', null).toThrow(/check/i);
  });

  it('passwords and tokens that could be read back', async () => {
    for (const hash of ['hunter2', '', '$2b$12$abc', '$argon2i$v=19$', '$ARGON2ID$v=19$']) {
      await expect(write(sql`UPDATE users SET password_hash = ${hash}`)).rejects.toThrow('passwords_are_argon2id');
    }
    await write(sql`INSERT INTO devices (device_nid, user_nid, device_id, created_ts) VALUES (3, ${PERSON}, 'A', 0)`);
    await expect(write(sql`INSERT INTO access_tokens (token_hash, device_nid, created_ts) VALUES (${`cls_${'a'.repeat(43)}`}, 3, 0)`)).rejects.toThrow('tokens_are_hashed');
  });

  it('words in what an event tells other servers', async () => {
    const signed = { depth: 1, prev_events: ['$a'], auth_events: ['$b'], redacts: '$c', hashes: { sha256: 'h' }, signatures: { 'shard.example': { 'ed25519:k': 's' } } };
    await put('m.room.name', '', {}, { pdu: signed });
    for (const more of [{ unsigned: {} }, { body: 'hello' }, { content: { body: 'hello' } }, { hashes: { sha256: 'h', body: 'hello' } }]) {
      await expect(put('m.room.name', '', {}, { pdu: { ...signed, ...more } })).rejects.toThrow('envelopes_are_closed');
    }
    for (const more of [{ redacts: 'hello there' }, { prev_events: [{ body: 'hello there' }] }, { auth_events: ['$'.repeat(4096)] }]) {
      await expect(put('m.room.name', '', {}, { pdu: { ...signed, ...more } })).rejects.toThrow('envelopes_are_short');
    }
  });

  /** Has an event wait to be sent, as `put` sends one. */
  async function later(type: string, stateKey: string | null, content: object | string): Promise<void> {
    const id = (seq += 1);
    await write(sql`
      INSERT INTO delayed_events (delay_id, user_nid, device_nid, room_nid, type, state_key, content, txn_id, delay_ms, since_ts, due_ts)
      VALUES (${`d${id}`}, ${PERSON}, ${DEVICE}, ${ROOM}, ${type}, ${stateKey}, ${contentOf(content)}, ${stateKey === null ? `t${id}` : null}, 1, 0, 1)`);
  }

  function write(query: Sql): Promise<number> {
    return db.transaction((tx) => tx.run(query));
  }

  /** Inserts an event as its columns and its text would have it; resolves to its seq. A content given as text stands there as it is. */
  async function put(type: string, stateKey: string | null, content: object | string, { at = (seq += 1), json = textOf(type, stateKey, content), pdu = {} } = {}): Promise<number> {
    await db.transaction((tx: Transaction) => tx.run(sql`
      INSERT INTO events (room_nid, seq, position, event_id, type, state_key, sender_nid, origin_server_ts, json, pdu, notify_sum, highlight_sum)
      VALUES (${ROOM}, ${at}, ${at}, ${`$${at}`}, ${type}, ${stateKey}, ${PERSON}, 0, ${json}, ${JSON.stringify(pdu)}, 0, 0)`));
    return at;
  }

  function roomRow(nid: number): Sql {
    return sql`
      INSERT INTO rooms (room_nid, room_id, room_version, seq, position, state_seq, depth, extremities, notify_sum, highlight_sum, thread_seq)
      VALUES (${nid}, ${`!${nid}:shard.example`}, '11', 1, 1, 1, 1, '[]', 0, 0, 0)`;
  }
});

function textOf(type: string, stateKey: string | null, content: object | string): string {
  const state = stateKey === null ? '' : `"state_key":${JSON.stringify(stateKey)},`;
  return `{"content":${contentOf(content)},${state}"type":${JSON.stringify(type)}}`;
}
