import { inList, sql, type ReadTransaction } from '../storage/database.js';

export interface CopiedState {
  readonly type: string;
  readonly state_key: string;
  /** JSON. */
  readonly content: string;
}

/** What an upgraded room keeps of its state; what is not named here stays behind. */
const COPIED = [
  'm.room.create',
  'm.room.encryption',
  'm.room.power_levels',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.server_acl',
  'm.room.canonical_alias',
];

/** The state to copy: the named types, the children of a space, and who is banned. */
export async function copiedState(tx: ReadTransaction, roomNid: number): Promise<readonly CopiedState[]> {
  return tx.all<CopiedState>(sql`
    SELECT s.type, s.state_key, e.json -> 'content' AS content
    FROM current_state s JOIN events e ON e.room_nid = s.room_nid AND e.seq = s.seq
    WHERE s.room_nid = ${roomNid}
      AND ((s.type IN ${inList(COPIED)} AND s.state_key = '')
        OR s.type IN ('m.space.child', 'm.space.parent')
        OR (s.type = 'm.room.member' AND e.json -> 'content' ->> 'membership' = 'ban'))
    ORDER BY s.since_seq, s.type, s.state_key`);
}
