import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';
import { boolean, natural, object, oneOf, optional, string, type TypeOf } from '../matrix/schema.js';
import { findFilter } from '../profile/filters-store.js';
import type { Presence } from '../profile/presence.js';
import type { Filter } from '../rooms/filter.js';
import { parseStreamToken } from '../rooms/tokens.js';
import type { Database, ReadTransaction } from '../storage/database.js';
import { currentPosition, type Notifier, type Range } from '../storage/stream.js';
import type { Acknowledgements } from './acknowledge.js';
import type { KeyCounts } from './key-counts.js';
import type { LazyMembers } from './lazy-members.js';
import type { MyRooms } from './my-rooms.js';
import type { RoomRows } from './room-rows.js';
import type { SharedTimelines } from './shared-timelines.js';
import type { Unwanted, UnwantedOf } from './unwanted.js';

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
export const SyncQuery = object({
  filter: optional(string),
  since: optional(string),
  full_state: optional(boolean),
  set_presence: optional(oneOf('offline', 'online', 'unavailable')),
  timeout: optional(natural),
  use_state_after: optional(boolean),
  'org.matrix.msc4222.use_state_after': optional(boolean),
});

export interface Syncing {
  readonly db: Database;
  readonly clock: Clock;
  readonly notifier: Notifier;
  readonly myRooms: MyRooms;
  readonly keyCounts: KeyCounts;
  readonly sharedTimelines: SharedTimelines;
  readonly roomRows: RoomRows;
  readonly lazyMembers: LazyMembers;
  readonly unwanted: UnwantedOf;
  readonly acknowledgements: Acknowledgements;
  /** Undefined: the shard has none. */
  readonly presence: Presence | undefined;
  /** Fires when the server begins to stop. */
  readonly closing: AbortSignal;
  readonly parseFilter: (text: string) => Filter;
}

/** A sync as asked for. */
export interface SyncRequest {
  readonly session: Session;
  readonly isInitial: boolean;
  /** The position the client has; 0 at first. */
  readonly after: number;
  readonly filter: Filter;
  readonly fullState: boolean;
  /** The member that carries state: at the start of the timeline, or (in either spelling) after its end. */
  readonly stateMember: 'state' | 'state_after' | 'org.matrix.msc4222.state_after';
  readonly timeoutMs: number;
}

/** One answer in the making: to whom, from which snapshot, about which positions. */
export interface Making {
  readonly deps: Syncing;
  readonly tx: ReadTransaction;
  readonly request: SyncRequest;
  readonly range: Range;
  /** The newest position that is in the snapshot for certain; `range` may end before it. */
  readonly newest: number;
  readonly unwanted: Unwanted;
}

/** Before a connection so long silent is taken for dead. */
const LONGEST_POLL_MS = 150_000;
const HEAR_EVERY_MS = 5;

export async function readRequest(deps: Syncing, session: Session, query: TypeOf<typeof SyncQuery>): Promise<SyncRequest> {
  const after = query.since === undefined ? 0 : parseStreamToken(query.since);
  if (after > deps.notifier.newest) await hearOf(deps, after);
  return {
    session,
    isInitial: query.since === undefined,
    after,
    filter: query.filter === undefined ? {} : query.filter.startsWith('{') ? deps.parseFilter(query.filter) : await storedFilter(deps, session, query.filter),
    fullState: query.full_state === true,
    stateMember: query['org.matrix.msc4222.use_state_after'] === true ? 'org.matrix.msc4222.state_after' : query.use_state_after === true ? 'state_after' : 'state',
    timeoutMs: Math.min(query.timeout ?? 0, LONGEST_POLL_MS),
  };
}

/** A token may come from another process of the shard, of whose newest moves this one has yet to hear; or from nowhere. */
async function hearOf({ db, notifier, closing }: Syncing, position: number): Promise<void> {
  if (position > (await db.read(currentPosition))) throw new MatrixError('M_INVALID_PARAM', 'That token is of the future');
  while (notifier.newest < position && !closing.aborted) await new Promise((later) => setTimeout(later, HEAR_EVERY_MS));
}

/** A filter is given in place, or by its id. */
async function storedFilter(deps: Syncing, { userNid }: Session, id: string): Promise<Filter> {
  const stored = await deps.db.read((tx) => findFilter(tx, userNid, id));
  if (stored === undefined) throw new MatrixError('M_INVALID_PARAM', 'You have no such filter');
  return deps.parseFilter(stored);
}
