import type { ReadTransaction } from '../storage/database.js';
import { unreadOf } from './unread-store.js';

/** The number beside the app of each of these people: the rooms with something unread, or all that is unread in them. */
export async function unreadEverywhere(tx: ReadTransaction, userNids: readonly number[], groupByRoom: boolean): Promise<ReadonlyMap<number, number>> {
  const unread = new Map(userNids.map((userNid) => [userNid, 0]));
  for (const { user_nid, rooms, messages } of await unreadOf(tx, [...unread.keys()])) unread.set(user_nid, groupByRoom ? rooms : messages);
  return unread;
}

export async function unreadOfOne(tx: ReadTransaction, userNid: number, groupByRoom: boolean): Promise<number> {
  return (await unreadEverywhere(tx, [userNid], groupByRoom)).get(userNid) ?? 0;
}
