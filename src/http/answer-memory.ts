import type { ServerResponse } from 'node:http';

/** Answers beyond it, first syncs for example, are few. */
const LARGEST = 1_048_576;
/** As many as are on their way at once at most; the pages of a piece that no answer has reached yet take no memory. */
const MOST = 8;

/** Memory that answers are written into, used for one after the other: to be given fresh memory costs a large answer as much as to be made. */
export class AnswerMemory {
  readonly #free: Buffer[] = [];
  #lent = 0;

  /**
   * Bytes with anything in them, for this answer alone: `most` at least where memory is used again, and else `counted()`, for to count them
   * takes as long as to write them. They come back when all of the answer has been handed to the system.
   */
  lend(res: ServerResponse, most: number, counted: () => number): Buffer {
    if (most > LARGEST || this.#lent === MOST) return Buffer.allocUnsafeSlow(counted());
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(LARGEST);
    this.#lent += 1;
    res.once('finish', () => { this.#free.push(memory); });
    // Without a finish before it the connection broke, and what is still being written may be read yet: that memory does not come back.
    res.once('close', () => { this.#lent -= 1; });
    return memory;
  }
}
