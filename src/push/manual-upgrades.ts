import { parseRoomId, type RoomId } from '../matrix/identifiers.js';
import type { JsonObject } from '../matrix/schema.js';
import type { EventObserver } from '../rooms/append.js';
import { findRoom, knownRooms } from '../rooms/rooms-store.js';
import { stateEntries } from '../rooms/state-store.js';
import type { ReadTransaction } from '../storage/database.js';
import { rulesFollowUpgrades } from './rulesets.js';

/**
 * A room may be replaced by hand: another is founded that names it as its predecessor, and then its tombstone names the other.
 * Rules follow there too. https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export const rulesFollowTombstones: EventObserver = {
  async onEvent(tx, { type, stateKey, content, roomNid, roomId }) {
    const named = content['replacement_room'];
    if (type !== 'm.room.tombstone' || stateKey !== '' || typeof named !== 'string') return;
    if (!(await knownRooms(tx, [named])).has(named)) return;
    const to = parseRoomId(named);
    if (await isPredecessor(tx, roomId, to)) await rulesFollowUpgrades.onUpgrade(tx, { roomNid, from: roomId, to });
  },
};

async function isPredecessor(tx: ReadTransaction, from: RoomId, to: RoomId): Promise<boolean> {
  const replacement = await findRoom(tx, to);
  if (replacement === undefined) return false;
  const [create] = await stateEntries(tx, replacement.room_nid, [['m.room.create', '']]);
  const predecessor = create === undefined ? undefined : (JSON.parse(create.content) as JsonObject)['predecessor'];
  return typeof predecessor === 'object' && predecessor !== null && 'room_id' in predecessor && predecessor['room_id'] === from;
}
