import { types } from 'node:util';
import type { Logger } from 'pino';
import { MatrixError } from '../matrix/errors.js';
import { ClientGone } from './body.js';

/**
 * Turns whatever a request ended with into what the client is told, and tells the operator the rest.
 * Returns nothing when the client has gone: that is no failure, and there is nobody to tell.
 */
export function reportFailure(
  log: Logger,
  error: unknown,
  where: { readonly requestId: string; readonly route: string },
  gone: boolean,
): MatrixError | undefined {
  if (gone && isDeparture(error)) return undefined;
  if (error instanceof MatrixError) {
    if (error.cause !== undefined) log.warn({ ...where, errcode: error.errcode, cause: describe(error.cause) }, 'request refused');
    return error;
  }
  if (isBreach(error)) log.error({ ...where, breach: true, cause: describe(error) }, 'the database refused what a parser let through');
  else log.error({ ...where, cause: describe(error) }, 'request failed');
  return new MatrixError('M_UNKNOWN', `Something went wrong here; the operator finds it as request ${where.requestId}`);
}

/** What waiting for, reading from or writing to somebody who has left ends with. */
function isDeparture(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  if (error instanceof ClientGone || error.name === 'AbortError') return true;
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET'].includes(String(codeOf(error)));
}

/** A CHECK reached at run time, or a trigger that stands for one: SQLite's names for them and PostgreSQL's. */
function isBreach(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  const code = codeOf(error);
  return ['SQLITE_CONSTRAINT_CHECK', 'SQLITE_CONSTRAINT_TRIGGER', '23514'].includes(String(code)) || isBreach(error.cause);
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}

/** Name, code, constraint and stack. Drivers hang the values of a failed row on their errors: those stay out of the log. */
function describe(error: unknown): object {
  if (!types.isNativeError(error)) return { message: typeof error };
  return {
    name: error.name,
    message: error.message,
    code: codeOf(error),
    constraint: 'constraint' in error ? error.constraint : undefined,
    stack: error.stack,
    cause: error.cause === undefined ? undefined : describe(error.cause),
  };
}
