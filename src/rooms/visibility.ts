import type { HistoryVisibility, Membership } from '../matrix/event-auth.js';
import type { StateStretch } from './state-store.js';

/** A value in force from `since` (the event that set it) up to, not with, `until`. */
interface Stretch<Value> {
  readonly value: Value;
  readonly since: number;
  readonly until: number;
}

/** Both ends included; `to` may be Infinity. */
export interface VisibleRange {
  readonly from: number;
  readonly to: number;
}

/** What one person may see of one room's timeline, and what they were at each of its events. */
export interface Visibility {
  readonly ranges: readonly VisibleRange[];
  readonly membershipAt: (seq: number) => Membership;
  /** Whether they see what happened at a place of the timeline. */
  readonly sees: (seq: number) => boolean;
  /** Whether they may know what a state event took the place of: they see that too, or saw it in force, or it was their own membership. */
  readonly knowsReplaced: (event: Replacing) => boolean;
}

/** An event in whose place another, earlier one stood. */
export interface Replacing {
  readonly seq: number;
  readonly replaces_seq: number;
}

/**
 * History visibility as seq ranges: an event is visible by the visibility and the membership in force when it was sent.
 * https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
export function visibilityOf(stretches: readonly StateStretch[]): Visibility {
  const history: Stretch<HistoryVisibility>[] = [];
  const membership: Stretch<Membership>[] = [];
  for (const { type, content, since_seq, until_seq } of stretches) {
    const parsed = JSON.parse(content) as { membership?: Membership; history_visibility?: HistoryVisibility };
    const bounds = { since: since_seq, until: until_seq ?? Infinity };
    if (type === 'm.room.member') membership.push({ value: parsed.membership ?? 'leave', ...bounds });
    else history.push({ value: parsed.history_visibility ?? 'shared', ...bounds });
  }
  const ranges = visibleRanges(history, membership);
  const membershipAt = (seq: number): Membership => valueAt(membership, seq) ?? 'leave';
  const knowsReplaced = ({ seq, replaces_seq: before }: Replacing): boolean =>
    membershipAt(seq - 1) === 'join' || isWithin(ranges, before) || membership.some(({ since }) => since === before);
  return { ranges, membershipAt, sees: (seq) => isWithin(ranges, seq), knowsReplaced };
}

function isWithin(ranges: readonly VisibleRange[], seq: number): boolean {
  return ranges.some(({ from, to }) => seq >= from && seq <= to);
}

/** The parts of `from..to` that are visible, lowest first. */
export function visibleWithin(visibility: Visibility, from: number, to: number): readonly VisibleRange[] {
  return visibility.ranges
    .map((range) => ({ from: Math.max(range.from, from), to: Math.min(range.to, to) }))
    .filter((range) => range.from <= range.to);
}

function visibleRanges(history: readonly Stretch<HistoryVisibility>[], membership: readonly Stretch<Membership>[]): readonly VisibleRange[] {
  const joins = membership.filter(({ value }) => value === 'join');
  const lastJoin = joins.at(-1);
  if (lastJoin === undefined) return [];
  const ranges: VisibleRange[] = joins.map(({ since, until }) => ({ from: since, to: until }));
  const shared = [{ value: 'shared' as HistoryVisibility, since: -Infinity, until: history[0]?.since ?? Infinity }, ...history];
  for (const { value, since, until } of shared) {
    // The event that changes the visibility is judged by both the old and the new one, hence `until` itself.
    if (value === 'shared') ranges.push({ from: since, to: Math.min(until, lastJoin.until) });
    if (value === 'invited') ranges.push(...invitedRanges(membership, since, Math.min(until, lastJoin.until)));
  }
  return merged(ranges.filter(({ from, to }) => from <= to));
}

function invitedRanges(membership: readonly Stretch<Membership>[], since: number, until: number): readonly VisibleRange[] {
  return membership
    .filter(({ value }) => value === 'invite')
    .map((invite) => ({ from: Math.max(invite.since, since), to: Math.min(invite.until, until) }));
}

function merged(ranges: readonly VisibleRange[]): readonly VisibleRange[] {
  const result: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}

function valueAt<Value>(stretches: readonly Stretch<Value>[], seq: number): Value | undefined {
  return stretches.find(({ since, until }) => seq >= since && seq < until)?.value;
}
