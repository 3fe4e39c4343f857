import { forbidden } from '../matrix/errors.js';
import type { EventId, RoomId } from '../matrix/identifiers.js';
import { roomVersion, type RoomVersionFeatures } from '../matrix/room-versions.js';
import type { Transaction } from '../storage/database.js';
import { RoomState, type StateCache, type LastChange } from './room-state.js';
import { findRoom, type Tip } from './rooms-store.js';

/** The same for a room that does not exist: whether it does is nobody's business who is not in it. */
export const NOT_IN_ROOM = 'You are not in this room';

/** Classes only so that nothing made by hand fits, and neither of the two stands for the other. */
class Room {
  constructor(
    readonly nid: number,
    readonly id: RoomId,
    readonly version: RoomVersionFeatures,
    readonly state: RoomState,
    /** Moves with every appended event. */
    public tip: Tip,
  ) {}
}

class Locked extends Room {
  declare private readonly locked: true;
}

class Nascent extends Room {
  declare private readonly nascent: true;
}

/** A room nobody else writes to until the transaction ends. */
export type LockedRoom = Locked;

/** A room that is only coming to be: nobody else can know of it. */
export type NascentRoom = Nascent;

export async function lockRoom(tx: Transaction, roomId: RoomId, states: StateCache, refusal = NOT_IN_ROOM): Promise<LockedRoom> {
  await tx.lock(`room/${roomId}`);
  const row = await findRoom(tx, roomId);
  if (row === undefined) throw forbidden(refusal);
  const tip: Tip = { ...row, extremities: JSON.parse(row.extremities) as EventId[] };
  return new Locked(row.room_nid, row.room_id, roomVersion(row.room_version), new RoomState(states, row.room_nid, stateOf(tip)), tip);
}

/** Where nothing has followed the last change of the state, the newest event is the one that made it. */
function stateOf({ seq, state_seq, extremities }: Tip): LastChange {
  return { seq: state_seq, eventId: seq === state_seq && extremities.length === 1 ? extremities[0] : undefined };
}

/** A room without a single event yet; only `foundRoom` calls this. */
export function emptyRoom(nid: number, id: RoomId, version: RoomVersionFeatures, states: StateCache): NascentRoom {
  const tip: Tip = { seq: 0, position: 0, state_seq: 0, depth: 0, extremities: [], notify_sum: 0, highlight_sum: 0, thread_seq: 0 };
  return new Nascent(nid, id, version, new RoomState(states, nid, stateOf(tip)), tip);
}

/** What a nascent room is once its row stands; only `foundRoom` calls this. */
export function founded({ nid, id, version, state, tip }: NascentRoom): LockedRoom {
  return new Locked(nid, id, version, state, tip);
}
