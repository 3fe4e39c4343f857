import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { sealed } from './sealed.js';
import { compare } from './timing.js';

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;
let bob: Person;
let carol: Person;
let roomId: string;
let eventId: string;

beforeAll(async () => {
  shard = await startShard();
  [alice, bob, carol] = [await shard.register('alice'), await shard.register('bob'), await shard.register('carol')];
  roomId = await shard.createRoom(alice, [bob]);
  const sent = await shard.request<{ event_id: string }>('PUT', `${V3}/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted/1`, { token: bob.token, body: sealed({ deviceId: bob.deviceId }) });
  eventId = sent.body.event_id;
});
afterAll(async () => {
  await shard.stop();
});

const inRoom = (room: string, event?: string): string => `${V3}/rooms/${encodeURIComponent(room)}/report${event === undefined ? '' : `/${encodeURIComponent(event)}`}`;
const ofUser = (userId: string): string => `${V3}/users/${encodeURIComponent(userId)}/report`;
const report = (who: Person, path: string, body: object = { reason: 'this makes me sad' }): Promise<Answer<object>> => shard.request('POST', path, { token: who.token, body });
/** `cloison report list` on the machine of the server. */
async function list(...args: readonly string[]): Promise<readonly string[]> {
  const config = join(shard.folders[0] ?? '.', 'homeserver.yaml');
  const { stdout } = await promisify(execFile)(process.execPath, ['dist/main.js', 'report', 'list', ...args, '--config', config], { env: { ...process.env, NODE_OPTIONS: '' } });
  return stdout.trim().split('\n');
}

describe('Reporting content', () => {
  it('reports an event, a room and a user to the operators, who read it without what was said', async () => {
    expect(await list()).toEqual(['Nothing was reported.']);
    expect((await report(alice, inRoom(roomId, eventId), { reason: 'rude\u001b[2J\nand loud' })).body).toEqual({});
    expect((await report(alice, inRoom(roomId), { reason: '' })).body).toEqual({});
    expect((await report(alice, ofUser(bob.userId))).body).toEqual({});
    const lines = await list();
    expect(lines.map((line) => line.replace(/^\d+ {2}[-\d]+ [:\d]+ UTC {2}/, ''))).toEqual([
      `${alice.userId} reports ${bob.userId}`, '    this makes me sad',
      `${alice.userId} reports the room ${roomId} (reporter: join)`,
      `${alice.userId} reports the event ${eventId} of ${bob.userId} in ${roomId} (reporter: join)`, '    rude [2J and loud',
    ]);
    expect(lines.join('\n')).not.toContain('ciphertext');
    const newest = /^\d+/.exec(lines[0] ?? '')?.[0] ?? '';
    expect((await list('--limit', '1', '--before', newest))[0]).toContain('the room');
  });

  it('the caller need not be joined to the room; old clients still send a score', async () => {
    expect((await report(carol, inRoom(roomId), { reason: 'spam' })).status).toBe(200);
    expect((await report(alice, inRoom(roomId, eventId), { score: -100, reason: 'spam' })).status).toBe(200);
    expect((await report(alice, inRoom(roomId, eventId), {})).status).toBe(200);
    expect((await list()).some((line) => line.includes(`${carol.userId} reports the room ${roomId} (reporter: never in it)`))).toBe(true);
  });

  it('what does not exist is reported with the same answer', async () => {
    const none = [inRoom('!none:localhost'), inRoom('!none:localhost', '$none'), inRoom(roomId, '$none'), ofUser('@nobody:localhost'), ofUser('@nobody:elsewhere.example')];
    for (const path of none) expect(await report(carol, path)).toMatchObject({ status: 200, text: '{}' });
    const lines = await list('--limit', '5');
    expect(lines.filter((line) => /which is no (room|account)|which is not there/.test(line))).toHaveLength(5);
  });

  it('and in the same time', async () => {
    const kinds = [() => report(carol, inRoom(roomId, eventId)), () => report(carol, inRoom('!none:localhost', '$none'))] as const;
    expect(await compare(kinds, { samples: 120, within: 0.2 })).toMatchObject({ isFair: true });
  });

  it('a reason is text of at most 4 KiB', async () => {
    const refused = (body: object): Promise<Answer<object>> => shard.request('POST', inRoom(roomId), { token: alice.token, body, malformed: true });
    const before = shard.stored()['reports'];
    expect(await refused({ reason: 5 })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect(await refused({ reason: 'x'.repeat(4097) })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
    expect(shard.stored()['reports']).toBe(before);
  });

  it('the list is for who knows the secret', async () => {
    const { body: { nonce } } = await shard.request('GET', '/_synapse/admin/cloison/v1/nonce');
    const asked = await shard.request('POST', '/_synapse/admin/cloison/v1/list_reports', { token: alice.token, body: { nonce, by: 'eve', mac: '0'.repeat(64) } });
    expect(asked).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    await expect(list('--before', 'x')).rejects.toThrow('--before needs a whole number');
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
