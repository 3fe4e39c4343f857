import type { Session } from '../auth/session.js';
import { notFound } from '../matrix/errors.js';
import type { RoomId } from '../matrix/identifiers.js';
import { natural, object, oneOf, type TypeOf } from '../matrix/schema.js';
import { closestInTime } from './timestamps-store.js';
import { openTimeline, type TimelineReading } from './timeline.js';
import { visibleWithin } from './visibility.js';

export const TimestampQuery = object({ ts: natural, dir: oneOf('b', 'f') });

/** The visible event nearest to a time, on one side of it. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event */
export async function timestampToEvent(
  deps: TimelineReading,
  { session, params, query }: { session: Session; params: { roomId: RoomId }; query: TypeOf<typeof TimestampQuery> },
): Promise<object> {
  return deps.db.read(async (tx) => {
    const room = await openTimeline(deps, tx, params.roomId, session);
    const ranges = visibleWithin(room.visibility, -Number.MAX_SAFE_INTEGER, room.upTo);
    const found = await closestInTime(tx, room, ranges, query);
    if (found === undefined) throw notFound('There is no event on that side of that time that you may see');
    return found;
  });
}
