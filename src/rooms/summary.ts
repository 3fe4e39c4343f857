import { refusingInTime } from '../auth/refusal-time.js';
import type { Session } from '../auth/session.js';
import { notFound } from '../matrix/errors.js';
import { parseRoomAlias, parseRoomId } from '../matrix/identifiers.js';
import { openAlias } from './aliases.js';
import { previewsOf } from './preview.js';
import type { RoomReading } from './reading.js';

/** What somebody may know of a room before they enter it. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias */
export async function getSummary(deps: RoomReading, { session, params }: { session: Session; params: { roomIdOrAlias: string } }): Promise<object> {
  const { roomIdOrAlias } = params;
  return refusingInTime(session, () => deps.db.read(async (tx) => {
    const roomId = roomIdOrAlias.startsWith('#') ? await openAlias(tx, parseRoomAlias(roomIdOrAlias), session) : parseRoomId(roomIdOrAlias);
    const preview = (await previewsOf(tx, [roomId], session)).get(roomId);
    if (preview === undefined) throw notFound('There is no such room, or it is not open to you');
    return { ...preview.summary, membership: preview.membership ?? 'leave' };
  }));
}
