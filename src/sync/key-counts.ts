import { oneTimeKeyCounts, unusedFallbackTypes } from '../e2ee/upload-keys.js';
import type { ReadTransaction } from '../storage/database.js';
import type { Notifier } from '../storage/stream.js';

const MAX_DEVICES = 20_000;

/**
 * How many one-time keys a device has left, and which fallback keys are unused, as every answer must say. Kept between polls; an
 * entry holds until the notifier says that the device's keys moved.
 */
export class KeyCounts {
  readonly #kept = new Map<number, { asOf: number; text: string }>();

  constructor(private readonly notifier: Notifier) {}

  /** What is known without asking the database. */
  known(deviceNid: number): string | undefined {
    const kept = this.#kept.get(deviceNid);
    return kept === undefined || this.notifier.movedSince('oneTimeKeys', deviceNid, kept.asOf) ? undefined : kept.text;
  }

  /** Members of an answer, as JSON text. `upTo` was the newest position heard of before the snapshot of `tx` was taken. */
  async textFor(tx: ReadTransaction, deviceNid: number, upTo: number): Promise<string> {
    const known = this.known(deviceNid);
    if (known !== undefined) return known;
    const counts = JSON.stringify(await oneTimeKeyCounts(tx, deviceNid));
    const unused = JSON.stringify(await unusedFallbackTypes(tx, deviceNid));
    const text = `"device_one_time_keys_count":${counts},"device_unused_fallback_key_types":${unused},"org.matrix.msc2732.device_unused_fallback_key_types":${unused}`;
    this.#kept.delete(deviceNid);
    this.#kept.set(deviceNid, { asOf: upTo, text });
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > MAX_DEVICES && oldest.done !== true) this.#kept.delete(oldest.value);
    return text;
  }
}
