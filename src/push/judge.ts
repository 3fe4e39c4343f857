import { evaluate, type PushContext, type PushedEvent, type PushResult, type Ruleset } from '../matrix/push-rules.js';
import { parsePowerLevels } from '../matrix/power-levels.js';
import { roomVersion } from '../matrix/room-versions.js';
import type { JsonObject } from '../matrix/schema.js';
import { membershipCounts } from '../rooms/memberships-store.js';
import { roomsByNid } from '../rooms/rooms-store.js';
import { stateEntries } from '../rooms/state-store.js';
import type { ReadTransaction } from '../storage/database.js';

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
export function judge(preferences: Preferences, event: PushedEvent, context: Omit<PushContext, 'displayName'>): PushResult {
  if ((JSON.parse(preferences.ignored) as readonly string[]).includes(event.sender)) return NOTHING;
  const displayName = preferences.displayname === null ? {} : { displayName: preferences.displayname };
  return evaluate(JSON.parse(preferences.ruleset) as Ruleset, event, { ...context, ...displayName });
}

/** What the conditions of push rules ask of a room. */
export async function contextOf(tx: ReadTransaction, roomNid: number): Promise<Omit<PushContext, 'displayName'>> {
  const counts = await membershipCounts(tx, [roomNid]);
  const entries = await stateEntries(tx, roomNid, [['m.room.create', ''], ['m.room.power_levels', '']]);
  const [room] = await roomsByNid(tx, [roomNid]);
  const create = entries.find(({ type }) => type === 'm.room.create');
  const levels = entries.find(({ type }) => type === 'm.room.power_levels');
  if (create === undefined || room === undefined) throw new Error('a room without its create event');
  return {
    memberCount: counts.find(({ membership }) => membership === 'join')?.n ?? 0,
    powerLevels: parsePowerLevels(
      levels === undefined ? undefined : (JSON.parse(levels.content) as JsonObject),
      { sender: create.sender, content: JSON.parse(create.content) as JsonObject },
      roomVersion(room.room_version),
    ),
  };
}
