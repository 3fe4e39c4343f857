import type { Session } from '../auth/session.js';
import type { RoomId } from '../matrix/identifiers.js';
import { openConversation } from '../push/conversation.testing.js';
import type { Filter } from '../rooms/filter.js';
import { countingReads } from '../storage/counting.testing.js';
import type { Engine } from '../storage/engines.testing.js';
import { currentPosition, Notifier } from '../storage/stream.js';
import { syncMemories } from './memories.js';
import type { SyncQuery, Syncing } from './request.js';
import { RoomRows } from './room-rows.js';
import { sync } from './sync.js';
import type { TypeOf } from '../matrix/schema.js';

interface State {
  readonly events: readonly { readonly event_id: string; readonly type: string }[];
}

interface RoomPart {
  readonly timeline: { readonly events: readonly { readonly event_id: string; readonly type: string; readonly content: object }[]; readonly limited: boolean; readonly prev_batch: string };
  readonly state: State;
  readonly state_after?: State;
}

export interface Synced {
  readonly next_batch: string;
  readonly rooms: Readonly<Record<'join' | 'leave' | 'invite', Readonly<Record<RoomId, RoomPart>>>>;
}

/** A conversation whose people sync, on a server that has just started: nothing is remembered from before. */
export async function openSyncing(engine: Engine) {
  const talk = await openConversation(engine);
  const start = async ({ remembersRooms = true } = {}) => {
    let statements = 0;
    const db = countingReads(talk.db, () => { statements += 1; });
    const notifier = new Notifier(talk.db, await talk.db.read(currentPosition));
    const deps: Syncing = {
      db,
      clock: talk.clock,
      notifier,
      ...syncMemories(talk.db, notifier),
      presence: undefined,
      closing: new AbortController().signal,
      parseFilter: (text) => JSON.parse(text) as Filter,
    };
    const rowsFor = (): RoomRows => (remembersRooms ? deps.roomRows : new RoomRows());
    const client = { isGone: false, onGone: () => () => undefined };
    return {
      ...deps,
      sync: async (session: Session, query: TypeOf<typeof SyncQuery> = {}): Promise<Synced> => JSON.parse((await sync({ ...deps, roomRows: rowsFor() }, { session, query, client })).text) as Synced,
      /** How many statements a piece of work read with. */
      statementsOf: async (work: () => Promise<unknown>): Promise<number> => {
        const before = statements;
        await work();
        return statements - before;
      },
      /** Resolves once this process has heard of everything that is committed. */
      upToDate: async (): Promise<void> => {
        while (notifier.newest < (await talk.db.read(currentPosition))) await new Promise((later) => setTimeout(later, 2));
      },
    };
  };
  return { talk, start };
}
