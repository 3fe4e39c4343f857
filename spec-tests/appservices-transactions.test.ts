import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fail, registration, registrationFiles, startAppService, take, type AppService } from './app-service.js';
import { startShard, type Person, type Shard } from './harness.js';
import { sealed } from './sealed.js';

// https://spec.matrix.org/v1.19/application-service-api/#pushing-events
const ghost = '@_irc_ghost:localhost';
const path = (roomId: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${rest}`;

let services: { readonly irc: AppService; readonly xmpp: AppService };
let irc: AppService;
let files: ReturnType<typeof registrationFiles>;
let shard: Shard;
let alice: Person;
let txn = 0;
const registrations = () => ({ irc: registration('irc', services.irc.url), xmpp: registration('xmpp', services.xmpp.url), mute: registration('mute') });

beforeAll(async () => {
  services = { irc: await startAppService(), xmpp: await startAppService() };
  ({ irc } = services);
  files = registrationFiles(...Object.values(registrations()));
  shard = await startShard(files.settings);
  alice = await shard.register('alice');
  for (const [username, { as_token: token }] of [['_irc_ghost', registrations().irc], ['_xmpp_ghost', registrations().xmpp], ['_mute_ghost', registrations().mute]] as const) {
    await shard.request('POST', '/_matrix/client/v3/register', { token, body: { type: 'm.login.application_service', username, inhibit_login: true } });
  }
});
beforeEach(() => {
  irc.answer(take);
});
afterAll(async () => {
  await shard.stop();
  files.remove();
  await Promise.all([irc.stop(), services.xmpp.stop()]);
  expect(shard.failures()).toEqual([]);
});

const asGhost = (method: string, roomId: string, rest: string, body: object = {}) =>
  shard.request(method, path(roomId, rest), { token: registrations().irc.as_token, query: { user_id: ghost }, body });
const asAlice = (method: string, roomId: string, rest: string, body: object = {}) => shard.request(method, path(roomId, rest), { token: alice.token, body });
const invite = (roomId: string, user_id = ghost) => asAlice('POST', roomId, 'invite', { user_id });
const say = async (roomId: string): Promise<string> => String((await asAlice('PUT', roomId, `send/m.room.encrypted/t${(txn += 1)}`, sealed())).body['event_id']);

async function sharedRoom(): Promise<string> {
  const roomId = await shard.createRoom(alice);
  await invite(roomId);
  await asGhost('POST', roomId, 'join');
  return roomId;
}

const idsIn = (roomId: string): readonly string[] => irc.taken().filter(({ room_id }) => room_id === roomId).map(({ event_id }) => event_id);
const arrived = (eventId: string): Promise<void> => irc.until(() => irc.taken().some(({ event_id }) => event_id === eventId));

describe('transactions', () => {
  it('"The homeserver MUST include an Authorization header, containing the hs_token", and nothing of it stands in an address', async () => {
    await arrived(await say(await sharedRoom()));
    for (const { method, url, authorization } of irc.requests) {
      expect([method, authorization]).toEqual(['PUT', `Bearer ${registrations().irc.hs_token}`]);
      expect(url).toMatch(/^\/_matrix\/app\/v1\/transactions\/\d+$/);
    }
  });

  it('hold "a list of events, formatted as per the Client-Server API": sealed as they lie on the server', async () => {
    const roomId = await sharedRoom();
    const content = sealed();
    const { body: { event_id: eventId } } = await asAlice('PUT', roomId, `send/m.room.encrypted/t${(txn += 1)}`, content);
    await arrived(String(eventId));
    expect(irc.taken().find(({ event_id }) => event_id === eventId)).toEqual({
      event_id: eventId, room_id: roomId, type: 'm.room.encrypted', sender: alice.userId, content, origin_server_ts: expect.any(Number), unsigned: { age: expect.any(Number) },
    });
    const text = JSON.stringify(irc.requests);
    for (const never of ['ephemeral', 'to_device', 'm.room.message']) expect(text).not.toContain(`"${never}"`);
  });

  it('"The events sent to the application service should be linearised, as if they were from the event stream"', async () => {
    const [one, two] = [await sharedRoom(), await sharedRoom()];
    const said: string[] = [];
    for (let n = 0; n < 12; n += 1) said.push(await say(n % 3 === 0 ? two : one));
    await arrived(said.at(-1) ?? '');
    expect(irc.taken().map(({ event_id }) => event_id).filter((id) => said.includes(id))).toEqual(said);
  });

  it('"Homeserver retries with the same transaction ID" and "MUST NOT alter (e.g. add more) events", after an error and after a crash', async () => {
    const roomId = await sharedRoom();
    await arrived(await say(roomId));
    const from = irc.requests.length;
    const sent = () => irc.requests.slice(from).map(({ url, body }) => [url, (body.events ?? []).map(({ event_id }) => event_id)]);
    irc.answer(fail);
    const one = await say(roomId);
    await irc.until(() => sent().length >= 1);
    const two = await say(roomId);
    await irc.until(() => sent().length >= 2);
    await new Promise((later) => setTimeout(later, 200));
    await shard.crash();
    const three = await say(roomId);
    irc.answer(take);
    await arrived(three);
    const [first = [], ...others] = sent();
    expect(first[1]).toEqual([one]);
    const again = others.filter(([url]) => url === first[0]);
    expect(again.length).toBeGreaterThanOrEqual(2);
    for (const events of again) expect(events).toEqual(first);
    expect(idsIn(roomId).slice(-3)).toEqual([one, two, three]);
  });
});

describe('of its own rooms only (B14)', () => {
  it('a service hears of the rooms that its users are in, from their joining to their leaving, and of no others', async () => {
    const [roomId, theirs] = [await shard.createRoom(alice), await shard.createRoom(alice)];
    const before = await say(roomId);
    await invite(roomId);
    const meanwhile = await say(roomId);
    await asGhost('POST', roomId, 'join');
    const during = await say(roomId);
    const elsewhere = await say(theirs);
    await asAlice('POST', roomId, 'kick', { user_id: ghost });
    const after = await say(roomId);
    await arrived(await say(await sharedRoom()));
    const heard = irc.taken().filter(({ room_id }) => room_id === roomId);
    expect(heard.map(({ event_id, content }) => content['membership'] ?? event_id)).toEqual(['invite', 'join', during, 'leave']);
    expect(heard.filter(({ type }) => type === 'm.room.member').every(({ state_key }) => state_key === ghost)).toBe(true);
    const all = JSON.stringify(irc.requests);
    for (const eventId of [before, meanwhile, elsewhere, after]) expect(all).not.toContain(eventId);
  });

  it('another service hears nothing of them, and what a room or an alias is called makes no difference', async () => {
    const roomId = await sharedRoom();
    const eventId = await say(roomId);
    const both = await sharedRoom();
    await invite(both, '@_xmpp_ghost:localhost');
    await shard.request('POST', path(both, 'join'), { token: registrations().xmpp.as_token, query: { user_id: '@_xmpp_ghost:localhost' }, body: {} });
    const shared = await say(both);
    await arrived(shared);
    await services.xmpp.until(() => services.xmpp.taken().some(({ event_id }) => event_id === shared));
    expect(JSON.stringify(services.xmpp.requests)).not.toContain(eventId);
    expect(new Set(services.xmpp.taken().map(({ room_id }) => room_id))).toEqual(new Set([both]));
    for (const { authorization } of services.xmpp.requests) expect(authorization).toBe(`Bearer ${registrations().xmpp.hs_token}`);
  });

  it('what is redacted before it is taken is taken without what it said (B16)', async () => {
    const roomId = await sharedRoom();
    await arrived(await say(roomId));
    irc.answer(fail);
    const { body: { event_id: eventId } } = await asAlice('PUT', roomId, `send/m.room.encrypted/t${(txn += 1)}`, sealed());
    const { body: { event_id: redaction } } = await asAlice('PUT', roomId, `redact/${encodeURIComponent(String(eventId))}/t${(txn += 1)}`, { reason: 'a slip' });
    irc.answer(take);
    await arrived(String(redaction));
    const [gone, why] = irc.taken().filter(({ event_id }) => event_id === eventId || event_id === redaction);
    expect(gone).toMatchObject({ event_id: eventId, content: {}, unsigned: { redacted_because: { event_id: redaction, content: { redacts: eventId } } } });
    expect(why).toMatchObject({ type: 'm.room.redaction', content: { redacts: eventId, reason: 'a slip' } });
  });

  it('a service without a url is sent nothing, and reads with /sync', async () => {
    const roomId = await shard.createRoom(alice);
    const as = { token: registrations().mute.as_token, query: { user_id: '@_mute_ghost:localhost' } };
    await invite(roomId, as.query.user_id);
    expect(await shard.request('POST', path(roomId, 'join'), { ...as, body: {} })).toMatchObject({ status: 200 });
    const eventId = await say(roomId);
    const { text } = await shard.request('GET', '/_matrix/client/v3/sync', as);
    expect(text).toContain(eventId);
    expect(JSON.stringify([irc.requests, services.xmpp.requests])).not.toContain(roomId);
  });
});

describe('pinging', () => {
  const ping = (id: string, token: string | undefined, body: object = {}) => shard.request('POST', `/_matrix/client/v1/appservice/${id}/ping`, { token, body });
  const { as_token: token } = registration('irc');

  it('"ensure[s] that the homeserver can communicate with the application service"', async () => {
    expect(await ping('irc', token, { transaction_id: 'meow' })).toMatchObject({ status: 200, body: { duration_ms: expect.any(Number) } });
    expect(irc.requests.at(-1)).toEqual({ method: 'POST', url: '/_matrix/app/v1/ping', authorization: `Bearer ${registrations().irc.hs_token}`, body: { transaction_id: 'meow' } });
    await ping('irc', token);
    expect(irc.requests.at(-1)?.body).toEqual({});
  });

  it('"The access token … doesn\'t belong to an appservice, or belongs to a different appservice": M_FORBIDDEN', async () => {
    for (const [id, by] of [['irc', alice.token], ['xmpp', token], ['nobody', token], ['irc', registration('mute').as_token]] as const) {
      expect([id, await ping(id, by)]).toMatchObject([id, { status: 403, body: { errcode: 'M_FORBIDDEN' } }]);
    }
    expect(await ping('irc', undefined)).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
  });

  it('"The application service doesn\'t have a URL configured": M_URL_NOT_SET', async () => {
    expect(await ping('mute', registration('mute').as_token)).toMatchObject({ status: 400, body: { errcode: 'M_URL_NOT_SET' } });
  });

  it('"The application service returned a bad status": M_BAD_STATUS, with "the HTTP status code and response body text"; no redirection is followed', async () => {
    irc.answer((response) => { response.writeHead(403).end('{"errcode":"M_FORBIDDEN"}'); });
    expect(await ping('irc', token)).toMatchObject({ status: 502, body: { errcode: 'M_BAD_STATUS', status: 403, body: '{"errcode":"M_FORBIDDEN"}' } });
    irc.answer((response) => { response.writeHead(307, { Location: `${services.xmpp.url}/elsewhere` }).end(); });
    expect(await ping('irc', token)).toMatchObject({ status: 502, body: { errcode: 'M_BAD_STATUS', status: 307 } });
    expect(services.xmpp.requests.some(({ url }) => url.includes('elsewhere'))).toBe(false);
  });

  it('"the connection failed": M_CONNECTION_FAILED', async () => {
    irc.answer((response) => { response.destroy(); });
    expect(await ping('irc', token)).toMatchObject({ status: 502, body: { errcode: 'M_CONNECTION_FAILED' } });
  });
});
