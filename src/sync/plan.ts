import { wantsRoom } from '../rooms/filter.js';
import type { ReadTransaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';
import type { MyRoom } from './my-rooms.js';
import type { Making } from './request.js';
import { seqsAt, tipsOf, type RoomTip } from './store.js';

/** A joined room of which something is to be told, and what. */
export interface JoinedPlan {
  readonly room: MyRoom;
  readonly tip: RoomTip;
  /** The client has nothing of this room yet, or not since the person came back to it. */
  readonly isFresh: boolean;
  /** Events up to this seq the client has. */
  readonly afterSeq: number;
  readonly timelineMoved: boolean;
  readonly membersMoved: boolean;
  readonly receiptsMoved: boolean;
  readonly typingMoved: boolean;
}

/** Chooses the rooms in which something moved, by what the notifier knows; the database is asked only for those. */
export async function planJoined(
  making: Making,
  rooms: readonly MyRoom[],
  withAccountData: ReadonlyMap<number, unknown>,
): Promise<readonly JoinedPlan[]> {
  const { deps, request, range } = making;
  const { filter, isInitial, fullState } = request;
  const moved = rooms
    .filter((room) => room.membership === 'join' && wantsRoom(filter.room, room.id))
    .map((room) => ({
      room,
      isFresh: isInitial || (room.changedPosition > range.after && room.changedPosition <= range.upTo),
      timelineMoved: deps.notifier.movedSince(room.timeline, range.after),
      membersMoved: deps.notifier.movedSince(room.members, range.after),
      receiptsMoved: deps.notifier.movedSince(room.receipts, range.after),
      typingMoved: deps.notifier.movedSince(room.typing, range.after),
    }))
    .filter((p) => p.isFresh || fullState || p.timelineMoved || p.membersMoved || p.receiptsMoved || p.typingMoved || withAccountData.has(p.room.nid));
  if (moved.length === 0) return [];
  const tips = await readTips(making, moved.map(({ room }) => room.nid));
  return moved.flatMap((plan) => {
    const tip = tips.get(plan.room.nid);
    if (tip === undefined) return [];
    const afterSeq = plan.isFresh ? 0 : plan.timelineMoved ? (tip.known_seq ?? 0) : tip.seq;
    return [{ ...plan, tip, afterSeq, timelineMoved: plan.isFresh || afterSeq < tip.seq }];
  });
}

/** Where one room moved, whoever waited for it asks for its tip from the very same position. */
async function readTips({ deps, tx, range, newest }: Making, nids: readonly number[]): Promise<ReadonlyMap<number, RoomTip>> {
  if (nids.length !== 1) return tipsAt(tx, nids, range);
  return deps.sharedTimelines.at(newest).tips(`${nids[0]}/${range.after}/${range.upTo}`, () => tipsAt(tx, nids, range));
}

/** The rooms' tips; where a room has moved on beyond `upTo` already, the point in it that belongs to `upTo`. */
async function tipsAt(tx: ReadTransaction, nids: readonly number[], { after, upTo }: Range): Promise<ReadonlyMap<number, RoomTip>> {
  const tips = await tipsOf(tx, nids, after);
  const ahead = [...tips.values()].filter(({ position }) => position > upTo).map(({ room_nid }) => room_nid);
  if (ahead.length === 0) return tips;
  const then = await seqsAt(tx, ahead, upTo);
  return new Map([...tips].map(([nid, tip]) => [nid, then.has(nid) ? { ...tip, seq: then.get(nid) ?? 0 } : tip]));
}
