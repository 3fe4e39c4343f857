import { defaultPushRules } from '../matrix/default-push-rules.js';
import type { Pdu } from '../matrix/event.js';
import type { RoomId } from '../matrix/identifiers.js';
import { evaluate } from '../matrix/push-rules.js';

/** Nobody's id: rules that speak of the reader's own name match for no event. */
const NOBODY = '@:default';
const rules = defaultPushRules(NOBODY);
// Whether the room has two members changes the sound, not whether there is one; no default rule that ciphertext meets asks for power.
const anyMember = { userId: NOBODY, memberCount: 3, powerLevels: { userLevel: () => 0, notificationLevel: () => 50 } };

/**
 * What the default push rules say of an event to any member but its sender. Most members have no rules of their own, so this is
 * counted once for all of them; who differs is noted member by member (`push/`).
 */
export function defaultOutcome(event: Pdu, roomId: RoomId): { notify: number; highlight: number } {
  const outcome = evaluate(rules, { ...event, room_id: roomId }, anyMember);
  return { notify: outcome.notify ? 1 : 0, highlight: outcome.highlight ? 1 : 0 };
}
