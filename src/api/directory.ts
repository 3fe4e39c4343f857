import { listMutualRooms, MutualRoomsQuery } from '../directory/mutual-rooms.js';
import { searchDirectory, UserSearchBody } from '../directory/search.js';
import { findNothing, listNetworks } from '../directory/third-party-networks.js';
import { get, post, session, type Endpoint } from './endpoint.js';

/** https://spec.matrix.org/v1.19/client-server-api/#user-directory */
export const directoryApi: readonly Endpoint[] = [
  post('/v3/user_directory/search', session, { body: UserSearchBody, limit: 'searchUsers' }, searchDirectory),
  get('/v1/mutual_rooms', session, { query: MutualRoomsQuery, aliases: ['/unstable/uk.half-shot.msc2666/user'] }, listMutualRooms),

  // Third-party networks, of which there are none
  get('/v3/thirdparty/protocols', session, {}, listNetworks),
  get('/v3/thirdparty/location/:protocol', session, {}, findNothing),
  get('/v3/thirdparty/user/:protocol', session, {}, findNothing),
];
