import { findDevice } from '../auth/devices-store.js';
import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import { JsonText } from '../matrix/reply.js';
import type { TypeOf } from '../matrix/schema.js';
import type { ReadTransaction } from '../storage/database.js';
import { assemble } from './answer.js';
import { anythingMoved, type MyRoom } from './my-rooms.js';
import { readRequest, type SyncQuery, type SyncRequest, type Syncing } from './request.js';

/**
 * Answers with what is new since a token, or waits for it. The same `since` always gets all that came after it, however often it is
 * asked. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export async function sync(deps: Syncing, call: { session: Session; query: TypeOf<typeof SyncQuery>; signal: AbortSignal }): Promise<JsonText> {
  const request = await readRequest(deps, call.session, call.query);
  if (!request.isInitial) await deps.acknowledgements.acknowledge(call.session.deviceNid, request.after);
  const deadline = deps.clock() + request.timeoutMs;
  const began = deps.notifier.newest;
  for (;;) {
    // Taken before the snapshot: whatever lies up to here is in the snapshot for certain.
    const upTo = deps.notifier.newest;
    const answer = await deps.db.read(async (tx) => {
      if (deps.notifier.movedSince(`ownDevices/${call.session.userNid}`, began)) await refuseRevoked(tx, call.session);
      return assemble(deps, tx, request, upTo);
    });
    const left = deadline - deps.clock();
    if (answer.hasNews || request.isInitial || request.fullState || left <= 0 || deps.closing.aborted || call.signal.aborted) {
      return new JsonText(answer.text);
    }
    await somethingMoved(deps, request, { upTo, rooms: answer.joined, ms: left, signal: call.signal });
  }
}

/** A session that ended while it waited is told nothing any more. */
async function refuseRevoked(tx: ReadTransaction, { userNid, deviceId, deviceNid }: Session): Promise<void> {
  const device = await findDevice(tx, userNid, deviceId);
  if (device?.device_nid !== deviceNid) throw new MatrixError('M_UNKNOWN_TOKEN', 'This access token is no longer valid');
}

interface Wait {
  readonly upTo: number;
  readonly rooms: readonly MyRoom[];
  readonly ms: number;
  readonly signal: AbortSignal;
}

/** Resolves when anything the person could be told of moved, or the time is up, or nobody waits for the answer any more. */
async function somethingMoved(deps: Syncing, { session }: SyncRequest, { upTo, rooms, ms, signal }: Wait): Promise<void> {
  await new Promise<void>((resolve) => {
    const watched = { rooms: rooms.map(({ nid }) => nid), userNid: session.userNid, deviceNid: session.deviceNid };
    const done = (): void => {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const unsubscribe = deps.notifier.subscribe(watched, done);
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    // What moved between the snapshot and the subscription wakes nobody.
    if (anythingMoved(deps.notifier, session, rooms, upTo) || deps.closing.aborted || signal.aborted) done();
  });
}
