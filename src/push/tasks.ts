import type { AppendedEvent } from '../rooms/append.js';
import type { ReadObserver } from '../rooms/receipts.js';
import { enqueue } from '../storage/outbox.js';
import type { Transaction } from '../storage/database.js';
import { hasPushers } from './pushers-store.js';

/** Work for whoever pushes: about an event, or about the count alone. */
export type PushTask =
  | { readonly about: 'event'; readonly roomNid: number; readonly seq: number; readonly notify: number; readonly highlight: number }
  | { readonly about: 'count'; readonly userNid: number };

export const PUSH = 'push';
/** Work about one pusher whose gateway did not take what was sent. */
export const PUSH_AGAIN = 'push-again';
export interface AgainTask {
  readonly pusherNid: number;
}

/** One piece of work for an event, however many are to be pushed: who that is, the worker finds out. */
export async function askForEventPush(tx: Transaction, { roomNid, seq, byDefault, now }: AppendedEvent): Promise<void> {
  const task: PushTask = { about: 'event', roomNid, seq, notify: byDefault.notify, highlight: byDefault.highlight };
  await enqueue(tx, PUSH, task, now);
}

/** Who reads on one device has less unread on all. */
export const pushCountWhenRead: ReadObserver = {
  async onRead(tx, { userNid, now }) {
    const task: PushTask = { about: 'count', userNid };
    if (await hasPushers(tx, userNid)) await enqueue(tx, PUSH, task, now);
  },
};

export async function askAgain(tx: Transaction, pusherNid: number, dueTs: number): Promise<void> {
  const task: AgainTask = { pusherNid };
  await enqueue(tx, PUSH_AGAIN, task, dueTs);
}
