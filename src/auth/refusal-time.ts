import { setTimeout as wait } from 'node:timers/promises';

const REFUSAL_MS = 10;

/**
 * What looks for something and refuses in the same words where it is not there and where it is not for the asker, refuses in the same time
 * too: to look takes a little longer where there is something. The wait, begun with the request, is above what the look takes (RULES A8, C2).
 */
export async function refusingInTime<Result>(look: () => Promise<Result>): Promise<Result> {
  const due = wait(REFUSAL_MS);
  try {
    return await look();
  } catch (refusal) {
    await due;
    throw refusal;
  }
}
