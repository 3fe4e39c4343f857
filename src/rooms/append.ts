import { ensureUser } from '../auth/users-store.js';
import type { Pdu } from '../matrix/event.js';
import type { Membership } from '../matrix/event-auth.js';
import { parseUserId, type EventId, type RoomId, type UserId } from '../matrix/identifiers.js';
import type { JsonObject } from '../matrix/schema.js';
import type { Transaction } from '../storage/database.js';
import { advance, type Topic } from '../storage/stream.js';
import type { ComposedEvent } from './compose.js';
import { storedTexts } from './event-text.js';
import { insertEvent } from './events-store.js';
import type { LockedRoom, NascentRoom } from './lock.js';
import { putMembership } from './memberships-store.js';
import { defaultOutcome } from './default-outcome.js';
import { noteSent } from './receipts.js';
import { relationOf, threadRootOf } from './relations.js';
import { insertRelation, putThreadTip, threadTip } from './relations-store.js';
import type { StateEvent } from './room-state.js';
import { moveTip } from './rooms-store.js';
import { putState } from './state-store.js';

/** An event that has just entered a timeline. */
export interface AppendedEvent {
  readonly roomNid: number;
  readonly roomId: RoomId;
  readonly seq: number;
  readonly position: number;
  readonly eventId: EventId;
  readonly type: string;
  readonly stateKey?: string;
  /** Of a member event: whose membership it is. */
  readonly memberNid?: number;
  readonly senderNid: number;
  readonly sender: UserId;
  readonly content: JsonObject;
  readonly threadRoot?: string;
  /** Whether it notifies, and highlights, by the default push rules. */
  readonly byDefault: { readonly notify: number; readonly highlight: number };
  readonly deviceNid?: number;
  /** The mxc addresses its sender says it carries; undefined: the sender says nothing. */
  readonly attachMedia?: readonly string[];
  readonly now: number;
}

/** Whoever must act on every new event, in its very transaction. Given from above; the list is in `server-services.ts`. */
export interface EventObserver {
  onEvent(tx: Transaction, event: AppendedEvent): Promise<void>;
  /** Whether an event carries all of these mxc addresses because its sender said so. */
  carries?(tx: Transaction, event: { readonly roomNid: number; readonly seq: number }, addresses: readonly string[]): Promise<boolean>;
  /** An event of that seq is redacted: what it said is gone. */
  onRedaction?(tx: Transaction, redacted: { readonly roomNid: number; readonly seq: number; readonly now: number }): Promise<void>;
}

export interface Origin {
  readonly senderNid: number;
  readonly deviceNid?: number;
  readonly txnId?: string;
  readonly attachMedia?: readonly string[];
  readonly now: number;
}

/** Adds an event to the timeline of a room that exists: the only function that does, whatever the event's source. */
export async function appendEvent(
  tx: Transaction,
  room: LockedRoom,
  composed: ComposedEvent,
  origin: Origin,
  observers: readonly EventObserver[],
): Promise<AppendedEvent> {
  const appended = await persist(tx, room, composed, origin);
  if (appended.memberNid !== undefined) await takeMembership(tx, room, appended, appended.memberNid);
  if (appended.stateKey === undefined) await noteSent(tx, appended, room.tip);
  await moveTip(tx, room.nid, room.tip);
  for (const observer of observers) await observer.onEvent(tx, appended);
  return appended;
}

/** Adds an event that comes before the room itself can exist; `foundRoom` calls it for the first four. */
export async function persistEvent(tx: Transaction, room: NascentRoom, composed: ComposedEvent, origin: Origin): Promise<AppendedEvent> {
  return persist(tx, room, composed, origin);
}

/** Writes an event, the state it changes and the relation it makes, and moves the tip in memory. */
async function persist(tx: Transaction, room: LockedRoom | NascentRoom, composed: ComposedEvent, origin: Origin): Promise<AppendedEvent> {
  const { pdu, eventId } = composed;
  const seq = room.tip.seq + 1;
  const replaced = await replacedBy(tx, room, pdu);
  const memberNid = await memberOf(tx, pdu, origin);
  const position = await advance(tx, topicsOf(room, pdu, memberNid, replaced));
  const threadRoot = pdu.state_key === undefined ? threadRootOf(pdu.content) : undefined;
  const byDefault = defaultOutcome(pdu, room.id);
  const sums = await runningTotals(tx, room, { threadRoot, seq, byDefault });
  await insertEvent(tx, {
    room_nid: room.nid,
    seq,
    position,
    event_id: eventId,
    type: pdu.type,
    state_key: pdu.state_key ?? null,
    sender_nid: origin.senderNid,
    origin_server_ts: pdu.origin_server_ts,
    ...storedTexts(pdu, eventId),
    replaces_seq: replaced?.seq ?? null,
    thread_root: threadRoot ?? null,
    ...sums,
    device_nid: origin.deviceNid ?? null,
    txn_id: origin.txnId ?? null,
  });
  const appended = appendedEvent(room, composed, origin, { seq, position, threadRoot, byDefault, memberNid });
  await (appended.stateKey === undefined ? takeRelation(tx, appended) : takeState(tx, room, appended, appended.stateKey));
  room.tip = {
    seq,
    position,
    state_seq: appended.stateKey === undefined ? room.tip.state_seq : seq,
    depth: pdu.depth,
    extremities: [eventId],
    ...(threadRoot === undefined
      ? { ...sums, thread_seq: room.tip.thread_seq }
      : { notify_sum: room.tip.notify_sum, highlight_sum: room.tip.highlight_sum, thread_seq: seq }),
  };
  return appended;
}

function appendedEvent(
  room: LockedRoom | NascentRoom,
  { pdu, eventId }: ComposedEvent,
  origin: Origin,
  at: { seq: number; position: number; threadRoot: string | undefined; byDefault: AppendedEvent['byDefault']; memberNid: number | undefined },
): AppendedEvent {
  const { seq, position, threadRoot, byDefault, memberNid } = at;
  const { type, state_key, sender, content } = pdu;
  return {
    roomNid: room.nid,
    roomId: room.id,
    seq,
    position,
    eventId,
    type,
    ...(state_key === undefined ? {} : { stateKey: state_key }),
    ...(memberNid === undefined ? {} : { memberNid }),
    senderNid: origin.senderNid,
    sender,
    content,
    ...(threadRoot === undefined ? {} : { threadRoot }),
    byDefault,
    ...(origin.deviceNid === undefined ? {} : { deviceNid: origin.deviceNid }),
    ...(origin.attachMedia === undefined ? {} : { attachMedia: origin.attachMedia }),
    now: origin.now,
  };
}

async function replacedBy(tx: Transaction, room: LockedRoom | NascentRoom, { type, state_key }: Pdu): Promise<StateEvent | undefined> {
  if (state_key === undefined) return undefined;
  await room.state.load(tx, [[type, state_key]]);
  return room.state.get(type, state_key);
}

async function memberOf(tx: Transaction, { type, state_key, sender }: Pdu, { senderNid, now }: Origin): Promise<number | undefined> {
  if (type !== 'm.room.member' || state_key === undefined) return undefined;
  return state_key === sender ? senderNid : ensureUser(tx, parseUserId(state_key), now);
}

async function takeState(tx: Transaction, room: LockedRoom | NascentRoom, event: AppendedEvent, stateKey: string): Promise<void> {
  const { roomNid, type, eventId, sender, content, seq, position } = event;
  await putState(tx, { roomNid, type, stateKey, seq, position });
  room.state.append(tx, type, stateKey, { eventId, sender, content, seq });
}

async function takeRelation(tx: Transaction, event: AppendedEvent): Promise<void> {
  const relation = relationOf(event.content);
  if (relation !== undefined) await insertRelation(tx, event, relation);
}

/** Makes the room's memberships say what the member event says. */
export async function takeMembership(tx: Transaction, room: LockedRoom, event: AppendedEvent, userNid: number): Promise<void> {
  await putMembership(tx, {
    roomNid: event.roomNid,
    userNid,
    membership: event.content['membership'] as Membership,
    seq: event.seq,
    position: event.position,
    notify_sum: room.tip.notify_sum,
    highlight_sum: room.tip.highlight_sum,
  });
}

/** A change of name or picture is news of the timeline only; a change of membership is news to the member and of the device lists too. */
function topicsOf(room: LockedRoom | NascentRoom, { content }: Pdu, memberNid: number | undefined, replaced: StateEvent | undefined): readonly Topic[] {
  const timeline: Topic = `timeline/${room.nid}`;
  if (memberNid === undefined || replaced?.content['membership'] === content['membership']) return [timeline];
  return [timeline, `members/${room.nid}`, `membership/${memberNid}`];
}

/** The counts up to and with this event, of its thread or of the main timeline. */
async function runningTotals(
  tx: Transaction,
  room: LockedRoom | NascentRoom,
  event: { threadRoot: string | undefined; seq: number; byDefault: { notify: number; highlight: number } },
): Promise<{ notify_sum: number; highlight_sum: number }> {
  const { threadRoot, seq, byDefault } = event;
  const before = threadRoot === undefined ? room.tip : await threadTip(tx, room.nid, threadRoot);
  const sums = {
    notify_sum: (before?.notify_sum ?? 0) + byDefault.notify,
    highlight_sum: (before?.highlight_sum ?? 0) + byDefault.highlight,
  };
  if (threadRoot !== undefined) await putThreadTip(tx, room.nid, { root_id: threadRoot, newest_seq: seq, ...sums });
  return sums;
}
