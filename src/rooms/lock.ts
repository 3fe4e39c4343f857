import { forbidden } from '../matrix/errors.js';
import type { EventId, RoomId } from '../matrix/identifiers.js';
import { roomVersion, type RoomVersionFeatures } from '../matrix/room-versions.js';
import type { Transaction } from '../storage/database.js';
import { RoomState, type StateCache } from './room-state.js';
import { findRoom, type Tip } from './rooms-store.js';

/** The same for a room that does not exist: whether it does is nobody's business who is not in it. */
export const NOT_IN_ROOM = 'You are not in this room';

declare const locked: unique symbol;

/** A room nobody else writes to until the transaction ends. Made by `lockRoom`, and by `foundRoom` for a room that is only coming to be. */
export interface LockedRoom {
  readonly nid: number;
  readonly id: RoomId;
  readonly version: RoomVersionFeatures;
  readonly state: RoomState;
  /** Moves with every appended event. */
  tip: Tip;
  readonly [locked]: true;
}

export async function lockRoom(tx: Transaction, roomId: RoomId, states: StateCache): Promise<LockedRoom> {
  await tx.lock(`room/${roomId}`);
  const row = await findRoom(tx, roomId);
  if (row === undefined) throw forbidden(NOT_IN_ROOM);
  const tip: Tip = { ...row, extremities: JSON.parse(row.extremities) as EventId[] };
  return lockedRoom({ nid: row.room_nid, id: row.room_id, version: roomVersion(row.room_version), tip }, states);
}

/** A room without a single event yet; only `foundRoom` calls this. */
export function emptyRoom(nid: number, id: RoomId, version: RoomVersionFeatures, states: StateCache): LockedRoom {
  const tip: Tip = { seq: 0, position: 0, state_seq: 0, depth: 0, extremities: [], notify_sum: 0, highlight_sum: 0, thread_seq: 0 };
  return lockedRoom({ nid, id, version, tip }, states);
}

function lockedRoom(room: Omit<LockedRoom, 'state' | typeof locked>, states: StateCache): LockedRoom {
  return { ...room, state: new RoomState(states, room.nid, room.tip.state_seq) } as LockedRoom;
}
