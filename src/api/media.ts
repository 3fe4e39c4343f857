import { mediaConfig } from '../media/config.js';
import { downloadMedia } from '../media/download.js';
import { getThumbnail, ThumbnailQuery } from '../media/thumbnail.js';
import { createMedia, uploadAnnounced, uploadMedia, UploadQuery } from '../media/upload.js';
import { get, post, put, session, type Endpoint } from './endpoint.js';

/** https://spec.matrix.org/v1.19/client-server-api/#content-repository. The unauthenticated ways of old are no rows. */
export const mediaApi: readonly Endpoint[] = [
  post('/_matrix/media/v3/upload', session, { query: UploadQuery, stream: true }, uploadMedia),
  post('/_matrix/media/v1/create', session, { limit: 'createMedia' }, createMedia),
  put('/_matrix/media/v3/upload/:serverName/:mediaId', session, { query: UploadQuery, stream: true }, uploadAnnounced),
  get('/_matrix/media/v3/config', session, {}, mediaConfig),
  get('/v1/media/config', session, {}, mediaConfig),
  get('/v1/media/download/:serverName/:mediaId', session, {}, downloadMedia),
  get('/v1/media/download/:serverName/:mediaId/:fileName', session, {}, downloadMedia),
  get('/v1/media/thumbnail/:serverName/:mediaId', session, { query: ThumbnailQuery }, getThumbnail),
];
