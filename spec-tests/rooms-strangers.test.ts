import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { allEndpoints, fillPath, smallest, type Endpoint } from './endpoints.js';
import { startShard, type Person, type Shard } from './harness.js';
import { sendRaw } from './raw-http.js';
import { roomCalls } from './rooms-calls.js';
import { sealed } from './sealed.js';

// "The same answer for a room one is not in as for a room that does not exist": what nobody can tell, a stolen account cannot list.
let shard: Shard;
let eve: Person;
let bob: Person;
let theirs: { readonly roomId: string; readonly alias: string; readonly eventId: string };
const nowhere = { roomId: '!nosuchroom:localhost', alias: '#nosuchroom:localhost', eventId: '$none' };
beforeAll(async () => {
  shard = await startShard({ max_event_delay_duration: '24h' });
  const [alice, mallory, robert] = [await shard.register(), await shard.register(), await shard.register()];
  [eve, bob] = [mallory, robert];
  const roomId = await shard.createRoom(alice, [bob], { room_alias_name: 'theirs', name: 'Theirs', topic: 'a topic' });
  theirs = { roomId, alias: '#theirs:localhost', eventId: await roomCalls(shard).say(alice, roomId) };
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

const endpoints = allEndpoints().filter(({ path, who }) => who === 'session' && /:(roomId|roomAlias|roomIdOrAlias)\b/.test(path));

describe('to strangers a room is as one that does not exist', () => {
  it.each(endpoints.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))('%s', async (_, endpoint) => {
    for (const target of ['roomId', 'alias'] as const) {
      expect(await asked(endpoint, theirs, target)).toEqual(await asked(endpoint, nowhere, target));
    }
  });

  const long = 'x'.repeat(600);
  it.each([
    ['a membership of one’s own', 'm.room.member', '@SELF', { membership: 'join' }],
    ['a knock', 'm.room.member', '@SELF', { membership: 'knock' }],
    ['a leave', 'm.room.member', '@SELF', { membership: 'leave' }],
    ['a membership with a long reason', 'm.room.member', '@SELF', { membership: 'join', reason: long }],
    ['a membership that is none', 'm.room.member', '@SELF', { membership: 'guest' }],
    ['an invitation of a member', 'm.room.member', '@BOB', { membership: 'invite' }],
    ['a kick', 'm.room.member', '@BOB', { membership: 'leave' }],
    ['a member that is no user', 'm.room.member', 'nobody', { membership: 'invite' }],
    ['a long name', 'm.room.name', '', { name: long }],
    ['a public join rule', 'm.room.join_rules', '', { join_rule: 'public' }],
    ['an unknown room let in', 'm.room.join_rules', '', { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: '!x:y' }] }],
    ['a looser encryption', 'm.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2', rotation_period_msgs: 100 }],
    ['an alias of elsewhere', 'm.room.canonical_alias', '', { alias: '#elsewhere:localhost' }],
    ['a second creation', 'm.room.create', '', {}],
  ])('state: %s, now and later', async (_, type, stateKey, content) => {
    const key = encodeURIComponent(stateKey.replace('@SELF', eve.userId).replace('@BOB', bob.userId));
    for (const query of ['', '?org.matrix.msc4140.delay=1000']) {
      const set = (roomId: string) => raw('PUT', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state/${type}/${key}${query}`, content);
      const answer = await set(theirs.roomId);
      expect(answer).toEqual(await set(nowhere.roomId));
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
  });

  it.each(['join', 'knock'])('%s with a long reason', async (way) => {
    const enter = (roomId: string) => raw('POST', `/_matrix/client/v3/${way}/${encodeURIComponent(roomId)}`, { reason: long });
    expect(await enter(theirs.roomId)).toEqual(await enter(nowhere.roomId));
  });
});

it('nobody is invited by state more often than by the endpoint for it', async () => {
  const other = await startShard({ rc_invites: { per_user: { per_second: 0.001, burst_count: 2 } } });
  const [inviter, invited] = [await other.register(), await other.register()];
  const statuses: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    const room = await other.createRoom(inviter);
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/m.room.member/${encodeURIComponent(invited.userId)}`;
    statuses.push((await other.request('PUT', path, { token: inviter.token, body: { membership: 'invite' } })).status);
  }
  expect(statuses).toEqual([200, 200, 429]);
  await other.stop();
});

/** The endpoint asked about a place, in as well formed a request as can be made without knowing more. */
async function asked(endpoint: Endpoint, place: typeof theirs, target: 'roomId' | 'alias'): Promise<unknown> {
  const values: Readonly<Record<string, string>> = {
    roomId: place.roomId, roomAlias: place.alias, roomIdOrAlias: place[target], eventId: place.eventId, userId: eve.userId,
    eventType: endpoint.path.includes('/send/') ? 'm.room.encrypted' : 'm.room.topic', receiptType: 'm.read', relType: 'm.thread', txnId: 'stranger',
  };
  const words: Readonly<Record<string, string>> = { user_id: bob.userId, room_id: place.roomId, new_version: '11', dir: 'b', from: 's1', to: 's1' };
  const { body, query } = endpoint.schemas;
  const pairs = new URLSearchParams(query === undefined ? {} : (smallest(query, (name) => words[name] ?? 'text') as Record<string, string>)).toString();
  const path = fillPath(endpoint.paths[0], (name) => values[name] ?? 'none') + (pairs === '' ? '' : `?${pairs}`);
  const content = endpoint.path.includes('/send/') ? sealed() : body === undefined ? undefined : (smallest(body, (name) => words[name] ?? 'text') as object);
  return raw(endpoint.method, path, content);
}

async function raw(method: string, target: string, body: object | undefined): Promise<{ status: number; text: string }> {
  const { status, text } = await sendRaw(shard.baseUrl, { method, target, token: eve.token, body: body === undefined ? undefined : JSON.stringify(body) });
  return { status, text };
}
