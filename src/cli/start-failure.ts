import { types } from 'node:util';

type SystemError = Error & { readonly code?: unknown; readonly path?: string; readonly address?: string; readonly port?: number };

/** One sentence for whoever started the program: what is wrong, and where. */
export function explainFailure(cause: unknown): string {
  if (!types.isNativeError(cause)) return 'It failed for an unknown reason.';
  const error = firstOf(cause);
  const { code, path, address, port } = error as SystemError;
  const where = path ?? (address === undefined ? 'a file' : `${address}:${port}`);
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is in use by another program: stop it, or give another port under listeners.`;
    case 'EADDRNOTAVAIL':
      return `${where} is no address of this machine: correct bind_addresses.`;
    case 'EACCES':
    case 'EPERM':
      return address === undefined ? `This user may not use ${where}.` : `This user may not listen on ${where}: ports below 1024 need a right of their own.`;
    case 'ENOENT':
      return `${where} does not exist.`;
    case 'EROFS':
      return `${where} lies on a file system that is read-only.`;
    case 'ENOSPC':
    case 'SQLITE_FULL':
      return 'The disk is full.';
    case 'ECONNREFUSED':
      return `Nothing answers at ${where}: is PostgreSQL running?`;
    case '28P01':
    case '28000':
      return 'PostgreSQL refuses this user or password.';
    case '3D000':
      return `PostgreSQL has no such database: ${oneLine(error.message)}`;
    default:
      return oneLine(error.message);
  }
}

/** The attempts to reach one host by several addresses fail together; the first says enough. */
function firstOf(error: Error): Error {
  const inner: unknown = (error as Partial<AggregateError>).errors?.[0];
  return types.isNativeError(inner) ? inner : error;
}

function oneLine(message: string): string {
  return message.split('\n', 1)[0] || 'It failed for an unknown reason.';
}
