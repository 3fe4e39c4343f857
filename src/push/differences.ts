import type { PushedEvent } from '../matrix/push-rules.js';
import type { AppendedEvent, EventObserver } from '../rooms/append.js';
import type { Transaction } from '../storage/database.js';
import { membersToAsk, putDifference, type OwnPreferences } from './differences-store.js';
import { contextOf, judge } from './judge.js';
import { askForEventPush } from './tasks.js';

/**
 * For members with push rules of their own: notes where these say something else of a new event than the default rules do, for the
 * running totals count by the default rules. And where somebody has a pusher, asks for the push. Members with neither cost nothing.
 * https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
export const pushDifferences: EventObserver = {
  async onEvent(tx, event) {
    const { particular, mayBePushed } = await membersToAsk(tx, event);
    const isWanted = particular.length > 0 && (await noteDifferences(tx, event, particular));
    const isInvite = event.type === 'm.room.member' && event.content['membership'] === 'invite';
    if (mayBePushed && (isWanted || isInvite || event.byDefault.notify === 1)) await askForEventPush(tx, event);
  },
};

/** True when anybody's own rules want to notify them. */
async function noteDifferences(tx: Transaction, event: AppendedEvent, members: readonly OwnPreferences[]): Promise<boolean> {
  const context = await contextOf(tx, event.roomNid);
  let isWanted = false;
  for (const member of members) {
    const own = judge(member, pushed(event), context);
    isWanted ||= own.notify;
    const notify = (own.notify ? 1 : 0) - event.byDefault.notify;
    const highlight = (own.highlight ? 1 : 0) - event.byDefault.highlight;
    if (notify === 0 && highlight === 0) continue;
    await putDifference(tx, { roomNid: event.roomNid, userNid: member.user_nid, seq: event.seq, threadRoot: event.threadRoot ?? null, notify, highlight });
  }
  return isWanted;
}

function pushed(event: AppendedEvent): PushedEvent {
  const { type, sender, content, eventId: event_id, roomId: room_id, stateKey } = event;
  return { type, sender, content, event_id, room_id, ...(stateKey === undefined ? {} : { state_key: stateKey }) };
}
