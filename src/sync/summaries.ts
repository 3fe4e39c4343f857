import { heroes, membershipCounts } from '../rooms/memberships-store.js';
import { stateOfRooms } from '../rooms/state-store.js';
import type { ReadTransaction } from '../storage/database.js';
import { groupBy, roomNidOf } from '../storage/group-by.js';

export interface Summary {
  readonly heroes: readonly string[];
  readonly text: string;
}

/** Member counts, and the people a room without a name is named after. https://spec.matrix.org/v1.19/client-server-api/#syncing */
export async function summariesOf(tx: ReadTransaction, roomNids: readonly number[], viewerNid: number): Promise<ReadonlyMap<number, Summary>> {
  const names = await stateOfRooms(tx, roomNids, ['m.room.name', 'm.room.canonical_alias']);
  const named = new Set(names.filter(({ content }) => isName(content)).map(({ room_nid }) => room_nid));
  const people = await heroes(tx, roomNids.filter((nid) => !named.has(nid)), viewerNid);
  const counts = groupBy(await membershipCounts(tx, roomNids), roomNidOf);
  const peopleOf = groupBy(people, roomNidOf);
  return new Map(
    roomNids.map((nid) => {
      const count = (wanted: string): number => counts.get(nid)?.find(({ membership }) => membership === wanted)?.n ?? 0;
      const all = peopleOf.get(nid) ?? [];
      const present = all.filter(({ membership }) => membership === 'join' || membership === 'invite');
      const ids = (present.length > 0 ? present : all).map(({ user_id }) => user_id);
      const hero = named.has(nid) ? {} : { 'm.heroes': ids };
      return [nid, { heroes: ids, text: JSON.stringify({ ...hero, 'm.joined_member_count': count('join'), 'm.invited_member_count': count('invite') }) }];
    }),
  );
}

function isName(content: string): boolean {
  const { name, alias } = JSON.parse(content) as { name?: unknown; alias?: unknown };
  return (typeof name === 'string' && name !== '') || (typeof alias === 'string' && alias !== '');
}
