import { findUser } from '../auth/users-store.js';
import { parseUserId } from '../matrix/identifiers.js';
import type { JsonObject } from '../matrix/schema.js';
import type { EventObserver } from '../rooms/append.js';
import { membershipIn } from '../rooms/memberships-store.js';
import { replacementClosed, replacementJoined, type Replacement } from '../rooms/replaced.js';
import type { Transaction } from '../storage/database.js';
import { findAccountData, GLOBAL, membersToFollow } from './account-data-store.js';
import { putAccountData } from './account-data.js';

/** As of any other account data. */
const MOST_BYTES = 65_536;

/**
 * Whoever joins a room that took the place of another finds it tagged as the other was, and among their direct chats where the other
 * was one. https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export const settingsFollowUpgrades: EventObserver = {
  async onEvent(tx, event) {
    const { type, stateKey, roomNid, seq, content } = event;
    if (type === 'm.room.tombstone' && stateKey === '') {
      const replacement = await replacementClosed(tx, event);
      if (replacement === undefined) return;
      for (const userNid of await membersToFollow(tx, { from: replacement.from.nid, to: replacement.to.nid })) await takeAlong(tx, userNid, replacement);
    } else if (type === 'm.room.member' && stateKey !== undefined && content['membership'] === 'join') {
      const replacement = await replacementJoined(tx, event);
      if (replacement === undefined) return;
      const user = await findUser(tx, parseUserId(stateKey));
      // A member who changes their name has not just come, and may have put things in order since.
      if (user === undefined || (await membershipIn(tx, roomNid, user.user_nid))?.changed_seq !== seq) return;
      await takeAlong(tx, user.user_nid, replacement);
    }
  },
};

/** The stream is held here, so nobody writes account data between what is read and what is written. */
async function takeAlong(tx: Transaction, userNid: number, { from, to }: Replacement): Promise<void> {
  const tags = await findAccountData(tx, { userNid, roomNid: from.nid, type: 'm.tag' });
  const tagged = { userNid, roomNid: to.nid, type: 'm.tag' };
  if (tags !== undefined && (await findAccountData(tx, tagged)) === undefined) await putAccountData(tx, tagged, JSON.parse(tags) as JsonObject);
  const key = { userNid, roomNid: GLOBAL, type: 'm.direct' };
  const direct = await findAccountData(tx, key);
  const both = direct === undefined ? undefined : withReplacement(JSON.parse(direct) as JsonObject, from.id, to.id);
  if (both !== undefined && Buffer.byteLength(JSON.stringify(both)) <= MOST_BYTES) await putAccountData(tx, key, both);
}

/** With every person with whom the old room was a direct chat; undefined: nothing changes. https://spec.matrix.org/v1.19/client-server-api/#mdirect */
function withReplacement(direct: JsonObject, from: string, to: string): JsonObject | undefined {
  const chats = Object.entries(direct).flatMap(([person, rooms]) =>
    Array.isArray(rooms) && rooms.includes(from) && !rooms.includes(to) ? [[person, [...rooms, to]] as const] : []);
  return chats.length === 0 ? undefined : { ...direct, ...Object.fromEntries(chats) };
}
