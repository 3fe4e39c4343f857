import { MatrixError } from '../matrix/errors.js';
import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface UiaSessionRow {
  readonly user_nid: number | null;
  readonly operation: string;
}

export interface NewUiaSession extends UiaSessionRow {
  readonly sessionId: string;
  readonly now: number;
}

/** A session lives this long at most; a person needs some minutes to find their password. */
export const UIA_LIFE_MS = 3_600_000;

/** Whoever is nobody yet may begin only so many at a time, all together: beginning one needs no proof of anything. */
const MOST_OF_NOBODY = 1000;

/** `lifeMs` after they were made, sessions of the same operation are gone. */
export async function saveUiaSession(tx: Transaction, session: NewUiaSession, lifeMs = UIA_LIFE_MS): Promise<void> {
  await tx.run(sql`
    DELETE FROM uia_sessions
    WHERE created_ts < ${session.now - UIA_LIFE_MS} OR (operation = ${session.operation} AND created_ts < ${session.now - lifeMs})`);
  if (session.user_nid === null) await refuseTooMany(tx);
  await tx.run(sql`
    INSERT INTO uia_sessions (session_id, user_nid, operation, completed, created_ts)
    VALUES (${session.sessionId}, ${session.user_nid}, ${session.operation}, ${'[]'}, ${session.now})`);
}

async function refuseTooMany(tx: Transaction): Promise<void> {
  const row = await tx.one<{ n: number }>(sql`SELECT count(*) AS n FROM uia_sessions WHERE user_nid IS NULL`);
  if ((row?.n ?? 0) >= MOST_OF_NOBODY) throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many people are registering at this moment', { body: { retry_after_ms: 60_000 } });
}

export async function findUiaSession(tx: ReadTransaction, sessionId: string, since: number): Promise<UiaSessionRow | undefined> {
  return tx.one<UiaSessionRow>(sql`
    SELECT user_nid, operation FROM uia_sessions
    WHERE session_id = ${sessionId} AND created_ts >= ${since}`);
}

/** Uses up a session made for one use, such as a nonce; false when there is none of that operation made since `since`. */
export async function takeUiaSession(tx: Transaction, taken: { sessionId: string; operation: string; since: number }): Promise<boolean> {
  const used = await tx.run(sql`
    DELETE FROM uia_sessions
    WHERE session_id = ${taken.sessionId} AND operation = ${taken.operation} AND created_ts >= ${taken.since}`);
  return used > 0;
}
