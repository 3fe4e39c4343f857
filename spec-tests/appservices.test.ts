import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registration, registrationFiles } from './app-service.js';
import { startShard, type Person, type RoomEvent, type Shard } from './harness.js';
import { sealed } from './sealed.js';

// https://spec.matrix.org/v1.19/application-service-api/
const [irc, xmpp] = [registration('irc'), registration('xmpp')];
const token = irc.as_token;
const ghost = '@_irc_ghost:localhost';
const byService = 'm.login.application_service';
const room = (roomId: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${rest}`;

const files = registrationFiles(irc, xmpp);
let shard: Shard;
let alice: Person;

beforeAll(async () => {
  shard = await startShard({ ...files.settings, cloison: { introductions: { per_day: 3, per_week: 3 } } });
  alice = await shard.register('alice');
  await registerUser('_irc_ghost');
  await registerUser('_xmpp_ghost', xmpp.as_token);
});
afterAll(async () => {
  await shard.stop();
  files.remove();
});

function registerUser(username: string, by: string | undefined = token, more: object = {}) {
  return shard.request('POST', '/_matrix/client/v3/register', { ...(by === '' ? {} : { token: by }), body: { type: byService, username, inhibit_login: true, ...more } });
}

const whoAmI = (query: Record<string, string>, by = token) => shard.request('GET', '/_matrix/client/v3/account/whoami', { token: by, query });
const refused = (status: number, errcode: string) => ({ status, body: { errcode } });

/** A room of Alice's that the ghost has joined, invited as everybody is. */
async function sharedRoom(): Promise<string> {
  const roomId = await shard.createRoom(alice);
  await shard.request('POST', room(roomId, 'invite'), { token: alice.token, body: { user_id: ghost } });
  expect(await shard.request('POST', room(roomId, 'join'), { token, query: { user_id: ghost }, body: {} })).toMatchObject({ status: 200 });
  return roomId;
}

describe('identity assertion', () => {
  it('"If the parameter is missing, the homeserver is to assume the application service intends to act as the user implied by the sender_localpart"', async () => {
    expect(await whoAmI({})).toMatchObject({ status: 200, body: { user_id: '@irc-bot:localhost' } });
  });

  it('"The user specified in the query string must be covered by one of the application service\'s user namespaces"', async () => {
    expect(await whoAmI({ user_id: ghost })).toMatchObject({ status: 200, body: { user_id: ghost } });
    for (const user_id of [alice.userId, '@nobody:localhost', '@_xmpp_ghost:localhost', '@xmpp-bot:localhost', '@_irc_ghost:elsewhere.example', '@_irc_unregistered:localhost']) {
      expect([user_id, await whoAmI({ user_id })]).toMatchObject([user_id, refused(403, 'M_FORBIDDEN')]);
    }
    expect(await whoAmI({ user_id: 'ghost' })).toMatchObject(refused(400, 'M_INVALID_PARAM'));
  });

  it('"If the given device ID is not known to belong to the user, the server will return a 400 M_UNKNOWN_DEVICE error"', async () => {
    expect(await whoAmI({ user_id: ghost, device_id: 'NOWHERE' })).toMatchObject(refused(400, 'M_UNKNOWN_DEVICE'));
    const { body } = await shard.request('POST', '/_matrix/client/v3/login', { token, body: { type: byService, identifier: { type: 'm.id.user', user: '_irc_ghost' }, device_id: 'KNOWN' } });
    expect(await whoAmI({ user_id: ghost, device_id: 'KNOWN' })).toMatchObject({ body: { user_id: ghost, device_id: 'KNOWN' } });
    expect(await whoAmI({ user_id: alice.userId }, String(body['access_token']))).toMatchObject({ body: { user_id: ghost } });
  });

  it('is for the tokens of services alone (B14)', async () => {
    expect(await whoAmI({ user_id: ghost }, alice.token)).toMatchObject({ body: { user_id: alice.userId } });
    for (const wrong of [irc.hs_token, `${token}x`, token.slice(1)]) expect(await whoAmI({}, wrong)).toMatchObject(refused(401, 'M_UNKNOWN_TOKEN'));
  });
});

describe('server admin style permissions', () => {
  it('"Application services which attempt to create users outside of their defined namespaces … will receive an error code M_EXCLUSIVE"', async () => {
    for (const name of ['bob', 'alice', '_xmpp_other', 'xmpp-bot']) expect([name, await registerUser(name)]).toMatchObject([name, refused(400, 'M_EXCLUSIVE')]);
    expect(await registerUser('_irc_ghost')).toMatchObject(refused(400, 'M_USER_IN_USE'));
    expect(await registerUser('irc-bot')).toMatchObject(refused(400, 'M_USER_IN_USE'));
  });

  it('"If /register or /login is called … without a valid as_token, the endpoints will return … M_MISSING_TOKEN or M_UNKNOWN_TOKEN"', async () => {
    expect(await registerUser('_irc_other', '')).toMatchObject(refused(401, 'M_MISSING_TOKEN'));
    expect(await registerUser('_irc_other', alice.token)).toMatchObject(refused(401, 'M_UNKNOWN_TOKEN'));
    const logIn = (user: string, by?: string) =>
      shard.request('POST', '/_matrix/client/v3/login', { ...(by === undefined ? {} : { token: by }), body: { type: byService, identifier: { type: 'm.id.user', user } } });
    expect(await logIn(ghost)).toMatchObject(refused(401, 'M_MISSING_TOKEN'));
    expect(await logIn(ghost, alice.token)).toMatchObject(refused(401, 'M_UNKNOWN_TOKEN'));
    for (const user of [alice.userId, '@_xmpp_ghost:localhost']) expect(await logIn(user, token)).toMatchObject(refused(400, 'M_EXCLUSIVE'));
    expect(await logIn('@_irc_unregistered:localhost', token)).toMatchObject(refused(403, 'M_FORBIDDEN'));
    const { status, body } = await logIn('_irc_ghost', token);
    expect([status, body['user_id']]).toEqual([200, ghost]);
    expect(await whoAmI({}, String(body['access_token']))).toMatchObject({ body: { user_id: ghost } });
  });

  it('"Application services can use the PUT … devices/{deviceId} endpoint to create new devices", for their own users alone', async () => {
    const put = (by: string, query: Record<string, string>, device: string, body: object = {}) => shard.request('PUT', `/_matrix/client/v3/devices/${device}`, { token: by, query, body });
    expect(await put(token, { user_id: ghost }, 'MADE', { display_name: 'Bridge' })).toMatchObject({ status: 201, body: {} });
    expect(await put(token, { user_id: ghost }, 'MADE')).toMatchObject({ status: 200 });
    expect(await whoAmI({ user_id: ghost, device_id: 'MADE' })).toMatchObject({ body: { user_id: ghost, device_id: 'MADE' } });
    const made = await shard.request('GET', '/_matrix/client/v3/devices/MADE', { token, query: { user_id: ghost } });
    expect(made.body).toMatchObject({ device_id: 'MADE', display_name: 'Bridge' });
    expect(await put(alice.token, {}, 'MADE')).toMatchObject(refused(404, 'M_NOT_FOUND'));
    expect(await put(token, { user_id: alice.userId }, 'MADE')).toMatchObject(refused(403, 'M_FORBIDDEN'));
    expect(await shard.request('DELETE', '/_matrix/client/v3/devices/MADE', { token, query: { user_id: ghost } })).toMatchObject({ status: 200 });
    expect(await whoAmI({ user_id: ghost, device_id: 'MADE' })).toMatchObject(refused(400, 'M_UNKNOWN_DEVICE'));
  });

  it('are no administrator\'s', async () => {
    const path = `/_matrix/client/v1/admin/lock/${encodeURIComponent(alice.userId)}`;
    expect(await shard.request('PUT', path, { token, body: { locked: true } })).toMatchObject(refused(403, 'M_FORBIDDEN'));
    const password = { new_password: 'a new password' };
    expect(await shard.request('POST', '/_matrix/client/v3/account/password', { token, query: { user_id: ghost }, body: password })).toMatchObject({ status: 401 });
  });
});

describe('the rules are the same for services (B14)', () => {
  it('no public rooms, no plaintext, no rooms of others', async () => {
    const as = { token, query: { user_id: ghost } };
    const roomId = await sharedRoom();
    const theirs = await shard.createRoom(alice);
    const before = shard.stored();
    const tries = [
      ['POST', '/_matrix/client/v3/createRoom', { visibility: 'public' }],
      ['POST', '/_matrix/client/v3/createRoom', { preset: 'public_chat' }],
      ['PUT', room(roomId, 'send/m.room.message/m1'), { msgtype: 'm.text', body: 'hello' }],
      ['PUT', room(theirs, 'send/m.room.encrypted/m2'), sealed()],
      ['PUT', room(theirs, 'state/m.room.topic/'), { topic: 'x' }],
      ['POST', room(theirs, 'join'), {}],
      ['PUT', room(roomId, `state/m.room.member/${encodeURIComponent(alice.userId)}`), { membership: 'join' }],
    ] as const;
    for (const [method, path, body] of tries) {
      for (const ts of [undefined, 1]) {
        const query = ts === undefined ? as.query : { ...as.query, ts };
        expect([path, (await shard.request(method, path, { token, query, body })).status]).toEqual([path, 403]);
      }
    }
    expect((await shard.request('GET', room(theirs, 'messages?dir=b'), as)).status).toBe(403);
    expect(shard.stored()).toEqual(before);
  });

  it('one allowance of new people for all users of a service', async () => {
    for (const name of ['_irc_one', '_irc_two']) await registerUser(name);
    const ask = (user_id: string, number: number) => shard.request('POST', '/_matrix/client/v3/user_directory/search', {
      token, query: { user_id }, body: { search_term: `@stranger${number}:localhost` },
    });
    const statuses: number[] = [];
    for (const number of [1, 2, 3, 4]) statuses.push((await ask(number % 2 === 0 ? '@_irc_one:localhost' : '@_irc_two:localhost', number)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const others = await shard.request('POST', '/_matrix/client/v3/user_directory/search', { token: alice.token, body: { search_term: '@stranger5:localhost' } });
    expect(others.status).toBe(200);
  });
});

describe('room aliases', () => {
  const aliasPath = (alias: string) => `/_matrix/client/v3/directory/room/${encodeURIComponent(alias)}`;
  const exclusive = refused(400, 'M_EXCLUSIVE');
  const name = (alias: string, roomId: string, by = token, query: Record<string, string> = { user_id: ghost }) =>
    shard.request('PUT', aliasPath(alias), { token: by, query, body: { room_id: roomId } });
  const unname = (alias: string, by = token, query: Record<string, string> = { user_id: ghost }) => shard.request('DELETE', aliasPath(alias), { token: by, query });

  it('"normal users who attempt to create … aliases inside an application service-defined namespace will receive the same M_EXCLUSIVE error code"', async () => {
    const roomId = await shard.createRoom(alice);
    const before = shard.stored();
    expect(await name('#_irc_taken:localhost', roomId, alice.token, {})).toMatchObject(exclusive);
    expect(await shard.request('POST', '/_matrix/client/v3/createRoom', { token: alice.token, body: { room_alias_name: '_irc_taken' } })).toMatchObject(exclusive);
    expect(shard.stored()).toEqual(before);
    expect(await name('#irc_free:localhost', roomId, alice.token, {})).toMatchObject({ status: 200 });
  });

  it('"Application services which attempt to create … aliases outside of their defined namespaces … will receive an error code M_EXCLUSIVE"', async () => {
    const roomId = await sharedRoom();
    for (const alias of ['#_xmpp_room:localhost', '#anything:localhost']) expect([alias, await name(alias, roomId)]).toMatchObject([alias, exclusive]);
    const create = (room_alias_name: string) => shard.request('POST', '/_matrix/client/v3/createRoom', { token, query: { user_id: ghost }, body: { room_alias_name } });
    expect(await create('_xmpp_room')).toMatchObject(exclusive);
    expect(await create('_irc_made')).toMatchObject({ status: 200 });
    expect(await name('#_irc_named:localhost', roomId)).toMatchObject({ status: 200 });
  });

  it('"An exclusive namespace prevents humans and other application services from creating/deleting entities in that namespace"', async () => {
    const roomId = await sharedRoom();
    expect(await name('#_irc_kept:localhost', roomId)).toMatchObject({ status: 200 });
    for (const alias of ['#_irc_kept:localhost', '#_irc_missing:localhost']) {
      expect([alias, await unname(alias, alice.token, {})]).toMatchObject([alias, exclusive]);
      expect([alias, await unname(alias, xmpp.as_token, { user_id: '@_xmpp_ghost:localhost' })]).toMatchObject([alias, exclusive]);
    }
    // The service itself: any of its users who is in the room, whichever of them made it.
    await registerUser('_irc_second');
    const second = { user_id: '@_irc_second:localhost' };
    expect(await unname('#_irc_kept:localhost', token, second)).toMatchObject(refused(404, 'M_NOT_FOUND'));
    await shard.request('POST', room(roomId, 'invite'), { token: alice.token, body: second });
    await shard.request('POST', room(roomId, 'join'), { token, query: second, body: {} });
    expect(await unname('#_irc_kept:localhost', token, second)).toMatchObject({ status: 200 });
  });

  it('resolve for those in the room alone, services included (A8)', async () => {
    await name('#_irc_sealed:localhost', await sharedRoom());
    const resolve = (by: string, user_id: string) => shard.request('GET', aliasPath('#_irc_sealed:localhost'), { token: by, query: { user_id } });
    expect(await resolve(token, ghost)).toMatchObject({ status: 200 });
    expect(await resolve(token, '@irc-bot:localhost')).toMatchObject(refused(404, 'M_NOT_FOUND'));
    expect(await resolve(xmpp.as_token, '@_xmpp_ghost:localhost')).toMatchObject(refused(404, 'M_NOT_FOUND'));
  });
});

describe('timestamp massaging', () => {
  const eventOf = async (roomId: string, eventId: unknown) =>
    (await shard.request<RoomEvent>('GET', room(roomId, `event/${encodeURIComponent(String(eventId))}`), { token: alice.token })).body;

  it('"the caller can append a ts query string argument to change the origin_server_ts of the resulting event"', async () => {
    const roomId = await sharedRoom();
    const query = { user_id: ghost, ts: 1_000 };
    const sent = await shard.request('PUT', room(roomId, 'send/m.room.encrypted/ts1'), { token, query, body: sealed() });
    const joined = await shard.request('PUT', room(roomId, `state/m.room.member/${encodeURIComponent(ghost)}`), { token, query, body: { membership: 'join', displayname: 'Ghost' } });
    for (const { body } of [sent, joined]) expect(await eventOf(roomId, body['event_id'])).toMatchObject({ sender: ghost, origin_server_ts: 1_000 });
    const usual = await shard.request('PUT', room(roomId, 'send/m.room.encrypted/ts2'), { token, query: { user_id: ghost }, body: sealed() });
    expect((await eventOf(roomId, usual.body['event_id'])).origin_server_ts).toBeGreaterThan(1e12);
  });

  it('"Attempting to set the timestamp to anything other than what is accepted by origin_server_ts should be rejected … as a bad request"', async () => {
    const roomId = await sharedRoom();
    for (const ts of ['-1', 'yesterday', '1.5', '9007199254740993']) {
      const { status } = await shard.request('PUT', room(roomId, 'send/m.room.encrypted/ts3'), { token, query: { user_id: ghost, ts }, body: sealed(), malformed: true });
      expect([ts, status]).toEqual([ts, 400]);
    }
  });

  it('is not for people, nor for what a service\'s user does with a token of its own', async () => {
    const roomId = await sharedRoom();
    const { body: own } = await shard.request('POST', '/_matrix/client/v3/login', { token, body: { type: byService, identifier: { type: 'm.id.user', user: '_irc_ghost' } } });
    for (const by of [alice.token, String(own['access_token'])]) {
      const { body } = await shard.request('PUT', room(roomId, 'send/m.room.encrypted/ts4'), { token: by, query: { ts: 1_000 }, body: sealed() });
      expect((await eventOf(roomId, body['event_id'])).origin_server_ts).toBeGreaterThan(1e12);
    }
  });
});
