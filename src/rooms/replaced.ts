import { parseRoomId, type RoomId } from '../matrix/identifiers.js';
import type { JsonObject } from '../matrix/schema.js';
import type { ReadTransaction } from '../storage/database.js';
import type { AppendedEvent } from './append.js';
import { findRoom, knownRooms } from './rooms-store.js';
import { stateEntries } from './state-store.js';

/** One room that took the place of another: each of the two says so, and nobody but who may close the one could have made it. */
export interface Replacement {
  readonly from: { readonly nid: number; readonly id: RoomId };
  readonly to: { readonly nid: number; readonly id: RoomId };
}

/** The replacement by which somebody has just come into a room. https://spec.matrix.org/v1.19/client-server-api/#room-upgrades */
export async function replacementJoined(tx: ReadTransaction, { roomNid: nid, roomId: id }: AppendedEvent): Promise<Replacement | undefined> {
  const from = await roomNamed(tx, await predecessorOf(tx, nid));
  if (from === undefined) return undefined;
  const { replacement_room: to } = await contentIn(tx, from.nid, 'm.room.tombstone');
  return to === id ? { from, to: { nid, id } } : undefined;
}

/** The replacement that a tombstone has just made known: by an upgrade, or by hand, where the new room was founded before. */
export async function replacementClosed(tx: ReadTransaction, { roomNid: nid, roomId: id, content }: AppendedEvent): Promise<Replacement | undefined> {
  const to = await roomNamed(tx, content['replacement_room']);
  if (to === undefined) return undefined;
  return (await predecessorOf(tx, to.nid)) === id ? { from: { nid, id }, to } : undefined;
}

async function predecessorOf(tx: ReadTransaction, roomNid: number): Promise<unknown> {
  const { predecessor } = await contentIn(tx, roomNid, 'm.room.create');
  return typeof predecessor === 'object' && predecessor !== null && 'room_id' in predecessor ? predecessor['room_id'] : undefined;
}

async function roomNamed(tx: ReadTransaction, named: unknown): Promise<Replacement['from'] | undefined> {
  if (typeof named !== 'string') return undefined;
  const [known] = await knownRooms(tx, [named]);
  const room = known === undefined ? undefined : await findRoom(tx, parseRoomId(known));
  return room && { nid: room.room_nid, id: room.room_id };
}

async function contentIn(tx: ReadTransaction, roomNid: number, type: string): Promise<JsonObject> {
  const [entry] = await stateEntries(tx, roomNid, [[type, '']]);
  return entry === undefined ? {} : (JSON.parse(entry.content) as JsonObject);
}
