import { acknowledgeToDevice } from '../e2ee/to-device.js';
import type { Database } from '../storage/database.js';

/**
 * Forgets to-device messages once the next request proves that they arrived. Most requests prove nothing new, so the devices that
 * are known to have nothing to forget are remembered.
 */
export class Acknowledgements {
  readonly #settled = new Set<number>();

  constructor(private readonly db: Database) {}

  /** Whether the device is known to have nothing to forget. */
  isSettled(deviceNid: number): boolean {
    return this.#settled.has(deviceNid);
  }

  async acknowledge(deviceNid: number, upTo: number): Promise<void> {
    if (this.isSettled(deviceNid)) return;
    // Before the wait: what is delivered meanwhile has to be proven again.
    this.#settled.add(deviceNid);
    try {
      await this.db.transaction((tx) => acknowledgeToDevice(tx, deviceNid, upTo));
    } catch (error) {
      this.#settled.delete(deviceNid);
      throw error;
    }
  }

  /** Messages are on their way to the device: its next request has something to prove. */
  delivered(deviceNid: number): void {
    this.#settled.delete(deviceNid);
  }
}
