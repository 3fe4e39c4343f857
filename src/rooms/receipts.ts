import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import { parseEventId, type EventId, type RoomId } from '../matrix/identifiers.js';
import { object, optional, string, type TypeOf } from '../matrix/schema.js';
import type { Transaction } from '../storage/database.js';
import { advance } from '../storage/stream.js';
import type { AppendedEvent } from './append.js';
import { findEvent } from './events-store.js';
import { openJoinedRoom, type RoomReading } from './reading.js';
import { threadTip } from './relations-store.js';
import { MAIN, mainSumsAt, putReceipt, UNTHREADED, type MainSums } from './receipts-store.js';

export const ReceiptBody = object({ thread_id: optional(string) });
export const ReadMarkersBody = object({
  'm.fully_read': optional(string),
  'm.read': optional(string),
  'm.read.private': optional(string),
});

/** Room account data is written by `profile/`; the fully-read marker is one, so the function comes from above. */
export type RoomAccountDataWriter = (
  tx: Transaction,
  entry: { userNid: number; roomNid: number; type: string; content: object },
) => Promise<void>;
/** Told when somebody has read something, in the transaction of the receipt. Given from above. */
export interface ReadObserver {
  onRead(tx: Transaction, reader: { readonly userNid: number; readonly now: number }): Promise<void>;
}
export interface Receipting extends RoomReading {
  readonly writeRoomAccountData: RoomAccountDataWriter;
  readonly readObserver: ReadObserver;
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid */
export async function sendReceipt(
  deps: Receipting,
  call: { session: Session; params: { roomId: RoomId; receiptType: string; eventId: EventId }; body: TypeOf<typeof ReceiptBody> },
): Promise<object> {
  const { session, params, body } = call;
  const { receiptType, eventId, roomId } = params;
  const threadId = threadOf(body.thread_id, receiptType);
  const now = deps.clock();
  await deps.db.transaction(async (tx) => {
    const room = await openJoinedRoom(tx, roomId, session);
    if (receiptType === 'm.fully_read') await setFullyRead(deps, tx, session, room.room_nid, eventId);
    else await setReceipt(deps, tx, { session, roomNid: room.room_nid, type: receiptTypeOf(receiptType), eventId, threadId, now });
  });
  return {};
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidread_markers */
export async function setReadMarkers(
  deps: Receipting,
  call: { session: Session; params: { roomId: RoomId }; body: TypeOf<typeof ReadMarkersBody> },
): Promise<object> {
  const { session, params, body } = call;
  const now = deps.clock();
  await deps.db.transaction(async (tx) => {
    const room = await openJoinedRoom(tx, params.roomId, session);
    const fullyRead = body['m.fully_read'];
    if (fullyRead !== undefined) await setFullyRead(deps, tx, session, room.room_nid, parseEventId(fullyRead));
    for (const type of ['m.read', 'm.read.private'] as const) {
      const eventId = body[type];
      if (eventId !== undefined) await setReceipt(deps, tx, { session, roomNid: room.room_nid, type, eventId: parseEventId(eventId), threadId: UNTHREADED, now });
    }
  });
  return {};
}

/** Notes that whoever sends has read what came before, as no client sends a receipt for its own event. */
export async function noteSent(tx: Transaction, event: AppendedEvent, sums: MainSums): Promise<void> {
  await putReceipt(tx, {
    roomNid: event.roomNid,
    userNid: event.senderNid,
    type: 'sent',
    threadId: event.threadRoot ?? MAIN,
    eventId: event.eventId,
    seq: event.seq,
    ts: event.now,
    position: event.position,
    sums,
  });
}

interface NewReceipt {
  readonly session: Session;
  readonly roomNid: number;
  readonly type: 'm.read' | 'm.read.private';
  readonly eventId: EventId;
  readonly threadId: string;
  readonly now: number;
}

/**
 * A receipt for an event nobody here knows, or in a thread of none, is taken and forgotten: clients send them for events still on their way,
 * and all members are told of what is kept.
 */
async function setReceipt(deps: Receipting, tx: Transaction, { session, roomNid, type, eventId, threadId, now }: NewReceipt): Promise<void> {
  const event = await findEvent(tx, roomNid, eventId);
  if (event === undefined || !(await isThreadOf(tx, roomNid, threadId))) return;
  const position = await advance(tx, [`receipts/${roomNid}`]);
  const sums = await mainSumsAt(tx, roomNid, event.seq);
  await putReceipt(tx, { roomNid, userNid: session.userNid, type, threadId, eventId, seq: event.seq, ts: now, position, sums });
  await deps.readObserver.onRead(tx, { userNid: session.userNid, now });
}

async function setFullyRead(deps: Receipting, tx: Transaction, session: Session, roomNid: number, eventId: EventId): Promise<void> {
  await deps.writeRoomAccountData(tx, { userNid: session.userNid, roomNid, type: 'm.fully_read', content: { event_id: eventId } });
}

async function isThreadOf(tx: Transaction, roomNid: number, threadId: string): Promise<boolean> {
  if (threadId === UNTHREADED || threadId === MAIN) return true;
  return (await threadTip(tx, roomNid, threadId)) !== undefined || (await findEvent(tx, roomNid, parseEventId(threadId))) !== undefined;
}

function receiptTypeOf(type: string): 'm.read' | 'm.read.private' {
  if (type === 'm.read' || type === 'm.read.private') return type;
  throw new MatrixError('M_INVALID_PARAM', 'The receipt type must be m.read, m.read.private or m.fully_read');
}

function threadOf(threadId: string | undefined, receiptType: string): string {
  if (threadId === undefined) return UNTHREADED;
  if (receiptType === 'm.fully_read') throw new MatrixError('M_INVALID_PARAM', 'm.fully_read belongs to no thread');
  if (threadId === '') throw new MatrixError('M_INVALID_PARAM', 'thread_id must not be empty');
  return threadId === MAIN ? MAIN : parseEventId(threadId);
}
