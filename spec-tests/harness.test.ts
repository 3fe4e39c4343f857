import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Shard } from './harness.js';
import { sealed } from './sealed.js';
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
