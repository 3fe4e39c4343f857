import type { Method } from './endpoint.js';

/**
 * Paths of the specification that this server knows without serving them: asked with the right method they are not there
 * (404), with another the method is wrong (405).
 */
export const knownPaths: readonly { readonly method: Method; readonly path: string }[] = [
  { method: 'GET', path: '/_matrix/federation/v1/version' },
  { method: 'GET', path: '/_matrix/key/v2/server' },
  { method: 'POST', path: '/_matrix/key/v2/query' },
  { method: 'GET', path: '/_matrix/key/v2/query/:serverName' },
];
