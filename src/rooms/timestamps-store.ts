import type { EventId } from '../matrix/identifiers.js';
import { inList, join, sql, type ReadTransaction } from '../storage/database.js';

/** The event of these stretches whose time is nearest to `ts` on the side asked for. */
export async function closestInTime(
  tx: ReadTransaction,
  { nid, ignored }: { readonly nid: number; readonly ignored: ReadonlySet<number> },
  ranges: readonly { readonly from: number; readonly to: number }[],
  { ts, dir }: { ts: number; dir: 'b' | 'f' },
): Promise<{ event_id: EventId; origin_server_ts: number } | undefined> {
  if (ranges.length === 0) return undefined;
  const visible = join(ranges.map(({ from, to }) => sql`seq BETWEEN ${from} AND ${to}`), ' OR ');
  const side = dir === 'f' ? sql`origin_server_ts >= ${ts}` : sql`origin_server_ts <= ${ts}`;
  const order = dir === 'f' ? sql`origin_server_ts, seq` : sql`origin_server_ts DESC, seq DESC`;
  const wanted = ignored.size === 0 ? sql`` : sql`AND (state_key IS NOT NULL OR sender_nid NOT IN ${inList([...ignored])})`;
  return tx.one(sql`
    SELECT event_id, origin_server_ts FROM events
    WHERE room_nid = ${nid} AND (${visible}) AND ${side} ${wanted}
    ORDER BY ${order}
    LIMIT 1`);
}
