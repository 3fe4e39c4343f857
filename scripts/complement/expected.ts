import { keyOf } from './results.js';

/** What a leaf of Complement's tests must come to. */
export type Expectation =
  | { readonly kind: 'pass' }
  /** It fails, and the reason it gives shows this answer: an errcode, or with status 200 what the test says of an answer that is no error. */
  | { readonly kind: 'refused'; readonly status: number; readonly seen: string }
  | { readonly kind: 'federation-later' }
  | { readonly kind: 'not-applicable'; readonly reason: string };

export interface Expected {
  readonly stock: Expectation;
  readonly sealed: Expectation;
}

const HEADER = 'folder\ttest\tstock\tsealed';

/** Reads expected.tsv: a line for every leaf, by the key of its result. */
export function readExpected(tsv: string): ReadonlyMap<string, Expected> {
  const [header, ...lines] = tsv.trimEnd().split('\n');
  if (header !== HEADER) throw new Error(`The first line must be: ${HEADER.replaceAll('\t', ' | ')}`);
  const expected = new Map<string, Expected>();
  for (const [index, line] of lines.entries()) {
    const [folder, test, stock, sealed, ...rest] = line.split('\t');
    if (!folder || !test || stock === undefined || sealed === undefined || rest.length > 0) throw new Error(`Line ${index + 2} has not four columns: ${line}`);
    const key = keyOf(folder, test);
    if (expected.has(key)) throw new Error(`Line ${index + 2} names ${key} again`);
    expected.set(key, { stock: expectationOf(stock), sealed: expectationOf(sealed) });
  }
  return expected;
}

export function expectationOf(text: string): Expectation {
  if (text === 'pass' || text === 'federation-later') return { kind: text };
  const [, status, seen] = /^refused (\d{3}) (\S.*)$/.exec(text) ?? [];
  if (status !== undefined && seen !== undefined) return { kind: 'refused', status: Number(status), seen };
  const [, reason] = /^not-applicable (\S.*)$/.exec(text) ?? [];
  if (reason !== undefined) return { kind: 'not-applicable', reason };
  throw new Error(`Not an outcome: ${text}. One of: pass, refused STATUS ERRCODE, federation-later, not-applicable REASON`);
}

export function textOf(expectation: Expectation): string {
  switch (expectation.kind) {
    case 'pass':
    case 'federation-later':
      return expectation.kind;
    case 'refused':
      return `refused ${expectation.status} ${expectation.seen}`;
    case 'not-applicable':
      return `not-applicable ${expectation.reason}`;
  }
}
