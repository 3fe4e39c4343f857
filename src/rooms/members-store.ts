import type { Membership } from '../matrix/event-auth.js';
import type { UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction } from '../storage/database.js';

/** The seqs of the member events in force just after `at`, of all members or of those named. */
export async function memberSeqsAt(tx: ReadTransaction, roomNid: number, at: number, userIds?: readonly string[]): Promise<readonly number[]> {
  const who = userIds === undefined ? sql`1 = 1` : sql`state_key IN ${inList(userIds)}`;
  const rows = await tx.all<{ seq: number }>(sql`
    SELECT seq FROM current_state WHERE room_nid = ${roomNid} AND type = 'm.room.member' AND ${who} AND since_seq <= ${at}
    UNION ALL
    SELECT seq FROM past_state
    WHERE room_nid = ${roomNid} AND type = 'm.room.member' AND ${who} AND since_seq <= ${at} AND until_seq > ${at}`);
  return rows.map((row) => row.seq);
}

/** The seqs of the present member events with one of these memberships. */
export async function memberSeqs(tx: ReadTransaction, roomNid: number, memberships: readonly Membership[]): Promise<readonly number[]> {
  const rows = await tx.all<{ seq: number }>(sql`
    SELECT seq FROM memberships WHERE room_nid = ${roomNid} AND membership IN ${inList(memberships)}`);
  return rows.map((row) => row.seq);
}

export interface JoinedMember {
  readonly user_id: UserId;
  readonly display_name: string | null;
  readonly avatar_url: string | null;
}

export async function joinedMemberProfiles(tx: ReadTransaction, roomNid: number): Promise<readonly JoinedMember[]> {
  return tx.all<JoinedMember>(sql`
    SELECT u.user_id, e.json -> 'content' ->> 'displayname' AS display_name, e.json -> 'content' ->> 'avatar_url' AS avatar_url
    FROM memberships m
    JOIN users u ON u.user_nid = m.user_nid
    JOIN events e ON e.room_nid = m.room_nid AND e.seq = m.seq
    WHERE m.room_nid = ${roomNid} AND m.membership = 'join'
    ORDER BY m.changed_seq`);
}
