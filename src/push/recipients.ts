import type { EventId, RoomId } from '../matrix/identifiers.js';
import type { PushedEvent } from '../matrix/push-rules.js';
import { defaultPushRules } from '../matrix/default-push-rules.js';
import { eventIdOf } from '../rooms/event-text.js';
import { asidesOf, eventsBySeq } from '../rooms/events-store.js';
import { roomsByNid } from '../rooms/rooms-store.js';
import type { ReadTransaction } from '../storage/database.js';
import { contextOf, judge } from './judge.js';
import { targetsInRoom, targetsOfMember, type MemberTarget, type Target } from './pushers-store.js';
import type { PushTask } from './tasks.js';

/** An event to tell a pusher of. */
export interface EventPush {
  readonly roomId: RoomId;
  readonly eventId: EventId;
  /** Whether a telephone should make itself heard: else the push may wait for a good moment. */
  readonly isUrgent: boolean;
}

/** Whether somebody wants to be told of invitations at all, when they are told; `profile/` knows it. https://spec.matrix.org/v1.19/client-server-api/#invite-permission */
export type WantsInvites = (tx: ReadTransaction, userNid: number) => Promise<boolean>;

/** A push and whom it is for. */
export interface Recipient {
  readonly target: Target;
  readonly push: EventPush;
}

/** Whose pushers are told of an event; `isInVain` says that nobody the event may be for has any. */
export async function recipientsOf(
  tx: ReadTransaction,
  task: PushTask & { about: 'event' },
  wantsInvites: WantsInvites,
): Promise<{ recipients: readonly Recipient[]; isInVain: boolean }> {
  const { roomNid, seq } = task;
  const [row] = await eventsBySeq(tx, roomNid, [seq]);
  const [room] = await roomsByNid(tx, [roomNid]);
  // What was taken back in the meantime calls nobody any more.
  if (row === undefined || room === undefined || asidesOf(row).redaction !== undefined) return { recipients: [], isInVain: false };
  const event: PushedEvent = { ...(JSON.parse(row.json) as PushedEvent), room_id: room.room_id };
  const members = await targetsInRoom(tx, { roomNid, seq, senderNid: row.sender_nid });
  const invited = row.state_type === 'm.room.member' && row.state_key !== null ? await targetsOfMember(tx, roomNid, row.state_key) : [];
  const isInVain = members.length + invited.length === 0;
  if (isInVain) return { recipients: [], isInVain };
  const [invitee] = invited;
  const told = invitee !== undefined && (await wantsInvites(tx, invitee.user_nid)) ? invited : [];
  const context = await contextOf(tx, roomNid);
  const verdict = (target: MemberTarget, isInvited: boolean): { notify: boolean; highlight: boolean } => {
    // The default rules say the same to everybody but whom an invitation is for.
    if (target.ruleset === null && !isInvited) return { notify: task.notify === 1, highlight: task.highlight === 1 };
    const ruleset = target.ruleset ?? JSON.stringify(defaultPushRules(target.user_id));
    return judge({ ruleset, ignored: target.ignored ?? '[]', displayname: target.displayname }, event, context);
  };
  const recipients = [...members.map((target) => ({ target, isInvited: false })), ...told.map((target) => ({ target, isInvited: true }))].flatMap(({ target, isInvited }) => {
    const { notify, highlight } = verdict(target, isInvited);
    const isUrgent = highlight || isInvited || event.type === 'm.room.encrypted';
    return notify ? [{ target, push: { roomId: room.room_id, eventId: eventIdOf(row.json), isUrgent } }] : [];
  });
  return { recipients, isInVain };
}
