import { isOk, probe, type Attack } from './attack.js';
import { each, path } from './http.js';

const V3 = '/_matrix/client/v3';
const V1 = '/_matrix/client/v1';
const SLIDING = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';

/** RULES D8, D9, B12: what was said in rooms one is not in, or was not in at the time. */
export const historyAttacks: readonly Attack[] = [
  probe('D9', `GET ${V3}/rooms/{roomId}/messages?dir=b&limit=1000`, 'members', { over: 'rooms' }),
  probe('D9', `GET ${V3}/rooms/{roomId}/messages?dir=f&limit=1000`, 'members', { over: 'rooms' }),
  probe('D9', `GET ${V3}/rooms/{roomId}/messages?dir=b&limit=1000&access_token={token}`, 'nobody', { over: 'rooms', bare: true }),
  probe('B14', `GET ${V3}/rooms/{roomId}/messages?dir=b&limit=1000&user_id={founder}`, 'members', { over: 'rooms' }),
  probe('D9', `GET ${V3}/rooms/{roomId}/context/{eventId}?limit=100`, 'members', { over: 'messages' }),
  probe('D9', `GET ${V3}/rooms/{roomId}/event/{eventId}`, 'members', { over: 'messages' }),
  probe('D9', `GET ${V1}/rooms/{roomId}/timestamp_to_event?ts=1&dir=f`, 'members', { over: 'rooms', breach: isOk }),
  probe('D9', `GET ${V1}/rooms/{roomId}/relations/{eventId}`, 'members', { over: 'messages', breach: isOk }),
  probe('D9', `GET ${V1}/rooms/{roomId}/relations/{eventId}/m.thread`, 'members', { over: 'messages', breach: isOk }),
  probe('D9', `GET ${V1}/rooms/{roomId}/threads`, 'members', { over: 'rooms', breach: isOk }),
  probe('D9', `GET ${V3}/rooms/{roomId}/state`, 'members', { over: 'rooms' }),
  probe('D9', `GET ${V3}/rooms/{roomId}/state/m.room.name`, 'members', { over: 'rooms' }),
  probe('D9', `GET ${V3}/rooms/{roomId}/state/m.room.name/?format=event`, 'members', { over: 'rooms' }),
  probe('D8', `GET ${V3}/rooms/{roomId}/members`, 'members', { over: 'rooms' }),
  probe('D8', `GET ${V3}/rooms/{roomId}/members?membership=join`, 'members', { over: 'rooms' }),
  probe('D8', `GET ${V3}/rooms/{roomId}/members?at=s999999`, 'members', { over: 'rooms' }),
  probe('D8', `GET ${V3}/rooms/{roomId}/joined_members`, 'members', { over: 'rooms' }),
  probe('B12', `POST ${V3}/search`, 'nobody', { over: 'once', body: () => ({ search_categories: { room_events: { search_term: 'Words' } } }) }),
  probe('B12', `POST ${V3}/search {filter: {rooms}}`, 'nobody', {
    over: 'rooms', body: ({ roomId }) => ({ search_categories: { room_events: { search_term: 'Room', filter: { rooms: [roomId] }, keys: ['content.body', 'content.name'] } } }),
  }),
  probe('D9', `GET ${V3}/notifications?limit=1000`, 'members', { over: 'once' }),
  syncs('members', `GET ${V3}/sync?filter={include_leave}`, { room: { include_leave: true, timeline: { limit: 1000 } } }),
  syncs('members', `GET ${V3}/sync?filter={rooms}`, undefined),
  {
    rule: 'D9', path: `POST ${SLIDING}`, reachedBy: 'members',
    async run(thief, { rooms }) {
      const wanted = { required_state: [['*', '*']], timeline_limit: 100 };
      await each(rooms, ({ roomId }) => thief.ask('POST', SLIDING, { body: { room_subscriptions: { [roomId]: wanted } } }));
      await thief.ask('POST', SLIDING, { body: { lists: { all: { ranges: [[0, 999]], ...wanted } } } });
    },
  },
  {
    rule: 'D9', path: `GET ${V3}/rooms/{roomId}/messages?from={a token of one's own}`, reachedBy: 'members',
    async run(thief, { rooms }) {
      const { body } = await thief.ask('GET', `${V3}/sync?timeout=0`);
      const from = typeof body['next_batch'] === 'string' ? body['next_batch'] : 's1';
      await each(rooms, ({ roomId }) => thief.ask('GET', `${V3}${path`/rooms/${roomId}/messages?dir=b&limit=1000&from=${from}`}`));
    },
  },
];

/** Once, or for each room that the filter then names. */
function syncs(reachedBy: Attack['reachedBy'], name: string, filter: object | undefined): Attack {
  const where = (filters: object): string => `${V3}/sync?timeout=0&full_state=true&filter=${encodeURIComponent(JSON.stringify(filters))}`;
  return {
    rule: 'D9', path: name, reachedBy,
    async run(thief, { rooms }) {
      if (filter !== undefined) await thief.ask('GET', where(filter));
      else await each(rooms, ({ roomId }) => thief.ask('GET', where({ room: { rooms: [roomId], include_leave: true, timeline: { limit: 1000 } } })));
    },
  };
}
