import { MatrixError } from '../matrix/errors.js';

interface Branch<Target> {
  readonly fixed: Map<string, Branch<Target>>;
  readonly methods: Map<string, Leaf<Target>>;
  open: Branch<Target> | undefined;
}

interface Leaf<Target> {
  readonly target: Target | undefined;
  readonly names: readonly string[];
}

export interface Match<Target> {
  readonly target: Target;
  /** Still percent-encoded, in the order of the path. */
  readonly values: readonly string[];
  readonly names: readonly string[];
}

/** A tree of path segments: what a look-up costs depends on the length of the path, not on how many routes there are. */
export interface Routes<Target> {
  readonly root: Branch<Target>;
}

export function emptyRoutes<Target>(): Routes<Target> {
  return { root: branch() };
}

/** Adds a path; without a `target` the path is merely known. Two targets for one method and path stop the start. */
export function addRoute<Target>(routes: Routes<Target>, method: string, path: string, target?: Target): void {
  const names: string[] = [];
  let at = routes.root;
  for (const segment of segmentsOf(path)) {
    if (segment.startsWith(':')) {
      names.push(segment.slice(1));
      at = at.open ??= branch();
    } else {
      const next = at.fixed.get(segment) ?? branch<Target>();
      at.fixed.set(segment, next);
      at = next;
    }
  }
  if (at.methods.has(method)) throw new Error(`two rows answer ${method} ${path}`);
  at.methods.set(method, { target, names });
}

/**
 * Finds the row of a request; fixed segments win over open ones, a slash at the end means nothing.
 * Unknown path: 404; known path, other method: 405. https://spec.matrix.org/v1.19/client-server-api/#common-error-codes
 */
export function findRoute<Target>(routes: Routes<Target>, method: string, path: string): Match<Target> {
  const values: string[] = [];
  const found = descend(routes.root, segmentsOf(path), 0, values);
  if (found === undefined) throw new MatrixError('M_UNRECOGNIZED', 'Unrecognised request');
  const leaf = found.methods.get(method);
  if (leaf === undefined) throw new MatrixError('M_UNRECOGNIZED', 'This path does not take this method', { status: 405 });
  if (leaf.target === undefined) throw new MatrixError('M_UNRECOGNIZED', 'Not served here');
  return { target: leaf.target, values, names: leaf.names };
}

function descend<Target>(
  at: Branch<Target>,
  segments: readonly string[],
  depth: number,
  values: string[],
): Branch<Target> | undefined {
  const segment = segments[depth];
  if (segment === undefined) return at.methods.size > 0 ? at : undefined;
  const fixed = at.fixed.get(segment);
  if (fixed !== undefined) {
    const found = descend(fixed, segments, depth + 1, values);
    if (found !== undefined) return found;
  }
  if (at.open === undefined || segment === '') return undefined;
  values.push(segment);
  const found = descend(at.open, segments, depth + 1, values);
  if (found === undefined) values.pop();
  return found;
}

function segmentsOf(path: string): readonly string[] {
  return path.slice(1, path.length > 1 && path.endsWith('/') ? -1 : undefined).split('/');
}

function branch<Target>(): Branch<Target> {
  return { fixed: new Map(), methods: new Map(), open: undefined };
}
