import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { forbidden } from '../matrix/errors.js';
import type { RoomId, UserId } from '../matrix/identifiers.js';
import { boolean, natural, object, optional, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { advance } from '../storage/stream.js';
import { openJoinedRoom, type RoomReading } from './reading.js';
import { isTyping, overdueTyping, putTyping } from './typing-store.js';

export const TypingBody = object({ typing: boolean, timeout: optional(natural) });

const USUAL_MS = 30_000;
const LONGEST_MS = 120_000;

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid */
export async function setTyping(
  deps: RoomReading,
  call: { session: Session; params: { roomId: RoomId; userId: UserId }; body: TypeOf<typeof TypingBody> },
): Promise<object> {
  const { session, params, body } = call;
  if (params.userId !== session.userId) throw forbidden('You can only say of yourself that you are typing');
  const untilTs = body.typing ? deps.clock() + Math.min(body.timeout ?? USUAL_MS, LONGEST_MS) : 0;
  await deps.db.transaction(async (tx) => {
    const room = await openJoinedRoom(tx, params.roomId, session);
    if (!body.typing && !(await isTyping(tx, room.room_nid, session.userNid))) return;
    const position = await advance(tx, [`typing/${room.room_nid}`]);
    await putTyping(tx, { roomNid: room.room_nid, userNid: session.userNid, untilTs, position });
  });
  return {};
}

/** Tells the rooms of those who stopped without a word; run every few seconds. */
export async function stopOverdueTyping(deps: { db: Database; clock: Clock }): Promise<void> {
  const now = deps.clock();
  const overdue = await deps.db.read((tx) => overdueTyping(tx, now));
  if (overdue.length === 0) return;
  await deps.db.transaction(async (tx) => {
    for (const { room_nid: roomNid, user_nid: userNid } of await overdueTyping(tx, now)) {
      const position = await advance(tx, [`typing/${roomNid}`]);
      await putTyping(tx, { roomNid, userNid, untilTs: 0, position });
    }
  });
}
