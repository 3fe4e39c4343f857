import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';
import type { EventId, RoomId, UserId } from '../matrix/identifiers.js';
import { object, optional, string, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { newNid } from '../storage/stream.js';
import { deleteReportsBefore, insertReport } from './reports-store.js';

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
}
interface Call<Params> {
  readonly session: Session;
  readonly params: Params;
  readonly body: TypeOf<typeof ReportBody>;
}

export const ReportBody = object({ reason: optional(string) });

const MOST_REASON_BYTES = 4096;

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreporteventid */
export async function reportEvent(deps: Deps, call: Call<{ roomId: RoomId; eventId: EventId }>): Promise<object> {
  return keepReport(deps, call, { roomId: call.params.roomId, eventId: call.params.eventId });
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreport */
export async function reportRoom(deps: Deps, call: Call<{ roomId: RoomId }>): Promise<object> {
  return keepReport(deps, call, { roomId: call.params.roomId });
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3usersuseridreport */
export async function reportUser(deps: Deps, call: Call<{ userId: UserId }>): Promise<object> {
  return keepReport(deps, call, { userId: call.params.userId });
}

/** Forgets what the operator wants kept no longer; resolves to how many reports that were. */
export async function deleteOldReports({ db, clock, reportsKeptMs }: Deps & { readonly reportsKeptMs: number | undefined }): Promise<number> {
  if (reportsKeptMs === undefined) return 0;
  return db.transaction((tx) => deleteReportsBefore(tx, clock() - reportsKeptMs));
}

/** Keeps a report for the operators. Nothing is looked up: the answer and its time are the same whatever there is. */
async function keepReport(
  { db, clock }: Deps,
  { session, body: { reason = '' } }: Call<unknown>,
  about: { roomId?: RoomId; eventId?: EventId; userId?: UserId },
): Promise<object> {
  if (Buffer.byteLength(reason) > MOST_REASON_BYTES) throw new MatrixError('M_INVALID_PARAM', `A reason has at most ${MOST_REASON_BYTES} bytes`);
  const now = clock();
  await db.transaction(async (tx) => {
    await insertReport(tx, { ...about, nid: await newNid(tx), reporterNid: session.userNid, reason, now });
  });
  return {};
}
