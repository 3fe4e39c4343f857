import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Shard } from './harness.js';
import { sealed } from './sealed.js';
import { deliberatelyOdd } from './spec-events.js';
import { specificationAtHand } from './spec-schemas.js';

const violations = specificationAtHand();

(violations === undefined ? describe.skip : describe)('the specification at hand', () => {
  const answer = (answered: object, status = 200) =>
    violations?.({ method: 'GET', path: '/_matrix/client/r0/joined_rooms', sent: undefined, status, answered });

  it('passes an answer as it describes it', () => {
    expect(answer({ joined_rooms: ['!a:b'] })).toEqual([]);
  });
  it('names the member that an answer lacks', () => {
    expect(answer({ rooms: [] })).toEqual([expect.stringContaining('joined_rooms')]);
  });
  it('wants an errcode in every error', () => {
    expect(answer({ error: 'no' }, 403)).toEqual([expect.stringContaining('errcode')]);
  });
  it('finds what is wrong deep inside a sync', () => {
    const answered = { next_batch: 's1', rooms: { join: { '!a:b': { timeline: { events: [{ type: 'm.room.encrypted' }] } } } } };
    const found = violations?.({ method: 'GET', path: '/_matrix/client/v3/sync', sent: undefined, status: 200, answered });
    expect(found).toContainEqual(expect.stringContaining('event_id'));
  });
});

(violations === undefined ? describe.skip : describe)('the events of an answer', () => {
  const event = { event_id: '$e', sender: '@a:b', origin_server_ts: 1 };
  const inSync = (section: object) => violations?.({ method: 'GET', path: '/_matrix/client/v3/sync', sent: undefined, status: 200, answered: { next_batch: 's1', ...section } });
  const joined = (...events: readonly object[]) => inSync({ rooms: { join: { '!a:b': { timeline: { events, limited: false, prev_batch: 't1' } } } } });
  const named = (content: object) => joined({ ...event, type: 'm.room.name', state_key: '', content });

  it('pass as the specification describes their type', () => {
    expect(named({ name: 'Council' })).toEqual([]);
    expect(joined({ ...event, type: 'org.example.own', content: { any: 1 } })).toEqual([]);
  });
  it('may not have content that their type has not', () => {
    expect(named({ name: 7 })).toEqual([expect.stringContaining('m.room.name /content/name')]);
    expect(joined({ ...event, type: 'm.reaction', content: { 'm.relates_to': { rel_type: 7 } } })).toContainEqual(expect.stringContaining('m.reaction /content/m.relates_to/rel_type'));
  });
  it('are of the variant that their content names', () => {
    const content = { from_device: 'A', transaction_id: '1', method: 'm.sas.v1', key_agreement_protocols: ['curve25519'], hashes: ['sha256'], message_authentication_codes: ['hkdf-hmac-sha256'] };
    expect(inSync({ to_device: { events: [{ type: 'm.key.verification.start', sender: '@a:b', content }] } })).toContainEqual(expect.stringContaining('short_authentication_string'));
  });
  it('are looked at in an invitation too, where they are stripped', () => {
    const invited = (content: object) => inSync({ rooms: { invite: { '!a:b': { invite_state: { events: [{ type: 'm.room.join_rules', sender: '@a:b', state_key: '', content }] } } } } });
    expect(invited({ join_rule: 'invite' })).toEqual([]);
    expect(invited({ join_rule: 'open' })).toEqual([expect.stringContaining('m.room.join_rules /content/join_rule')]);
  });
  it('may be content alone, whose type the path says', () => {
    const state = (answered: object) => violations?.({ method: 'GET', path: '/_matrix/client/v3/rooms/!a:b/state/m.room.topic/', sent: undefined, status: 200, answered });
    expect(state({ topic: 'Budget' })).toEqual([]);
    expect(state({ topic: [] })).toEqual([expect.stringContaining('m.room.topic /content/topic')]);
  });
  it('have what redaction left, when they are redacted', () => {
    const redacted_because = { ...event, type: 'm.room.redaction', content: { redacts: '$x' }, room_id: '!a:b', redacts: '$x' };
    expect(joined({ ...event, type: 'm.room.encrypted', content: {}, unsigned: { redacted_because } })).toEqual([]);
  });
  it('may be odd where a test says that it sent them so', () => {
    expect(named(deliberatelyOdd({ name: { of: 'nobody' } }))).toEqual([]);
    expect(named({ name: { of: 'somebody' } })).toHaveLength(1);
  });
});

describe('a shard of its own', () => {
  let shard: Shard;
  beforeAll(async () => { shard = await startShard(); });
  afterAll(async () => { await shard.stop(); });

  it('carries a sealed message from one person to another', async () => {
    const [alice, bob] = [await shard.register(), await shard.register()];
    const roomId = await shard.createRoom(alice, [bob]);
    const { next_batch: since } = await shard.longPoll(bob, undefined, (sync) => sync.rooms?.join?.[roomId] !== undefined);
    const content = sealed({ deviceId: alice.deviceId });
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted/1`;
    const sent = await shard.request<{ event_id: string }>('PUT', path, { token: alice.token, body: content });
    const sync = await shard.longPoll(bob, since, ({ rooms }) => rooms?.join?.[roomId]?.timeline !== undefined);
    const [event] = sync.rooms?.join?.[roomId]?.timeline?.events ?? [];
    expect(event).toMatchObject({ event_id: sent.body.event_id, type: 'm.room.encrypted', sender: alice.userId, content });
  });

  it('gives back the bytes of an upload', async () => {
    const { token } = await shard.register();
    const bytes = randomBytes(5000);
    const uploaded = await shard.request<{ content_uri: string }>('POST', '/_matrix/media/v3/upload', { token, body: bytes });
    const path = uploaded.body.content_uri.replace('mxc://', '/_matrix/client/v1/media/download/');
    const { body } = await shard.request<Buffer>('GET', path, { token });
    expect(body.equals(bytes)).toBe(true);
  });
});
