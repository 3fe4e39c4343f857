import { setTimeout as wait } from 'node:timers/promises';
import type { Session } from './session.js';

const REFUSAL_MS = 10;

/** By device, the last in line of those who wait for a look or for their refusal. */
const lines = new Map<number, Promise<unknown>>();

/**
 * What looks for something and refuses in the same words where it is not there and where it is not for the asker, refuses in the same time
 * too: to look takes a little longer where there is something. The wait, begun with the look, is above what the look takes (RULES A8, C2).
 * A session looks for one thing after the other: of many at once the looks would add up to more than the wait, and tell by how much.
 */
export async function refusingInTime<Result>({ deviceNid }: Session, look: () => Promise<Result>): Promise<Result> {
  const before = lines.get(deviceNid);
  const mine = before === undefined ? inTime(look) : before.then(() => inTime(look));
  const settled = mine.catch(() => undefined);
  lines.set(deviceNid, settled);
  try {
    return await mine;
  } finally {
    if (lines.get(deviceNid) === settled) lines.delete(deviceNid);
  }
}

async function inTime<Result>(look: () => Promise<Result>): Promise<Result> {
  const due = wait(REFUSAL_MS);
  try {
    return await look();
  } catch (refusal) {
    await due;
    throw refusal;
  }
}
