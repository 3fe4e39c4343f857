import { isOk, probe, type Attack } from './attack.js';

const SYNAPSE = '/_synapse/admin';

/** Administration, by somebody who is no administrator (RULES C6, A12). */
export const administrationAttacks: readonly Attack[] = [
  probe('C6', `GET ${SYNAPSE}/v2/users?limit=1000`, 'nobody', { over: 'once' }),
  probe('C6', `GET ${SYNAPSE}/v1/rooms?limit=1000`, 'nobody', { over: 'once' }),
  probe('C6', `GET ${SYNAPSE}/v2/users/{userId}`, 'nobody', { over: 'people', breach: isOk }),
  probe('C6', `POST ${SYNAPSE}/v1/users/{userId}/login`, 'nobody', { over: 'people', body: () => ({}), breach: isOk }),
  probe('C6', `GET ${SYNAPSE}/v1/users/{userId}/joined_rooms`, 'nobody', { over: 'people', breach: isOk }),
  probe('C6', `GET ${SYNAPSE}/v1/rooms/{roomId}`, 'nobody', { over: 'rooms', breach: isOk }),
  probe('C6', `GET ${SYNAPSE}/v1/rooms/{roomId}/messages?dir=b`, 'nobody', { over: 'rooms' }),
  probe('C6', `GET ${SYNAPSE}/v1/rooms/{roomId}/members`, 'nobody', { over: 'rooms' }),
  probe('A12', `POST ${SYNAPSE}/v1/join/{roomId}`, 'nobody', { over: 'rooms', body: ({ me = '' }) => ({ user_id: me }), breach: isOk }),
  probe('A12', `POST ${SYNAPSE}/v1/rooms/{roomId}/make_room_admin`, 'nobody', { over: 'rooms', body: () => ({}), breach: isOk }),
  probe('C6', 'GET /_matrix/client/v3/admin/whois/{userId}', 'nobody', { over: 'people', breach: isOk }),
  probe('C6', 'GET /_matrix/client/v1/admin/lock/{userId}', 'nobody', { over: 'people', breach: isOk }),
];
