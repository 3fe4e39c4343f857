import type { Session } from '../auth/session.js';
import { findUser } from '../auth/users-store.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import type { UserId } from '../matrix/identifiers.js';
import { either, nothing, object, oneOf, optional, string, type TypeOf } from '../matrix/schema.js';
import { sharesRoom } from '../rooms/contacts-store.js';
import type { Database } from '../storage/database.js';
import { advance } from '../storage/stream.js';
import { findPresence, savePresence, type PresenceRow } from './presence-store.js';
import { PRESENCE, type Presence } from './presence.js';
import { refuseOthers } from './refuse-others.js';

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
  /** Undefined: the shard has none, and everybody is offline. */
  readonly presence: Presence | undefined;
}
interface Call {
  readonly session: Session;
  readonly params: { readonly userId: UserId };
}

export const PresenceBody = object({ presence: oneOf('online', 'offline', 'unavailable'), status_msg: optional(either(string, nothing)) });

/** It stands in clear and goes to everybody one shares a room with. */
const MOST_STATUS_BYTES = 255;
const STILL_ACTIVE_MS = 300_000;

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3presenceuseridstatus */
export async function setPresence({ db, clock, presence }: Deps, { session, params, body }: Call & { body: TypeOf<typeof PresenceBody> }): Promise<object> {
  const statusMsg = body.status_msg === undefined || body.status_msg === '' ? null : body.status_msg;
  if (statusMsg !== null && Buffer.byteLength(statusMsg) > MOST_STATUS_BYTES) throw new MatrixError('M_INVALID_PARAM', `status_msg has at most ${MOST_STATUS_BYTES} bytes`);
  refuseOthers(session, params.userId);
  if (presence === undefined) return {};
  const { userNid } = session;
  const change = { userNid, state: presence.declare(session, body.presence), lastActiveTs: clock(), statusMsg };
  await db.transaction(async (tx) => {
    await savePresence(tx, { ...change, position: await advance(tx, [PRESENCE]) });
  });
  presence.written(userNid, change.state);
  return {};
}

/** One's own, or that of somebody one shares a room with; anybody else's does not exist (RULES D6). https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3presenceuseridstatus */
export async function getPresence({ db, clock, presence }: Deps, { session, params }: Call): Promise<object> {
  const row = await db.read(async (tx) => {
    const nid = (await findUser(tx, params.userId))?.user_nid ?? 0;
    // Asked about nobody too, so that the answer takes as long.
    const isKnown = await sharesRoom(tx, session.userNid, nid);
    const found = await findPresence(tx, nid);
    if (!isKnown && nid !== session.userNid) throw notFound('No such presence');
    return found;
  });
  return row === undefined || presence === undefined ? { presence: 'offline' } : presenceContent(row, presence, clock());
}

/** What others are told of a person. https://spec.matrix.org/v1.19/client-server-api/#mpresence */
export function presenceContent(row: PresenceRow, presence: Presence, now: number): object {
  const ago = Math.max(0, now - (presence.activeTs(row.user_nid) ?? row.last_active_ts));
  return {
    presence: row.state,
    last_active_ago: ago,
    ...(row.state === 'online' ? { currently_active: ago < STILL_ACTIVE_MS } : {}),
    ...(row.status_msg === null ? {} : { status_msg: row.status_msg }),
  };
}
