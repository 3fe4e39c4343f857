import { lockedOut } from '../auth/locked-out.js';
import type { Session } from '../auth/session.js';
import { findWaiting } from '../auth/sessions-store.js';
import { MatrixError } from '../matrix/errors.js';
import { JsonText } from '../matrix/reply.js';
import type { TypeOf } from '../matrix/schema.js';
import type { ReadTransaction } from '../storage/database.js';
import { assemble, type Answer } from './answer.js';
import { anythingMoved, type MyRoom } from './my-rooms.js';
import { readRequest, type SyncQuery, type SyncRequest, type Syncing } from './request.js';

/** Whoever waits for the answer. */
interface Client {
  readonly isGone: boolean;
  onGone(callback: () => void): () => void;
}

/**
 * Answers with what is new since a token, or waits for it. The same `since` always gets all that came after it, however often it is
 * asked. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export async function sync(deps: Syncing, call: { session: Session; query: TypeOf<typeof SyncQuery>; client: Client }): Promise<JsonText> {
  const { session, client } = call;
  const request = await readRequest(deps, session, call.query);
  const pollEnded = deps.presence?.polling(session, call.query.set_presence);
  try {
    return await answerOf(deps, request, client);
  } finally {
    pollEnded?.();
  }
}

async function answerOf(deps: Syncing, request: SyncRequest, client: Client): Promise<JsonText> {
  const { session } = request;
  if (!request.isInitial && !deps.acknowledgements.isSettled(session.deviceNid)) await deps.acknowledgements.acknowledge(session.deviceNid, request.after);
  const deadline = deps.clock() + request.timeoutMs;
  for (;;) {
    const left = deadline - deps.clock();
    const mayWait = left > 0 && !request.isInitial && !request.fullState && !deps.closing.aborted && !client.isGone;
    const rooms = deps.myRooms.known(session.userNid);
    if (mayWait && rooms !== undefined && !anythingMoved(deps.notifier, session, rooms, request.after)) {
      await somethingMoved(deps, request, { upTo: request.after, rooms, ms: left, client });
      continue;
    }
    // Taken before the snapshot: whatever lies up to here is in the snapshot for certain.
    const upTo = deps.notifier.newest;
    const answer = await deps.db.read((tx) => {
      // Since its token, not since now: between the look at who asks and this line the session may have ended.
      const mayBeRevoked = deps.notifier.movedSince('ownDevices', session.userNid, request.after);
      const answering = (): Promise<Answer> => assemble(deps, tx, request, upTo);
      return mayBeRevoked ? refuseRevoked(tx, session).then(answering) : answering();
    });
    if (answer.hasNews || !mayWait) return new JsonText(answer.parts);
    await somethingMoved(deps, request, { upTo, rooms: answer.joined, ms: left, client });
  }
}

/** A session that ended, or was locked, while it waited is told nothing any more. */
async function refuseRevoked(tx: ReadTransaction, session: Session): Promise<void> {
  const waiting = await findWaiting(tx, session);
  if (waiting?.is_locked === 1) throw lockedOut();
  if (waiting === undefined) throw new MatrixError('M_UNKNOWN_TOKEN', 'This access token is no longer valid');
}

interface Wait {
  readonly upTo: number;
  readonly rooms: readonly MyRoom[];
  readonly ms: number;
  readonly client: Client;
}

/** Resolves when anything the person could be told of moved, or the time is up, or nobody waits for the answer any more. */
async function somethingMoved(deps: Syncing, { session }: SyncRequest, { upTo, rooms, ms, client }: Wait): Promise<void> {
  await new Promise<void>((resolve) => {
    const watched = { rooms: rooms.map(({ nid }) => nid), userNid: session.userNid, deviceNid: session.deviceNid };
    const done = (): void => {
      clearTimeout(timer);
      unsubscribe();
      stayed();
      resolve();
    };
    const unsubscribe = deps.notifier.subscribe(watched, done);
    const timer = setTimeout(done, ms);
    const stayed = client.onGone(done);
    // What moved between the snapshot and the subscription wakes nobody.
    if (anythingMoved(deps.notifier, session, rooms, upTo) || deps.closing.aborted || client.isGone) done();
  });
}
