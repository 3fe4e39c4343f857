import { KINDS, type Kind, type Ministry, type Thing } from './ministry.js';
import type { Outcome } from './replay.js';

export type Counts = Readonly<Record<Kind, number>>;

export interface Summary {
  /** Everything that is not the victim's own. */
  readonly outOf: Counts;
  readonly stolen: Counts;
  readonly anonymous: Counts;
  /** Of what the stolen account reached, that which was there to be read: not ciphertext. */
  readonly inClear: Counts;
  /** People met by their full id, which is allowed, a number of times. */
  readonly introduced: number;
  readonly isClean: boolean;
}

/** The attacker's claims of June 2026. */
export const CLAIMED = '876 rooms, 643,459 messages, 59,386 files (13.51 GB), 73,467 people';

export function summarise(ministry: Ministry, outcomes: readonly Outcome[], allowedIntroductions: number): Summary {
  const straight = outcomes.filter(({ attack }) => attack.introduces !== true);
  const stolen = union(straight.map((outcome) => outcome.stolen.reached));
  const anonymous = union(outcomes.map((outcome) => outcome.anonymous.reached));
  const introduced = union(outcomes.filter(({ attack }) => attack.introduces === true).map((outcome) => outcome.stolen.reached));
  const beyondIntroductions = [...introduced.values()].filter(({ kind }) => kind !== 'people').length;
  const outsiders = (things: readonly { isOwn: boolean }[]): number => things.filter(({ isOwn }) => !isOwn).length;
  return {
    outOf: {
      rooms: outsiders(ministry.rooms), messages: outsiders(ministry.messages), files: outsiders(ministry.files), people: outsiders(ministry.people), hints: 0, doors: 0,
    },
    stolen: countsOf(stolen),
    anonymous: countsOf(anonymous),
    inClear: countsOf(new Map([...stolen].filter(([, { isInClear }]) => isInClear))),
    introduced: [...introduced].filter(([key, { kind }]) => kind === 'people' && !stolen.has(key)).length,
    isClean: stolen.size + anonymous.size + beyondIntroductions === 0 && introduced.size <= allowedIntroductions,
  };
}

/** One row an attack: how often it was tried, and what it reached that was not the victim's. */
export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ attack, stolen, anonymous }) =>
    [attack.rule, attack.path, String(stolen.tried), reachedText(stolen.reached), String(anonymous.tried), reachedText(anonymous.reached)]);
  const head = ['rule', 'path', 'tried', 'stolen account reached', 'tried', 'anonymous caller reached'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** The sentence that matters. */
export function sentence(name: string, { outOf, stolen, anonymous, inClear, introduced }: Summary): string {
  const list = (counts: Counts): string => (['rooms', 'messages', 'files', 'people'] as const).map((kind) => `${counts[kind]} of ${outOf[kind]} ${kind}`).join(', ');
  const readable = stolen.messages + stolen.files === 0 ? '' : ` (in clear: ${inClear.messages} messages, ${inClear.files} files; the rest is ciphertext)`;
  return [
    `${name}: one stolen account reached ${list(stolen)}${readable}, beyond what was the victim's own.`,
    `It was told of ${stolen.hints} rooms or people that they exist, opened ${stolen.doors} doors to the public${introduced === 0 ? '' : `, and met ${introduced} people by their full id`}.`,
    `Somebody without an account reached ${(['rooms', 'messages', 'files', 'people'] as const).map((kind) => `${anonymous[kind]} ${kind}`).join(', ')}, and was told of ${anonymous.hints} that they exist.`,
    `Claimed of the breach of June 2026, by the attacker: ${CLAIMED}.`,
  ].join('\n');
}

/** Plain data, for `--json`. */
export function asJson(name: string, ministry: Ministry, outcomes: readonly Outcome[], summary: Summary): object {
  const side = ({ tried, reached, answers }: Outcome['stolen']): object => ({ tried, reached: countsOf(reached), answers: Object.fromEntries(answers) });
  return {
    server: name, filled: ministry.howFilled, claimed: CLAIMED, summary,
    attacks: outcomes.map(({ attack: { rule, path }, stolen, anonymous }) => ({ rule, path, stolen: side(stolen), anonymous: side(anonymous) })),
  };
}

function union(parts: readonly ReadonlyMap<string, Thing>[]): ReadonlyMap<string, Thing> {
  return new Map(parts.flatMap((part) => [...part]));
}

function countsOf(things: ReadonlyMap<string, Thing>): Counts {
  const count = (kind: Kind): number => [...things.values()].filter((thing) => thing.kind === kind).length;
  return { rooms: count('rooms'), messages: count('messages'), files: count('files'), people: count('people'), hints: count('hints'), doors: count('doors') };
}

function reachedText(reached: ReadonlyMap<string, Thing>): string {
  const counts = countsOf(reached);
  return KINDS.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`).join(', ') || '0';
}
