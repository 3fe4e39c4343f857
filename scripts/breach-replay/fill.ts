import { createHmac, randomBytes } from 'node:crypto';
import { each, must, path } from './http.js';
import { fillRooms } from './fill-rooms.js';
import { tell } from './fill-timelines.js';
import type { Ministry, Person, Size } from './ministry.js';
import type { Target } from './servers.js';

/** The victim's people come from the first of the list, the rest of the ministry from all of it. */
const CLOSE_SHARE = 0.08;
const FEWEST_CLOSE = 4;

/** Fills a fresh server with a small ministry, through the API that everybody uses. */
export async function fill(target: Target, size: Size): Promise<Ministry> {
  const close = Math.max(FEWEST_CLOSE, Math.round(size.users * CLOSE_SHARE));
  if (size.users < close + 6 || size.rooms < 16) throw new Error('a ministry has at least 12 users and 16 rooms');
  const run = randomBytes(3).toString('hex');
  const accounts = await each(Array.from({ length: size.users }, (_, i) => `agent-${run}-${i}`), (localpart) => register(target, localpart));
  const [first] = accounts;
  if (first === undefined) throw new Error('a ministry without people');
  const { plans, sentences } = await fillRooms(target, { accounts, close, count: size.rooms, run });
  const acquainted = new Set(plans.filter(({ isOwn }) => isOwn).flatMap(({ known }) => known.map(({ userId }) => userId)));
  const people = accounts.map((person) => ({ ...person, isOwn: acquainted.has(person.userId) }));
  const personOf = new Map(people.map((person) => [person.userId, person]));
  const known = (person: Person): Person => personOf.get(person.userId) ?? person;
  const told = await tell(target, plans, size);
  return {
    serverName: first.userId.slice(first.userId.indexOf(':') + 1),
    victim: known(first),
    people,
    rooms: told.rooms,
    messages: told.messages,
    files: told.files,
    howFilled: [
      `${people.length} people, registered by the operators, each with a display name, device keys and three one-time keys`,
      ...sentences, ...told.sentences,
      `the victim is in ${plans.filter(({ isOwn }) => isOwn).length} rooms: a member of one, joined later in one, gone from one, kicked from one, invited to one`,
    ],
  };
}

async function register({ baseUrl, sharedSecret }: Target, localpart: string): Promise<Person> {
  const { nonce } = await must<{ nonce: string }>(baseUrl, 'GET', '/_synapse/admin/v1/register');
  const password = `the password of ${localpart}`;
  const mac = createHmac('sha1', sharedSecret).update([nonce, localpart, password, 'notadmin'].join('\0')).digest('hex');
  const answer = await must<{ user_id: string; access_token: string; device_id: string }>(baseUrl, 'POST', '/_synapse/admin/v1/register', {
    body: { nonce, username: localpart, password, admin: false, mac },
  });
  const { user_id: userId, access_token: token, device_id: deviceId } = answer;
  const displayName = `Agent ${randomBytes(8).toString('hex')}`;
  await must(baseUrl, 'PUT', path`/_matrix/client/v3/profile/${userId}/displayname`, { token, body: { displayname: displayName } });
  const [identityKey = '', signingKey = '', ...oneTimeKeys] = Array.from({ length: 5 }, newKey);
  const signatures = { [userId]: { [`ed25519:${deviceId}`]: randomBytes(64).toString('base64').replace(/=+$/, '') } };
  await must(baseUrl, 'POST', '/_matrix/client/v3/keys/upload', {
    token,
    body: {
      device_keys: {
        user_id: userId, device_id: deviceId, algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
        keys: { [`curve25519:${deviceId}`]: identityKey, [`ed25519:${deviceId}`]: signingKey }, signatures,
      },
      one_time_keys: Object.fromEntries(oneTimeKeys.map((key, i) => [`signed_curve25519:AAAAA${i}`, { key, signatures }])),
    },
  });
  return { userId, localpart, token, deviceId, displayName, identityKey, oneTimeKeys, isOwn: false };
}

function newKey(): string {
  return randomBytes(32).toString('base64').replace(/=+$/, '');
}
