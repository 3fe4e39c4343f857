import { sql, type Database } from '../storage/database.js';
import { newNid } from '../storage/stream.js';

/** A room as the schema wants one, with these people joined; nothing else of it is real. */
export async function shareRoom(db: Database, roomId: string, userNids: readonly number[]): Promise<number> {
  return db.transaction(async (tx) => {
    const nid = await newNid(tx);
    const content = JSON.stringify({ content: { algorithm: 'm.megolm.v1.aes-sha2' }, state_key: '', type: 'm.room.encryption' });
    await tx.run(sql`
      INSERT INTO events (room_nid, seq, position, event_id, type, state_key, sender_nid, origin_server_ts, json, pdu, notify_sum, highlight_sum)
      VALUES (${nid}, 1, ${nid}, ${`$${nid}`}, 'm.room.encryption', '', ${userNids[0] ?? 0}, 0, ${content}, '{}', 0, 0)`);
    await tx.run(sql`
      INSERT INTO current_state (room_nid, type, state_key, seq, position, since_seq)
      VALUES (${nid}, 'm.room.encryption', '', 1, ${nid}, 1)`);
    await tx.run(sql`
      INSERT INTO rooms (room_nid, room_id, room_version, seq, position, state_seq, depth, extremities, notify_sum, highlight_sum, thread_seq)
      VALUES (${nid}, ${roomId}, '11', 1, ${nid}, 1, 1, '[]', 0, 0, 0)`);
    for (const [i, userNid] of userNids.entries()) {
      const seq = i + 2;
      const { user_id = '' } = (await tx.one<{ user_id: string }>(sql`SELECT user_id FROM users WHERE user_nid = ${userNid}`)) ?? {};
      const joined = JSON.stringify({ content: { membership: 'join' }, state_key: user_id, type: 'm.room.member' });
      await tx.run(sql`
        INSERT INTO events (room_nid, seq, position, event_id, type, state_key, sender_nid, origin_server_ts, json, pdu, notify_sum, highlight_sum)
        VALUES (${nid}, ${seq}, ${nid}, ${`$${nid}-${seq}`}, 'm.room.member', ${user_id}, ${userNid}, 0, ${joined}, '{}', 0, 0)`);
      await tx.run(sql`
        INSERT INTO memberships (room_nid, user_nid, membership, seq, position, changed_seq, notify_sum, highlight_sum)
        VALUES (${nid}, ${userNid}, 'join', ${seq}, ${nid}, ${seq}, 0, 0)`);
    }
    return nid;
  });
}
