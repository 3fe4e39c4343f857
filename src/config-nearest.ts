const FAR = 3;

/** The known key a mistyped one most resembles, if any is within three edits. */
export function nearest(key: string, known: readonly string[]): string | undefined {
  const ranked = known.map((name) => ({ name, distance: editsBetween(key, name) })).sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.min(FAR, key.length / 2) ? best.name : undefined;
}

/** Levenshtein distance, a row at a time. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min(at(next, j) + 1, at(row, j + 1) + 1, at(row, j) + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return at(row, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
