const LARGEST = 128;

/** Cuts rows into pieces whose sizes are powers of two, so that inserting any number of them takes few statements and few statement texts. */
export function batchesOf<Row>(rows: readonly Row[]): readonly (readonly Row[])[] {
  const batches: (readonly Row[])[] = [];
  let at = 0;
  for (let size = LARGEST; size >= 1; size /= 2) {
    for (; rows.length - at >= size; at += size) batches.push(rows.slice(at, at + size));
  }
  return batches;
}
