const MAX_DEVICES = 10_000;
const MAX_MEMBERS = 5000;

/**
 * Which member events a device has been sent already, and with which answer. A member counts as sent only when the device's `since`
 * proves that it received that answer or a later one, so a lost answer loses no member.
 * https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export class LazyMembers {
  readonly #devices = new Map<number, Map<string, number>>();

  /** Of the named members (any text that names a room, a person and a member event), those that must be sent now. */
  unsent(deviceNid: number, members: readonly string[], since: number): readonly string[] {
    const sent = this.#devices.get(deviceNid);
    return members.filter((member) => {
      const at = sent?.get(member);
      return at === undefined || at > since;
    });
  }

  sent(deviceNid: number, members: readonly string[], upTo: number): void {
    if (members.length === 0) return;
    const sent = this.#devices.get(deviceNid) ?? new Map<string, number>();
    for (const member of members) sent.set(member, upTo);
    if (sent.size > MAX_MEMBERS) sent.clear();
    this.#devices.delete(deviceNid);
    this.#devices.set(deviceNid, sent);
    const oldest = this.#devices.keys().next();
    if (this.#devices.size > MAX_DEVICES && oldest.done !== true) this.#devices.delete(oldest.value);
  }
}
