import type { Ruleset } from '../matrix/push-rules.js';
import { evaluate } from '../matrix/push-rules.js';
import { parsePowerLevels } from '../matrix/power-levels.js';
import { roomVersion } from '../matrix/room-versions.js';
import type { JsonObject } from '../matrix/schema.js';
import type { AppendedEvent, EventObserver } from '../rooms/append.js';
import { membershipCounts } from '../rooms/memberships-store.js';
import { roomsByNid } from '../rooms/rooms-store.js';
import { stateEntries } from '../rooms/state-store.js';
import type { Transaction } from '../storage/database.js';
import { membersWithOwnRules, putDifference } from './differences-store.js';

/**
 * For members with push rules of their own: notes where these say something else of a new event than the default rules do, for the
 * running totals count by the default rules. https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
export const pushDifferences: EventObserver = {
  async onEvent(tx, event) {
    const members = await membersWithOwnRules(tx, event.roomNid, event.senderNid);
    if (members.length === 0) return;
    const context = await contextOf(tx, event);
    for (const member of members) {
      const rules = JSON.parse(member.ruleset) as Ruleset;
      const displayName = member.displayname === null ? {} : { displayName: member.displayname };
      const own = evaluate(rules, pushed(event), { ...context, ...displayName });
      const notify = (own.notify ? 1 : 0) - event.byDefault.notify;
      const highlight = (own.highlight ? 1 : 0) - event.byDefault.highlight;
      if (notify === 0 && highlight === 0) continue;
      await putDifference(tx, { roomNid: event.roomNid, userNid: member.user_nid, seq: event.seq, threadRoot: event.threadRoot ?? null, notify, highlight });
    }
  },
};

function pushed(event: AppendedEvent): JsonObject & { type: string; sender: string; room_id: string } {
  const { type, sender, content, eventId: event_id, roomId: room_id, stateKey } = event;
  return { type, sender, content, event_id, room_id, ...(stateKey === undefined ? {} : { state_key: stateKey }) };
}

async function contextOf(tx: Transaction, event: AppendedEvent): Promise<{ memberCount: number; powerLevels: ReturnType<typeof parsePowerLevels> }> {
  const counts = await membershipCounts(tx, [event.roomNid]);
  const entries = await stateEntries(tx, event.roomNid, [['m.room.create', ''], ['m.room.power_levels', '']]);
  const [room] = await roomsByNid(tx, [event.roomNid]);
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
