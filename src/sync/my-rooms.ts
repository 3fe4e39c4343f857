import type { Session } from '../auth/session.js';
import type { Membership } from '../matrix/event-auth.js';
import type { RoomId, UserId } from '../matrix/identifiers.js';
import type { MainSums } from '../rooms/receipts-store.js';
import type { ReadTransaction } from '../storage/database.js';
import type { Notifier, TopicKind } from '../storage/stream.js';
import { memberHistory, membershipsOf } from './store.js';

/** One membership of one person. */
export interface MyRoom {
  readonly nid: number;
  readonly id: RoomId;
  readonly membership: Membership;
  /** Where the membership last changed, in the stream and in the room. */
  readonly changedPosition: number;
  readonly changedSeq: number;
  /** What the room counted when the membership changed. */
  readonly baseline: MainSums;
  readonly hasOwnPushRules: boolean;
  /** Nothing of the room is left to the person, but that their other devices must learn that they left. */
  readonly isForgotten: boolean;
}

const MAX_PEOPLE = 10_000;

/**
 * The rooms of the people who sync. Kept between polls, for most polls find that nothing moved; an entry holds until the notifier
 * says that its person's memberships moved.
 */
export class MyRooms {
  readonly #kept = new Map<number, { asOf: number; rooms: readonly MyRoom[] }>();

  constructor(private readonly notifier: Notifier) {}

  /** What is known without asking the database. */
  known(userNid: number): readonly MyRoom[] | undefined {
    const kept = this.#kept.get(userNid);
    return kept === undefined || this.notifier.movedSince('membership', userNid, kept.asOf) ? undefined : kept.rooms;
  }

  /** `upTo` was the newest position heard of before the snapshot of `tx` was taken. */
  async of(tx: ReadTransaction, userNid: number, upTo: number): Promise<readonly MyRoom[]> {
    const known = this.known(userNid);
    if (known !== undefined) return known;
    const rooms = (await membershipsOf(tx, userNid)).map((row) => ({
      nid: row.room_nid,
      id: row.room_id,
      membership: row.membership,
      changedPosition: row.position,
      changedSeq: row.changed_seq,
      baseline: { notify_sum: row.notify_sum, highlight_sum: row.highlight_sum },
      hasOwnPushRules: row.has_own_push_rules === 1,
      isForgotten: row.is_forgotten === 1,
    }));
    this.#kept.delete(userNid);
    this.#kept.set(userNid, { asOf: upTo, rooms });
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > MAX_PEOPLE && oldest.done !== true) this.#kept.delete(oldest.value);
    return rooms;
  }
}

/**
 * The rooms as they were at a position: a snapshot may hold moves that an answer which ends before them must not know of, or it
 * would show what came before a join, or leave out what came before a leave.
 */
export async function roomsAt(tx: ReadTransaction, rooms: readonly MyRoom[], userId: UserId, upTo: number): Promise<readonly MyRoom[]> {
  const ahead = rooms.filter(({ changedPosition }) => changedPosition > upTo).map(({ nid }) => nid);
  const history = await memberHistory(tx, ahead, userId);
  return rooms.flatMap((room) => {
    if (room.changedPosition <= upTo) return [room];
    const until = history.filter(({ room_nid, position }) => room_nid === room.nid && position <= upTo);
    const membership = until.at(-1)?.membership;
    const change = until.findLastIndex((event) => event.membership !== membership) + 1;
    const since = until[change];
    if (membership === undefined || since === undefined) return [];
    const baseline = { notify_sum: since.notify_sum, highlight_sum: since.highlight_sum };
    return [{ ...room, membership, changedPosition: since.position, changedSeq: since.seq, baseline }];
  });
}

/** Whether anything that belongs in this person's answers moved after a position. */
export function anythingMoved(notifier: Notifier, { userNid, deviceNid }: Session, rooms: readonly MyRoom[], after: number): boolean {
  if (notifier.newest <= after) return false;
  const moved = (kind: TopicKind, nid: number): boolean => notifier.movedSince(kind, nid, after);
  return (
    moved('membership', userNid) ||
    moved('account', userNid) ||
    moved('ownDevices', userNid) ||
    moved('toDevice', deviceNid) ||
    moved('oneTimeKeys', deviceNid) ||
    rooms.some((room) => !room.isForgotten && (moved('timeline', room.nid) || moved('receipts', room.nid) || moved('typing', room.nid) || moved('devices', room.nid) || moved('members', room.nid)))
  );
}
