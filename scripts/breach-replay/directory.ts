import { isOk, probe, type Attack } from './attack.js';
import { each } from './http.js';

const V3 = '/_matrix/client/v3';
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz0123456789'];

/** RULES D: who works here. */
export const directoryAttacks: readonly Attack[] = [
  searches(`POST ${V3}/user_directory/search {a prefix: a-z, 0-9, Agent, agent-}`, 'members', () => [...LETTERS, 'Agent', 'agent-', '@', '@agent-']),
  searches(`POST ${V3}/user_directory/search {the domain}`, 'nobody', (server) => [server, `:${server}`, '*', '%', '_', '']),
  probe('D3', `GET ${V3}/profile/{userId}`, 'members', { over: 'people' }),
  probe('D3', `GET ${V3}/profile/{userId}/displayname`, 'members', { over: 'people' }),
  probe('D3', 'GET /_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}', 'members', { over: 'people' }),
  probe('D3', 'GET /_matrix/federation/v1/query/profile?user_id={userId}', 'nobody', { over: 'people' }),
  probe('D6', `GET ${V3}/presence/{userId}/status`, 'members', { over: 'people', breach: isOk }),
  probe('D6', 'GET /_matrix/client/v1/mutual_rooms?user_id={userId}', 'members', { over: 'people', breach: ({ status, body }) => status === 200 && hasRooms(body) }),
  probe('D6', 'GET /_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms?user_id={userId}', 'members', {
    over: 'people', breach: ({ status, body }) => status === 200 && hasRooms(body),
  }),
  probe('D1', `GET ${V3}/user/{userId}/account_data/m.direct`, 'nobody', { over: 'people', breach: isOk }),
  probe('D1', `PUT ${V3}/user/{userId}/account_data/m.direct`, 'nobody', { over: 'people', body: () => ({}), breach: isOk }),
  probe('D1', `PUT ${V3}/profile/{userId}/displayname`, 'nobody', { over: 'people', body: () => ({ displayname: 'Nobody' }), breach: isOk }),
  probe('D10', `GET ${V3}/thirdparty/user?userid={userId}`, 'nobody', { over: 'people' }),
  probe('D10', `POST ${V3}/account/3pid/email/requestToken`, 'nobody', { over: 'once', body: () => ({ client_secret: 'secret', email: 'a@localhost', send_attempt: 1 }) }),
];

function hasRooms(body: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(body['joined']) && body['joined'].length > 0;
}

function searches(path: string, reachedBy: Attack['reachedBy'], terms: (serverName: string) => readonly string[]): Attack {
  return {
    rule: 'D1', path, reachedBy,
    async run(thief, { ministry }) {
      await each(terms(ministry.serverName), (search_term) => thief.ask('POST', `${V3}/user_directory/search`, { body: { search_term, limit: 1000 } }));
    },
  };
}
