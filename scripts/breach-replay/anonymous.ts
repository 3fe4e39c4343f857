import { isOk, probe, type Attack } from './attack.js';
import { each, path } from './http.js';
import { hintOf, personThing } from './ministry.js';
import type { Thief } from './thief.js';

const V3 = '/_matrix/client/v3';

/** What needs no account: guests, what the server tells anybody about who exists, and what it takes from other servers (RULES A5, D7). */
export const anonymousAttacks: readonly Attack[] = [
  {
    rule: 'A5', path: `POST ${V3}/register?kind=guest`, reachedBy: 'nobody',
    async run(thief, { rooms }) {
      const { body } = await thief.ask('POST', `${V3}/register?kind=guest`, { body: {}, bare: true });
      const token = body['access_token'];
      if (typeof token !== 'string') return;
      thief.took({ kind: 'doors', id: 'guest', isOwn: false, isInClear: true });
      await each(rooms, ({ roomId }) => thief.ask('GET', path`/_matrix/client/v3/rooms/${roomId}/messages?dir=b&limit=1000&access_token=${token}`, { bare: true }));
    },
  },
  oracle(`GET ${V3}/register/available?username={localpart}`, (thief, localpart) =>
    thief.ask('GET', path`/_matrix/client/v3/register/available?username=${localpart}`, { bare: true })),
  oracle(`POST ${V3}/register {username}`, (thief, username) =>
    thief.ask('POST', `${V3}/register`, { body: { username, password: 'a wrong one, and long enough' }, bare: true })),
  oracle(`POST ${V3}/login {a wrong password}`, (thief, user) =>
    thief.ask('POST', `${V3}/login`, { body: { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password: 'a wrong one' }, bare: true })),
  oracle(`POST ${V3}/account/password/email/requestToken`, (thief, name) =>
    thief.ask('POST', `${V3}/account/password/email/requestToken`, { body: { client_secret: 'secret', email: `${name}@localhost`, send_attempt: 1 }, bare: true })),
  probe('A7', 'GET /_matrix/federation/v1/publicRooms', 'nobody', { over: 'once' }),
  probe('A8', 'GET /_matrix/federation/v1/query/directory?room_alias={alias}', 'nobody', { over: 'rooms' }),
  probe('A9', 'GET /_matrix/federation/v1/hierarchy/{roomId}', 'nobody', { over: 'rooms' }),
  probe('D9', 'GET /_matrix/federation/v1/event/{eventId}', 'nobody', { over: 'messages' }),
  probe('D9', 'GET /_matrix/federation/v1/backfill/{roomId}?v={eventId}&limit=100', 'nobody', { over: 'messages' }),
  probe('D9', 'GET /_matrix/federation/v1/state/{roomId}?event_id={eventId}', 'nobody', { over: 'messages' }),
  probe('A12', 'GET /_matrix/federation/v1/make_join/{roomId}/@thief:elsewhere.example?ver=11', 'nobody', { over: 'rooms', breach: isOk }),
];

/** Somebody who exists is found out when nobody is answered otherwise. Times are measured in a test of their own. */
function oracle(name: string, ask: (thief: Thief, localpart: string) => Promise<{ status: number; bytes: Buffer }>): Attack {
  return {
    rule: 'D7', path: name, reachedBy: 'nobody',
    async run(thief, { people }) {
      const answerTo = async (localpart: string): Promise<string> => {
        const { status, bytes } = await ask(thief, localpart);
        return `${status} ${bytes.toString().replaceAll(localpart, '').replace(/"session":"[^"]*"/, '')}`;
      };
      const forNobody = await answerTo('agent-that-nobody-is');
      await each(people, async (person) => {
        if (await answerTo(person.localpart) !== forNobody) thief.took(hintOf(personThing(person)));
      });
    },
  };
}
