import { sql, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';

export interface OwnPreferences {
  readonly user_nid: number;
  readonly ruleset: string;
  readonly ignored: string;
  readonly displayname: string | null;
}

const ofMembers: Sql = sql`
    SELECT m.user_nid, p.ruleset, p.ignored, e.json -> 'content' ->> 'displayname' AS displayname
    FROM memberships m
    JOIN push_rules p ON p.user_nid = m.user_nid
    JOIN events e ON e.room_nid = m.room_nid AND e.seq = m.seq`;

/** The joined members of a room who have changed their push rules or ignore somebody. */
export async function membersWithOwnRules(tx: ReadTransaction, roomNid: number): Promise<readonly OwnPreferences[]> {
  return tx.all<OwnPreferences>(sql`${ofMembers} WHERE m.room_nid = ${roomNid} AND m.has_own_push_rules = 1 AND m.membership = 'join'`);
}

/**
 * Those of them who did not send an event, and whether anybody it is for may have a pusher (whom it invites, too): all that an event
 * asks of members one by one, from two short indexes in one statement.
 */
export async function membersToAsk(
  tx: ReadTransaction,
  { roomNid, seq, senderNid }: { readonly roomNid: number; readonly seq: number; readonly senderNid: number },
): Promise<{ particular: readonly OwnPreferences[]; mayBePushed: boolean }> {
  const rows = await tx.all<OwnPreferences | { readonly user_nid: null }>(sql`
    ${ofMembers} WHERE m.room_nid = ${roomNid} AND m.has_own_push_rules = 1 AND m.membership = 'join' AND m.user_nid <> ${senderNid}
    UNION ALL
    SELECT NULL, NULL, NULL, NULL FROM (
      SELECT 1 FROM memberships
      WHERE room_nid = ${roomNid} AND has_pushers = 1 AND user_nid <> ${senderNid}
        AND (membership = 'join' OR (membership = 'invite' AND seq = ${seq}))
      LIMIT 1) pushed`);
  const particular = rows.filter((row): row is OwnPreferences => row.user_nid !== null);
  return { particular, mayBePushed: particular.length < rows.length };
}

/** What has been read needs no correction any more, so it goes when the next one comes. */
export async function putDifference(
  tx: Transaction,
  d: { roomNid: number; userNid: number; seq: number; threadRoot: string | null; notify: number; highlight: number },
): Promise<void> {
  const own = sql`r.room_nid = ${d.roomNid} AND r.user_nid = ${d.userNid}`;
  // The first bound spares the database from looking at all that was never read.
  await tx.run(sql`
    DELETE FROM push_differences
    WHERE room_nid = ${d.roomNid} AND user_nid = ${d.userNid}
      AND seq <= (SELECT max(r.seq) FROM receipts r WHERE ${own})
      AND seq <= (SELECT max(r.seq) FROM receipts r WHERE ${own} AND r.thread_id IN ('', coalesce(push_differences.thread_root, 'main')))`);
  await tx.run(sql`
    INSERT INTO push_differences (room_nid, user_nid, seq, thread_root, notify, highlight)
    VALUES (${d.roomNid}, ${d.userNid}, ${d.seq}, ${d.threadRoot}, ${d.notify}, ${d.highlight})`);
}
