import { randomBytes } from 'node:crypto';
import { probe, type Attack } from './attack.js';
import { each, must, path } from './http.js';
import { personThing } from './ministry.js';

const V3 = '/_matrix/client/v3';

/** RULES D4, B13: the devices of strangers, their keys, and messages to them. */
export const keyAttacks: readonly Attack[] = [
  probe('D4', `POST ${V3}/keys/query`, 'members', { over: 'people', body: ({ userId = '' }) => ({ device_keys: { [userId]: [] } }) }),
  {
    rule: 'D4', path: `POST ${V3}/keys/query {everybody at once}`, reachedBy: 'members',
    async run(thief, { people }) {
      await thief.ask('POST', `${V3}/keys/query`, { body: { device_keys: Object.fromEntries(people.map(({ userId }) => [userId, []])) } });
    },
  },
  probe('D4', `POST ${V3}/keys/claim`, 'members', {
    over: 'people', body: ({ userId = '', deviceId = '' }) => ({ one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } } }),
  }),
  probe('D4', `GET ${V3}/keys/changes?from=s0&to=s999999`, 'members', { over: 'once' }),
  probe('D4', 'GET /_matrix/federation/v1/user/devices/{userId}', 'nobody', { over: 'people' }),
  probe('D4', 'POST /_matrix/federation/v1/user/keys/query', 'nobody', { over: 'people', body: ({ userId = '' }) => ({ device_keys: { [userId]: [] } }) }),
  probe('D4', `GET ${V3}/devices/{deviceId}`, 'nobody', { over: 'people' }),
  probe('D4', `GET ${V3}/room_keys/keys/{roomId}?version=1`, 'nobody', { over: 'rooms' }),
  {
    rule: 'B13', path: `PUT ${V3}/sendToDevice/m.room.encrypted/{txnId}`, reachedBy: 'members',
    async run(thief, { people }) {
      const content = { algorithm: 'm.olm.v1.curve25519-aes-sha2', sender_key: key(), ciphertext: { [key()]: { type: 0, body: `Spam${randomBytes(12).toString('hex')}` } } };
      const messages = Object.fromEntries(people.map(({ userId }) => [userId, { '*': content }]));
      await thief.ask('PUT', path`/_matrix/client/v3/sendToDevice/m.room.encrypted/${randomBytes(6).toString('hex')}`, { body: { messages } });
      // Nothing in the answer tells whom it reached: they do.
      // A filter nobody used before, for Synapse remembers its answers to a first sync for two minutes.
      const filter = encodeURIComponent(JSON.stringify({ room: { rooms: [] }, presence: { not_types: [content.sender_key] } }));
      await each(people, async (person) => {
        const sync = await must<object>(thief.baseUrl, 'GET', `${V3}/sync?timeout=0&filter=${filter}`, { token: person.token });
        if (JSON.stringify(sync).includes(content.sender_key)) thief.took(personThing(person));
      });
    },
  },
];

function key(): string {
  return randomBytes(32).toString('base64').replace(/=+$/, '');
}
