import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { forbidden } from '../matrix/errors.js';
import type { RoomId } from '../matrix/identifiers.js';
import type { Database, ReadTransaction } from '../storage/database.js';
import { sightOf } from './erased.js';
import { senderOf } from './event-text.js';
import type { EventRow } from './events-store.js';
import { letsAllPass, passes, type EventFilter } from './filter.js';
import { NOT_IN_ROOM } from './lock.js';
import { erasedMembers, ownRoom, type OwnRoom } from './memberships-store.js';
import type { Viewer } from './render.js';
import { visibilityStretches } from './state-store.js';
import type { Visibility } from './visibility.js';

export interface RoomReading {
  readonly db: Database;
  readonly clock: Clock;
}

/** A room as far as one person may read it. Made only by `openRoom`. */
export interface OpenRoom {
  readonly nid: number;
  readonly id: RoomId;
  /** The newest event there is to read: the room's newest for a member, one's own leaving for who has left. */
  readonly upTo: number;
  readonly isJoined: boolean;
  /** Of the newest event that changed the room's present state. */
  readonly stateSeq: number;
  readonly visibility: Visibility;
  readonly viewer: Viewer;
}

/** Opens a room for reading to those who are in it or have been; to everybody else it does not exist. */
export async function openRoom(tx: ReadTransaction, roomId: RoomId, session: Session, now: number): Promise<OpenRoom> {
  const room = await findOpenRoom(tx, roomId, session, now);
  if (room === undefined) throw forbidden(NOT_IN_ROOM);
  return room;
}

export async function findOpenRoom(tx: ReadTransaction, roomId: RoomId, session: Session, now: number): Promise<OpenRoom | undefined> {
  const room = await ownRoom(tx, roomId, session.userNid);
  if (room === undefined || !mayRead(room)) return undefined;
  const visibility = sightOf(await visibilityStretches(tx, [room.room_nid], session.userId), await erasedMembers(tx, [room.room_nid]));
  const newest = visibility.ranges.at(-1)?.to;
  if (newest === undefined) return undefined;
  return {
    nid: room.room_nid,
    id: roomId,
    upTo: Math.min(newest, room.seq),
    isJoined: room.membership === 'join',
    stateSeq: room.state_seq,
    visibility,
    viewer: { deviceNid: session.deviceNid, now, ...visibility },
  };
}

/** Opens a room to its present members only. */
export async function openJoinedRoom(tx: ReadTransaction, roomId: RoomId, session: Session): Promise<OwnRoom> {
  const room = await ownRoom(tx, roomId, session.userNid);
  if (room?.membership !== 'join') throw forbidden(NOT_IN_ROOM);
  return room;
}

/** The people who sent these events; one text of each is read. */
export function sendersOf(rows: readonly EventRow[]): readonly string[] {
  const known = sendersOfRows.get(rows);
  if (known !== undefined) return known;
  const first = new Map<number, EventRow>();
  for (const row of rows) if (!first.has(row.sender_nid)) first.set(row.sender_nid, row);
  const senders = [...first.values()].map(({ json }) => senderOf(json));
  sendersOfRows.set(rows, senders);
  return senders;
}

/** Hundreds may be told of the very same rows. */
const sendersOfRows = new WeakMap<readonly EventRow[], readonly string[]>();

/** Whether a stored event passes a filter; its text is read only where the filter asks for anything at all. */
export function rowPasses(filter: EventFilter | undefined, row: EventRow): boolean {
  if (letsAllPass(filter)) return true;
  const { type, sender, content } = JSON.parse(row.json) as { type: string; sender: string; content: object };
  return passes(filter, { type, sender, hasUrl: Object.hasOwn(content, 'url') });
}

function mayRead(room: OwnRoom): boolean {
  return room.membership !== null && room.is_forgotten !== 1;
}
