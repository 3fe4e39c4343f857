import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { OLM } from './sealed.js';

const V3 = '/_matrix/client/v3';
let shard: Shard;
let alice: Person;
let bob: Person;
let tablet: Person;
let txn = 0;

beforeAll(async () => {
  shard = await startShard();
});
beforeEach(async () => {
  [alice, bob] = await Promise.all([shard.register(), shard.register()]) as [Person, Person];
  tablet = await shard.logIn(bob);
  await shard.createRoom(alice, [bob]);
});
afterAll(async () => {
  await shard.stop();
});

type Messages = Readonly<Record<string, Readonly<Record<string, object>>>>;
const send = (who: Person, messages: Messages, txnId = String(txn++), type = 'm.room.encrypted'): Promise<Answer<object>> =>
  shard.request('PUT', `${V3}/sendToDevice/${type}/${txnId}`, { token: who.token, body: { messages } });
const start = async (who: Person): Promise<string> => (await shard.longPoll(who, undefined, () => true)).next_batch;
const inbox = async (who: Person, since: string): Promise<readonly unknown[]> => {
  const { body } = await shard.request<{ to_device?: { events: { content: { n: unknown } }[] } }>('GET', `${V3}/sync`, { token: who.token, query: { since } });
  return (body.to_device?.events ?? []).map(({ content }) => content.n);
};

describe('Send-to-device messaging', () => {
  it('delivers directly to a particular client device, in order', async () => {
    const [phone, other] = [await start(bob), await start(tablet)];
    for (const n of [1, 2, 3]) await send(alice, { [bob.userId]: { [bob.deviceId]: { ...OLM, n } } });
    const { to_device: delivered } = await shard.longPoll(bob, phone, (sync) => (sync.to_device?.events.length ?? 0) > 0);
    expect(delivered?.events).toEqual([1, 2, 3].map((n) => ({ sender: alice.userId, type: 'm.room.encrypted', content: { ...OLM, n } })));
    expect(await inbox(tablet, other)).toEqual([]);
  });

  it('the device id * stands for all of the user’s devices', async () => {
    const [phone, other] = [await start(bob), await start(tablet)];
    await send(alice, { [bob.userId]: { '*': { ...OLM, n: 1 } } });
    expect([await inbox(bob, phone), await inbox(tablet, other)]).toEqual([[1], [1]]);
  });

  it('the same transaction id is delivered once, from that device, even after a restart', async () => {
    const since = await start(bob);
    const messages = { [bob.userId]: { [bob.deviceId]: { ...OLM, n: 1 } } };
    for (let i = 0; i < 2; i += 1) expect((await send(alice, messages, 'same')).body).toEqual({});
    await shard.crash();
    await send(alice, messages, 'same');
    expect(await inbox(bob, since)).toEqual([1]);
    await send(await shard.logIn(alice), messages, 'same');
    expect(await inbox(bob, since)).toEqual([1, 1]);
  });

  it('messages wait until the next sync proves that they arrived, and are deleted then', async () => {
    const since = await start(bob);
    await send(alice, { [bob.userId]: { [bob.deviceId]: { ...OLM, n: 1 } } });
    const { next_batch: next } = await shard.longPoll(bob, since, (sync) => (sync.to_device?.events.length ?? 0) > 0);
    expect(await inbox(bob, since)).toEqual([1]);
    expect(await inbox(bob, next)).toEqual([]);
    expect(await inbox(bob, since)).toEqual([]);
  });

  it('more than a hundred come in several answers, none left out', async () => {
    const since = await start(bob);
    for (let n = 0; n < 130; n += 1) await send(alice, { [bob.userId]: { [bob.deviceId]: { ...OLM, n } } });
    const told: unknown[] = [];
    for (let at = since; told.length < 130; ) {
      const sync = await shard.longPoll(bob, at, (found) => (found.to_device?.events.length ?? 0) > 0);
      told.push(...(sync.to_device?.events ?? []).map(({ content }) => content['n']));
      at = sync.next_batch;
    }
    expect(told).toEqual(Array.from({ length: 130 }, (_, n) => n));
  });

  it('to strangers and to nobody nothing is sent, and nobody is told (B13)', async () => {
    const stranger = await shard.register();
    const since = await start(stranger);
    const to = (userId: string): Promise<Answer<object>> => send(alice, { [userId]: { '*': { ...OLM, n: 1 } } });
    const [nobody, unknown] = [await to('@nobody:localhost'), await to(stranger.userId)];
    expect([unknown.status, unknown.text]).toEqual([nobody.status, nobody.text]);
    expect([nobody.status, nobody.text]).toEqual([200, '{}']);
    expect(await inbox(stranger, since)).toEqual([]);
  });

  it('once the room is left, no more comes', async () => {
    const [carol, dora] = [await shard.register(), await shard.register()];
    const roomId = await shard.createRoom(carol, [dora]);
    const since = await start(dora);
    await shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/leave`, { token: carol.token, body: {} });
    await send(carol, { [dora.userId]: { '*': { ...OLM, n: 1 } } });
    expect(await inbox(dora, since)).toEqual([]);
  });

  it('one message may be as large as an event, and not larger: M_TOO_LARGE', async () => {
    const since = await start(bob);
    expect((await send(alice, { [bob.userId]: { [bob.deviceId]: { ...OLM, n: 'x'.repeat(60_000) } } })).status).toBe(200);
    expect(await send(alice, { [bob.userId]: { [bob.deviceId]: { ...OLM, n: 'x'.repeat(70_000) } } })).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
    expect(await inbox(bob, since)).toHaveLength(1);
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});
