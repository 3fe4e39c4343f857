import type { Session } from '../auth/session.js';
import { notFound } from '../matrix/errors.js';
import type { RoomId } from '../matrix/identifiers.js';
import { JsonText } from '../matrix/reply.js';
import { object, oneOf, optional, type TypeOf } from '../matrix/schema.js';
import type { ReadTransaction } from '../storage/database.js';
import type { CurrentStates } from './current-states.js';
import { contentText } from './event-text.js';
import { currentStateEvent, currentStateEvents, eventsBySeq, type EventRow } from './events-store.js';
import { openRoom, type OpenRoom, type RoomReading } from './reading.js';
import { renderEvent, renderEvents } from './render.js';
import { stateSeqsAt } from './state-store.js';

export const StateQuery = object({ format: optional(oneOf('content', 'event')) });

/** The current state to members; to who has left, the state they left behind. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate */
export async function listState(
  deps: RoomReading & { currentStates: CurrentStates },
  call: { session: Session; params: { roomId: RoomId } },
): Promise<JsonText> {
  return deps.db.read(async (tx) => {
    const room = await openRoom(tx, call.params.roomId, call.session, deps.clock());
    const rows = room.isJoined ? await deps.currentStates.of(room.nid, room.stateSeq, () => currentStateEvents(tx, room.nid)) : await leftState(tx, room);
    return new JsonText(renderEvents(rows, room.viewer, room.id));
  });
}

type StateCall<Params> = { session: Session; params: Params; query: TypeOf<typeof StateQuery> };

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey */
export async function getState(deps: RoomReading, call: StateCall<{ roomId: RoomId; eventType: string; stateKey: string }>): Promise<JsonText> {
  const { eventType, stateKey, roomId } = call.params;
  return deps.db.read(async (tx) => {
    const room = await openRoom(tx, roomId, call.session, deps.clock());
    const row = room.isJoined
      ? await currentStateEvent(tx, room.nid, eventType, stateKey)
      : (await leftState(tx, room)).find(({ state_type, state_key }) => state_type === eventType && state_key === stateKey);
    if (row === undefined) throw notFound('The room has no such state');
    if (call.query.format === 'event') return new JsonText(renderEvent(row, room.viewer, room.id));
    return new JsonText(contentText(row.json));
  });
}

export async function getStateWithoutKey(deps: RoomReading, call: StateCall<{ roomId: RoomId; eventType: string }>): Promise<JsonText> {
  return getState(deps, { ...call, params: { ...call.params, stateKey: '' } });
}

async function leftState(tx: ReadTransaction, room: OpenRoom): Promise<readonly EventRow[]> {
  const seqs = await stateSeqsAt(tx, room.nid, room.upTo);
  return eventsBySeq(tx, room.nid, seqs.map(({ seq }) => seq));
}
