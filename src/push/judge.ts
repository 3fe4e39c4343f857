import { evaluate, type PushContext, type PushedEvent, type PushResult, type Ruleset } from '../matrix/push-rules.js';
import { parsePowerLevels } from '../matrix/power-levels.js';
import { roomVersion } from '../matrix/room-versions.js';
import type { JsonObject } from '../matrix/schema.js';
import { membershipCounts } from '../rooms/memberships-store.js';
import { roomsByNid } from '../rooms/rooms-store.js';
import { stateOfRooms } from '../rooms/state-store.js';
import type { ReadTransaction } from '../storage/database.js';
import { groupBy, roomNidOf } from '../storage/group-by.js';

/** What somebody wants to hear of, as it is stored. */
export interface Preferences {
  /** JSON. */
  readonly ruleset: string;
  /** JSON: a list of user ids. */
  readonly ignored: string;
  /** In the room. */
  readonly displayname: string | null;
}

const NOTHING: PushResult = { notify: false, highlight: false, actions: [] };

/** What a person's own rules say of an event that somebody else sent; of whoever they ignore they hear nothing. */
export function judge(preferences: Preferences, event: PushedEvent, context: RoomContext): PushResult {
  if ((JSON.parse(preferences.ignored) as readonly string[]).includes(event.sender)) return NOTHING;
  const displayName = preferences.displayname === null ? {} : { displayName: preferences.displayname };
  return evaluate(JSON.parse(preferences.ruleset) as Ruleset, event, { ...context, ...displayName });
}

/** What the conditions of push rules ask of a room. */
export type RoomContext = Omit<PushContext, 'displayName'>;

export async function contextOf(tx: ReadTransaction, roomNid: number): Promise<RoomContext> {
  const context = (await contextsOf(tx, [roomNid])).get(roomNid);
  if (context === undefined) throw new Error('an event of no room');
  return context;
}

/** In as many statements for many rooms as for one. */
export async function contextsOf(tx: ReadTransaction, roomNids: readonly number[]): Promise<ReadonlyMap<number, RoomContext>> {
  const counts = groupBy(await membershipCounts(tx, roomNids), roomNidOf);
  const states = groupBy(await stateOfRooms(tx, roomNids, ['m.room.create', 'm.room.power_levels']), roomNidOf);
  const rooms = await roomsByNid(tx, roomNids);
  return new Map(rooms.map(({ room_nid: nid, room_version }) => {
    const create = states.get(nid)?.find(({ type }) => type === 'm.room.create');
    const levels = states.get(nid)?.find(({ type }) => type === 'm.room.power_levels');
    if (create === undefined) throw new Error('a room without its create event');
    const powerLevels = parsePowerLevels(
      levels === undefined ? undefined : (JSON.parse(levels.content) as JsonObject),
      { sender: create.sender, content: JSON.parse(create.content) as JsonObject },
      roomVersion(room_version),
    );
    return [nid, { memberCount: counts.get(nid)?.find(({ membership }) => membership === 'join')?.n ?? 0, powerLevels }];
  }));
}
