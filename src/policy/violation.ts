import { MatrixError, type Errcode } from '../matrix/errors.js';

/** One rule broken: its number in the published table of rules, and what the client is told. */
export interface Violation {
  readonly rule: string;
  readonly errcode: Errcode;
  readonly message: string;
}

/** Throws when anything was violated: the first errcode, every sentence. */
export function refuse(violations: readonly Violation[]): void {
  const [first] = violations;
  if (first === undefined) return;
  throw new MatrixError(first.errcode, violations.map(({ message }) => message).join('; '));
}

export function violation(rule: string, message: string, errcode: Errcode = 'M_FORBIDDEN'): readonly Violation[] {
  return [{ rule, errcode, message }];
}

export const nothing: readonly Violation[] = [];
