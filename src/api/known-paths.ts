import type { Method } from './endpoint.js';

/**
 * Paths of the specification that this server knows without serving them: asked with the right method they are not there
 * (404), with another the method is wrong (405).
 */
export const knownPaths: readonly { readonly method: Method; readonly path: string }[] = [
  // Log-in by other means than a password
  { method: 'GET', path: '/_matrix/client/v1/auth_metadata' },
  { method: 'POST', path: '/_matrix/client/v1/login/get_token' },
  { method: 'GET', path: '/_matrix/client/v3/login/sso/redirect' },
  // Peeking, and syncing as before /sync (RULES A6)
  { method: 'GET', path: '/_matrix/client/v3/events' },
  { method: 'GET', path: '/_matrix/client/v3/events/:eventId' },
  { method: 'GET', path: '/_matrix/client/v3/initialSync' },
  { method: 'GET', path: '/_matrix/client/v3/rooms/:roomId/initialSync' },
  // Files without a token, and what stands behind links (RULES B12, C1)
  { method: 'GET', path: '/_matrix/client/v1/media/preview_url' },
  { method: 'GET', path: '/_matrix/media/v3/preview_url' },
  { method: 'GET', path: '/_matrix/media/v3/download/:serverName/:mediaId' },
  { method: 'GET', path: '/_matrix/media/v3/download/:serverName/:mediaId/:fileName' },
  { method: 'GET', path: '/_matrix/media/v3/thumbnail/:serverName/:mediaId' },
  // Federation
  { method: 'GET', path: '/_matrix/federation/v1/version' },
  { method: 'GET', path: '/_matrix/key/v2/server' },
  { method: 'POST', path: '/_matrix/key/v2/query' },
  { method: 'GET', path: '/_matrix/key/v2/query/:serverName' },
];
