const MAX_DEVICES = 10_000;
const MAX_MEMBERS = 5000;
const MAX_UNPROVEN = 8;

/** What one device has: members since the answer that told of them, and those told in answers of which it has proved nothing yet. */
interface Told {
  readonly has: Map<string, number>;
  readonly unproven: Map<number, Set<string>>;
  /** The newest `since` it came with. */
  newest: number;
}

/**
 * Whose member events a device has. A member counts as sent only when the device comes back with the very `next_batch` of an answer
 * that told of it, so a lost answer loses no member; a member event that changes comes in the timeline.
 * https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export class LazyMembers {
  readonly #devices = new Map<number, Told>();

  /** The device begins anew. */
  forget(deviceNid: number): void {
    this.#devices.delete(deviceNid);
  }

  /** The device comes with `since`: it received the answer that ended there. */
  received(deviceNid: number, since: number): void {
    const told = this.#devices.get(deviceNid);
    if (told === undefined) return;
    // It went back, so what it was told after that belongs to a past it gave up.
    if (since < told.newest) for (const [member, at] of told.has) if (at > since) told.has.delete(member);
    told.newest = since;
    for (const member of told.unproven.get(since) ?? []) told.has.set(member, since);
    for (const upTo of told.unproven.keys()) if (upTo <= since) told.unproven.delete(upTo);
    if (told.has.size > MAX_MEMBERS) told.has.clear();
  }

  /** `member` names a room and a person. */
  has(deviceNid: number, member: string): boolean {
    return this.#devices.get(deviceNid)?.has.has(member) === true;
  }

  /** The device comes to a room anew: what it had of it may be out of date. */
  forgetRoom(deviceNid: number, roomNid: number): void {
    const has = this.#devices.get(deviceNid)?.has;
    if (has === undefined) return;
    for (const member of has.keys()) if (member.startsWith(`${roomNid}/`)) has.delete(member);
  }

  /** The answer that ends at `upTo` tells of these members. */
  tell(deviceNid: number, members: readonly string[], upTo: number): void {
    if (members.length === 0) return;
    const told = this.#devices.get(deviceNid) ?? { has: new Map<string, number>(), unproven: new Map<number, Set<string>>(), newest: 0 };
    const unproven = told.unproven.get(upTo) ?? new Set();
    for (const member of members) unproven.add(member);
    told.unproven.set(upTo, unproven);
    dropOldest(told.unproven, MAX_UNPROVEN);
    this.#devices.delete(deviceNid);
    this.#devices.set(deviceNid, told);
    dropOldest(this.#devices, MAX_DEVICES);
  }
}

function dropOldest(map: Map<number, unknown>, most: number): void {
  const oldest = map.keys().next();
  if (map.size > most && oldest.done !== true) map.delete(oldest.value);
}
