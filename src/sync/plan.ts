import { wantsRoom } from '../rooms/filter.js';
import type { ReadTransaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';
import type { MyRoom } from './my-rooms.js';
import type { Making } from './request.js';
import type { Standing } from './room-rows.js';
import { seqsAt, tipsOf, type RoomTip } from './store.js';

/** A joined room of which something is to be told, and what. */
export interface JoinedPlan {
  readonly room: MyRoom;
  readonly tip: RoomTip;
  readonly standing: Standing | undefined;
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
  const moved: Moved[] = [];
  for (const room of rooms) {
    if (room.membership !== 'join' || !wantsRoom(filter.room, room.id)) continue;
    const isFresh = isInitial || (room.changedPosition > range.after && room.changedPosition <= range.upTo);
    const timelineMoved = deps.notifier.movedSince('timeline', room.nid, range.after);
    const membersMoved = deps.notifier.movedSince('members', room.nid, range.after);
    const receiptsMoved = deps.notifier.movedSince('receipts', room.nid, range.after);
    const typingMoved = deps.notifier.movedSince('typing', room.nid, range.after);
    if (isFresh || fullState || timelineMoved || membersMoved || receiptsMoved || typingMoved || withAccountData.has(room.nid)) {
      moved.push({ room, isFresh, timelineMoved, membersMoved, receiptsMoved, typingMoved });
    }
  }
  if (moved.length === 0) return [];
  const tips = await readTips(making, moved.map(({ room }) => room.nid));
  const plans: JoinedPlan[] = [];
  for (const { room, isFresh, timelineMoved, membersMoved, receiptsMoved, typingMoved } of moved) {
    const tip = tips.get(room.nid);
    if (tip === undefined) continue;
    const afterSeq = isFresh ? 0 : timelineMoved ? (tip.known_seq ?? 0) : tip.seq;
    // A tip of a later position is that of another snapshot.
    const standing = tip.position <= range.upTo ? { newestSeq: tip.seq, stateSeq: tip.state_seq } : undefined;
    plans.push({ room, tip, standing, isFresh, afterSeq, timelineMoved: isFresh || afterSeq < tip.seq, membersMoved, receiptsMoved, typingMoved });
  }
  return plans;
}

type Moved = Omit<JoinedPlan, 'tip' | 'standing' | 'afterSeq'>;

/** Where one room moved, whoever waited for it asks for its tip from the very same position. */
function readTips({ deps, tx, range, newest }: Making, nids: readonly number[]): Promise<ReadonlyMap<number, RoomTip>> {
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
