import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import type { EventObserver } from '../rooms/append.js';
import type { Database } from '../storage/database.js';
import { advance, type Notifier } from '../storage/stream.js';
import { saveStates, statesIn, type PresenceRow, type PresenceState, type StateChange } from './presence-store.js';

/** Of anybody at all. Nobody waits for it: what moved is told with the next answer that a client gets anyway. */
export const PRESENCE = 'presence/0';

/** A device that neither polls nor has polled for so long is gone. */
const GONE_AFTER_MS = 30_000;
/** After a start, before whoever has not come back counts as gone. */
const RETURN_MS = 60_000;

const RANK: Readonly<Record<PresenceState, number>> = { offline: 0, unavailable: 1, online: 2 };

interface SeenDevice {
  state: PresenceState;
  polls: number;
  seenTs: number;
}

interface SeenPerson {
  readonly devices: Map<number, SeenDevice>;
  activeTs: number;
  /** As it stands in the database, as far as this process knows. */
  told: PresenceState;
}

/** What is told of anybody is exact to the second. */
export function secondOf(now: number): number {
  return Math.floor(now / 1000);
}

/** Sending to a room is being active. */
export function activityOf(presence: Presence): EventObserver {
  return {
    async onEvent(tx, { senderNid }) {
      tx.afterCommit(() => { presence.active(senderNid); });
    },
  };
}

/**
 * Who is at their devices, from what these do on this process. It is known in memory; what changed is written every few seconds, all at
 * once, so that hundreds who come at eight o'clock cost one transaction. Several processes each write of the devices that
 * poll them, and the better state wins: who leaves one while another of their devices polls a second may look offline for a few seconds.
 * https://spec.matrix.org/v1.19/client-server-api/#presence
 */
export class Presence {
  readonly #people = new Map<number, SeenPerson>();
  readonly #startedTs: number;
  #readUpTo: number;
  #haveReturned = false;
  #texts: { readonly second: number; readonly of: Map<string, string> } = { second: 0, of: new Map() };

  constructor(private readonly deps: { readonly db: Database; readonly clock: Clock; readonly notifier: Notifier }) {
    this.#startedTs = deps.clock();
    this.#readUpTo = deps.notifier.newest;
  }

  /** A device polls, until the returned function is called. What it wishes to look like; `undefined`: as before, or online. */
  polling({ userNid, deviceNid }: Session, wish: PresenceState | undefined): () => void {
    if (wish === 'offline') return () => undefined;
    const device = this.#seen(userNid, deviceNid);
    device.state = wish ?? (device.state === 'offline' ? 'online' : device.state);
    device.polls += 1;
    return () => {
      device.polls -= 1;
      device.seenTs = this.deps.clock();
    };
  }

  /** A device says what it looks like; returns what its person looks like then. */
  declare({ userNid, deviceNid }: Session, state: PresenceState): PresenceState {
    this.#seen(userNid, deviceNid).state = state;
    this.active(userNid);
    const person = this.#people.get(userNid);
    return person === undefined ? state : this.#stateOf(person);
  }

  /** The person did something that others see. */
  active(userNid: number): void {
    const person = this.#people.get(userNid);
    if (person !== undefined) person.activeTs = this.deps.clock();
  }

  /** What was written of a person elsewhere than in `flush`. */
  written(userNid: number, state: PresenceState): void {
    const person = this.#people.get(userNid);
    if (person !== undefined) person.told = state;
  }

  /** When a person was last active, as far as this process knows. */
  activeTs(userNid: number): number | undefined {
    return this.#people.get(userNid)?.activeTs;
  }

  /** What others are told of a person, exact to the second: those who wake together are told of the same people, all of them of each. */
  text({ user_nid: userNid, state, status_msg: words }: PresenceRow, now: number, make: () => string): string {
    const second = secondOf(now);
    if (second !== this.#texts.second) this.#texts = { second, of: new Map() };
    const key = `${userNid}/${state}/${words ?? ''}`;
    const known = this.#texts.of.get(key);
    if (known !== undefined) return known;
    const text = make();
    this.#texts.of.set(key, text);
    return text;
  }

  /** Writes what changed; run every few seconds. */
  async flush(): Promise<void> {
    await this.#readOthers();
    const changes = [...this.#changes(), ...(await this.#lost())];
    if (changes.length > 0) {
      await this.deps.db.transaction(async (tx) => {
        await saveStates(tx, changes, await advance(tx, [PRESENCE]));
      });
    }
    for (const { userNid, state } of changes) this.written(userNid, state);
    for (const [userNid, { devices, told }] of this.#people) if (devices.size === 0 && told === 'offline') this.#people.delete(userNid);
  }

  #seen(userNid: number, deviceNid: number): SeenDevice {
    const now = this.deps.clock();
    const person = this.#people.get(userNid) ?? { devices: new Map<number, SeenDevice>(), activeTs: now, told: 'offline' };
    this.#people.set(userNid, person);
    const device = person.devices.get(deviceNid) ?? { state: 'offline', polls: 0, seenTs: now };
    person.devices.set(deviceNid, device);
    device.seenTs = now;
    return device;
  }

  #stateOf({ devices }: SeenPerson): PresenceState {
    let best: PresenceState = 'offline';
    for (const { state } of devices.values()) if (RANK[state] > RANK[best]) best = state;
    return best;
  }

  #changes(): readonly StateChange[] {
    const goneBefore = this.deps.clock() - GONE_AFTER_MS;
    const changes: StateChange[] = [];
    for (const [userNid, person] of this.#people) {
      for (const [nid, { polls, seenTs }] of person.devices) if (polls === 0 && seenTs < goneBefore) person.devices.delete(nid);
      const state = this.#stateOf(person);
      if (state !== person.told) changes.push({ userNid, state, lastActiveTs: person.activeTs });
    }
    return changes;
  }

  /** Another process may have written somebody lower, one of whose devices polls here. */
  async #readOthers(): Promise<void> {
    const { db, notifier } = this.deps;
    const range = { after: this.#readUpTo, upTo: notifier.newest };
    if (!notifier.movedSince('presence', 0, range.after)) return;
    const rows = await db.read((tx) => statesIn(tx, range));
    this.#readUpTo = range.upTo;
    for (const { user_nid, state } of rows) {
      const person = this.#people.get(user_nid);
      if (person !== undefined && RANK[state] < RANK[person.told]) person.told = state;
    }
  }

  /** Once: whom the server knew online when it last ended, and who has not come back. */
  async #lost(): Promise<readonly StateChange[]> {
    const now = this.deps.clock();
    if (this.#haveReturned || now < this.#startedTs + RETURN_MS) return [];
    const rows = await this.deps.db.read((tx) => statesIn(tx, { after: 0, upTo: this.deps.notifier.newest }));
    this.#haveReturned = true;
    const lost = rows.filter(({ user_nid, state }) => state !== 'offline' && !this.#people.has(user_nid));
    return lost.map(({ user_nid: userNid }) => ({ userNid, state: 'offline', lastActiveTs: now - RETURN_MS }));
  }
}
