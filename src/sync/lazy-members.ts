const MAX_DEVICES = 10_000;
const MAX_MEMBERS = 5000;

/**
 * Whose member events a device has, and since which answer. A member counts as sent only when the device's `since` proves that it
 * received that answer or a later one, so a lost answer loses no member; a member event that changes comes in the timeline.
 * https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export class LazyMembers {
  readonly #devices = new Map<number, Map<string, number>>();

  /** The device begins anew. */
  forget(deviceNid: number): void {
    this.#devices.delete(deviceNid);
  }

  /** `member` names a room and a person. */
  wasSent(deviceNid: number, member: string, since: number): boolean {
    const at = this.#devices.get(deviceNid)?.get(member);
    return at !== undefined && at <= since;
  }

  /** A member stays as old as it is known to the device: only what the device may not have yet moves to `upTo`. */
  sent(deviceNid: number, members: readonly string[], upTo: number): void {
    if (members.length === 0) return;
    const sent = this.#devices.get(deviceNid) ?? new Map<string, number>();
    for (const member of members) if (!sent.has(member)) sent.set(member, upTo);
    if (sent.size > MAX_MEMBERS) sent.clear();
    this.#devices.delete(deviceNid);
    this.#devices.set(deviceNid, sent);
    const oldest = this.#devices.keys().next();
    if (this.#devices.size > MAX_DEVICES && oldest.done !== true) this.#devices.delete(oldest.value);
  }
}
