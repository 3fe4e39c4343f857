import type { Session } from '../auth/session.js';
import type { RoomId } from '../matrix/identifiers.js';
import type { ReadTransaction } from '../storage/database.js';
import type { EventRow } from './events-store.js';
import { findOpenRoom, openRoom, type OpenRoom, type RoomReading } from './reading.js';

/** The nids of those whom a person ignores; `profile/` knows them. */
export type IgnoredReader = (tx: ReadTransaction, session: Pick<Session, 'userNid' | 'userId'>) => Promise<ReadonlySet<number>>;

/** What every function that shows events of a timeline works with. */
export interface TimelineReading extends RoomReading {
  readonly ignoredBy: IgnoredReader;
}

/**
 * A room as far as one person may read it, and wants to: the messages of those they ignore are none. Made only by `openTimeline`.
 * https://spec.matrix.org/v1.19/client-server-api/#ignoring-users
 */
export interface OpenTimeline extends OpenRoom {
  readonly ignored: ReadonlySet<number>;
}

/** As `openRoom`. */
export async function openTimeline(deps: TimelineReading, tx: ReadTransaction, roomId: RoomId, session: Session): Promise<OpenTimeline> {
  const room = await openRoom(tx, roomId, session, deps.clock());
  return { ...room, ignored: await deps.ignoredBy(tx, session) };
}

export async function findTimeline(deps: TimelineReading, tx: ReadTransaction, roomId: RoomId, session: Session): Promise<OpenTimeline | undefined> {
  const room = await findOpenRoom(tx, roomId, session, deps.clock());
  return room && { ...room, ignored: await deps.ignoredBy(tx, session) };
}

/** Whether an event is there for the viewer. */
export function isShown(room: OpenTimeline, row: EventRow): boolean {
  return room.visibility.sees(row.seq) && isWanted(room, row);
}

/** State is shown whoever set it. */
export function isWanted({ ignored }: OpenTimeline, { state_key, sender_nid }: EventRow): boolean {
  return state_key !== null || !ignored.has(sender_nid);
}
