import { mediaConfig } from '../media/config.js';
import { downloadMedia } from '../media/download.js';
import { thumbnail } from '../media/thumbnail.js';
import { uploadMedia, UploadQuery } from '../media/upload.js';
import { get, post, session, type Endpoint } from './endpoint.js';

/** https://spec.matrix.org/v1.19/client-server-api/#content-repository. The unauthenticated ways of old are no rows. */
export const mediaApi: readonly Endpoint[] = [
  post('/_matrix/media/v3/upload', session, { query: UploadQuery, stream: true }, uploadMedia),
  get('/_matrix/media/v3/config', session, {}, mediaConfig),
  get('/v1/media/config', session, {}, mediaConfig),
  get('/v1/media/download/:serverName/:mediaId', session, {}, downloadMedia),
  get('/v1/media/download/:serverName/:mediaId/:fileName', session, {}, downloadMedia),
  get('/v1/media/thumbnail/:serverName/:mediaId', session, {}, thumbnail),
];
