import { MatrixError } from '../matrix/errors.js';
import { roomIdOf } from '../matrix/event-hash.js';
import { parseRoomId, type RoomId } from '../matrix/identifiers.js';
import type { RoomVersionFeatures } from '../matrix/room-versions.js';
import type { JsonObject } from '../matrix/schema.js';
import type { Encryption } from '../policy/encryption.js';
import { permitState, type PermittedDraft } from '../policy/permit.js';
import type { Transaction } from '../storage/database.js';
import { newNid } from '../storage/stream.js';
import { persistEvent, takeMembership, type AppendedEvent } from './append.js';
import { composeEvent } from './compose.js';
import { emptyRoom, founded, type LockedRoom, type NascentRoom } from './lock.js';
import { insertRoom } from './rooms-store.js';
import type { Actor, RoomWriting } from './writing.js';

/** All that a room cannot exist without. The encryption is no option: the schema refuses the room's row until its state holds one. */
export interface Foundation {
  readonly founder: Actor;
  readonly version: RoomVersionFeatures;
  readonly creation: JsonObject;
  readonly founderMember: JsonObject;
  readonly powerLevels: JsonObject;
  readonly encryption: Encryption;
  readonly now: number;
  /** Chosen before, where another room points at it already; not from version 12 on. */
  readonly roomId?: RoomId;
}

/**
 * Brings a room into being with its first four events: creation, founder, power levels, encryption. Nothing else makes rooms.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export async function foundRoom(deps: RoomWriting, tx: Transaction, f: Foundation): Promise<LockedRoom> {
  const nid = await newNid(tx);
  const facts = { knownRooms: new Set<string>() };
  const create = permitState('m.room.create', '', f.creation, facts);
  const { room: nascent, first } = await beginRoom(deps, tx, f, create, nid);
  const member = await add(permitState('m.room.member', f.founder.userId, { ...f.founderMember, membership: 'join' }, facts));
  const levels = await add(permitState('m.room.power_levels', '', f.powerLevels, facts));
  const encryption = await add(permitState('m.room.encryption', '', f.encryption, facts));
  await insertRoom(tx, { nid, id: nascent.id, version: nascent.version.name }, nascent.tip);
  const room = founded(nascent);
  await takeMembership(tx, room, member, f.founder.userNid);
  for (const event of [first, member, levels, encryption]) {
    for (const observer of deps.observers) await observer.onEvent(tx, event);
  }
  return room;

  async function add(draft: PermittedDraft): Promise<AppendedEvent> {
    return addTo(deps, tx, nascent, f, draft);
  }
}

/** From version 12 on the room's id is the hash of its create event, so that event is composed before the room has a name. */
async function beginRoom(
  deps: RoomWriting,
  tx: Transaction,
  f: Foundation,
  create: PermittedDraft,
  nid: number,
): Promise<{ room: NascentRoom; first: AppendedEvent }> {
  const named = emptyRoom(nid, f.roomId ?? newRoomId(deps), f.version, deps.states);
  if (!f.version.roomIdIsCreateHash) return { room: named, first: await addTo(deps, tx, named, f, create) };
  const composed = await composeEvent(tx, named, create, { sender: f.founder.userId, signer: deps.signer, now: f.now });
  const room = emptyRoom(nid, roomIdOf(composed.eventId), f.version, deps.states);
  return { room, first: await persistEvent(tx, room, composed, { senderNid: f.founder.userNid, now: f.now }) };
}

async function addTo(deps: RoomWriting, tx: Transaction, room: NascentRoom, f: Foundation, draft: PermittedDraft): Promise<AppendedEvent> {
  const composed = await refusedAsRoomState(composeEvent(tx, room, draft, { sender: f.founder.userId, signer: deps.signer, now: f.now }));
  return persistEvent(tx, room, composed, { senderNid: f.founder.userNid, now: f.now });
}

/** What the state asked for forbids its own founder makes no room. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
export async function refusedAsRoomState<Result>(writing: Promise<Result>): Promise<Result> {
  try {
    return await writing;
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') throw new MatrixError('M_INVALID_ROOM_STATE', error.message, { cause: error });
    throw error;
  }
}

/** A name for a room of a version below 12. */
export function newRoomId(deps: RoomWriting): RoomId {
  const opaque = deps.random(18).toString('base64url');
  return parseRoomId(`!${opaque}:${deps.signer.serverName}`);
}

/** https://spec.matrix.org/v1.19/rooms/#room-versions */
export function refuseUncreatable(version: RoomVersionFeatures): void {
  if (!version.creatable) throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', 'New rooms of that version cannot be created here');
}
