/** A compiled pattern: lower case, split at its asterisks. */
export interface Glob {
  readonly segments: readonly Segment[];
}

interface Segment {
  readonly text: string;
  /** Whether `?` in it stands for any character. */
  readonly isWild: boolean;
}

/** Whether the edge of a match may lie before the unit at `index`. */
type Edge = (text: string, index: number) => boolean;

const MAX_COMPILED = 2_000;
const compiled = new Map<string, Glob>();

/** `*` stands for any characters, `?` for exactly one; case does not matter. https://spec.matrix.org/v1.19/appendices/#glob-style-matching */
export function compileGlob(pattern: string): Glob {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const glob = { segments: pattern.toLowerCase().split('*').map((text) => ({ text, isWild: text.includes('?') })) };
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  compiled.set(pattern, glob);
  return glob;
}

/** A pattern in which every character stands for itself. */
export function literalGlob(text: string): Glob {
  return { segments: [{ text: text.toLowerCase(), isWild: false }] };
}

export function matchesWhole(glob: Glob, text: string): boolean {
  const lower = text.toLowerCase();
  const [only] = glob.segments;
  if (glob.segments.length === 1 && only?.isWild === false) return only.text === lower;
  return matches(glob, lower, (whole, index) => index === 0 || index === whole.length);
}

/** Whether some part of the text that begins and ends at a word boundary matches. https://spec.matrix.org/v1.19/client-server-api/#conditions-1 */
export function matchesWords(glob: Glob, text: string): boolean {
  return matches(glob, text.toLowerCase(), isWordBoundary);
}

function isWordBoundary(text: string, index: number): boolean {
  return index === 0 || index === text.length || !isWordUnit(text.charCodeAt(index - 1)) || !isWordUnit(text.charCodeAt(index));
}

function isWordUnit(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x5a) || unit === 0x5f || (unit >= 0x61 && unit <= 0x7a);
}

/**
 * Each segment is taken where it is found first: what follows an asterisk can only be found in more text, never in less. So the
 * cost is bounded by text times pattern; a regular expression made of a stranger's pattern could hold the server for hours.
 */
function matches({ segments }: Glob, text: string, isEdge: Edge): boolean {
  const last = segments.length - 1;
  let from: number | undefined = 0;
  for (const [i, segment] of segments.entries()) {
    const edges = { mayStart: i > 0 ? anywhere : isEdge, mayStop: i < last ? anywhere : isEdge };
    from = findSegment(segment, text, from, edges);
    if (from === undefined) return false;
  }
  return true;
}

const anywhere: Edge = () => true;

/** The end of the first occurrence from `from` on whose edges are where they may be. */
function findSegment(segment: Segment, text: string, from: number, { mayStart, mayStop }: { readonly mayStart: Edge; readonly mayStop: Edge }): number | undefined {
  for (let start = nextStart(segment, text, from); start !== undefined; start = nextStart(segment, text, start + 1)) {
    // Before it is compared, which is what costs: most segments may start in one place only.
    const stop = mayStart(text, start) ? segmentEnd(segment, text, start) : undefined;
    if (stop !== undefined && mayStop(text, stop)) return stop;
  }
  return undefined;
}

function nextStart({ text: wanted, isWild }: Segment, text: string, from: number): number | undefined {
  const start = isWild || from > text.length ? from : text.indexOf(wanted, from);
  return start >= 0 && start <= text.length ? start : undefined;
}

function segmentEnd(segment: Segment, text: string, start: number): number | undefined {
  if (!segment.isWild) return start + segment.text.length;
  let at = start;
  for (const character of segment.text) {
    const code = text.codePointAt(at);
    if (code === undefined || (character !== '?' && character.codePointAt(0) !== code)) return undefined;
    at += code > 0xffff ? 2 : 1;
  }
  return at;
}
