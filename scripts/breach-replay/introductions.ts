import type { Attack } from './attack.js';
import { each, path } from './http.js';
import type { Person } from './ministry.js';
import type { Thief } from './thief.js';

const V3 = '/_matrix/client/v3';

/**
 * RULES D2 and D5: whoever knows a colleague's full id may meet them, a limited number of times a day. Whom these reach is counted apart,
 * and held against that number. They come last, for whoever was introduced is no stranger any more.
 */
export const introductions: readonly Attack[] = [
  {
    rule: 'D2', path: `POST ${V3}/user_directory/search {a full id}`, reachedBy: 'members', introduces: true,
    async run(thief, { people }) {
      await each(people, ({ userId }) => thief.ask('POST', `${V3}/user_directory/search`, { body: { search_term: userId, limit: 10 } }));
      await lookAt(thief, people);
    },
  },
  {
    rule: 'D5', path: `POST ${V3}/rooms/{one's own}/invite, then /members, /profile, /keys/query`, reachedBy: 'members', introduces: true,
    async run(thief, { people }) {
      const { body } = await thief.ask('POST', `${V3}/createRoom`, { body: { preset: 'private_chat' } });
      if (typeof body['room_id'] !== 'string') return;
      const room = path`/_matrix/client/v3/rooms/${body['room_id']}`;
      await each(people, ({ userId }) => thief.ask('POST', `${room}/invite`, { body: { user_id: userId } }));
      await thief.ask('GET', `${room}/members`);
      await lookAt(thief, people);
    },
  },
];

async function lookAt(thief: Thief, people: readonly Person[]): Promise<void> {
  await each(people, async ({ userId }) => {
    await thief.ask('GET', path`/_matrix/client/v3/profile/${userId}`);
    await thief.ask('POST', `${V3}/keys/query`, { body: { device_keys: { [userId]: [] } } });
  });
}
