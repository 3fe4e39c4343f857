interface Kept<Value> {
  readonly version: number;
  readonly value: Value;
  readonly size: number;
}

/**
 * What was read of the rooms or people last asked for, each kept under the version, its seq or position, for which it can never be
 * anything else, on whichever process it was read. Its texts make up its size: an event may be small, or of 64 KiB.
 */
export class ReadMemory<Value> {
  readonly #kept = new Map<number, Kept<Value>>();
  #size = 0;

  /** `most`: characters, of all together. */
  constructor(private readonly most: number) {}

  at(nid: number, version: number): Value | undefined {
    const kept = this.#kept.get(nid);
    if (kept?.version !== version) return undefined;
    // Putting it behind the others makes it the youngest.
    this.#kept.delete(nid);
    this.#kept.set(nid, kept);
    return kept.value;
  }

  /** `version` comes from a snapshot that holds no less than what was read: never from a transaction that may yet fail. */
  keep(nid: number, version: number, value: Value, size: number): void {
    const kept = this.#kept.get(nid);
    // A reader that stood in an older snapshot came late.
    if (kept !== undefined && kept.version > version) return;
    this.#forget(nid);
    if (size > this.most) return;
    this.#kept.set(nid, { version, value, size });
    this.#size += size;
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.most) break;
      this.#forget(oldest);
    }
  }

  #forget(nid: number): void {
    this.#size -= this.#kept.get(nid)?.size ?? 0;
    this.#kept.delete(nid);
  }
}
