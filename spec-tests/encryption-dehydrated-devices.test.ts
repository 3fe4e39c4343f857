import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type Shard } from './harness.js';
import { deviceKeys, newKey, oneTimeKeys } from './keys.js';
import { OLM } from './sealed.js';

const CLIENT = '/_matrix/client';
const DEVICE = `${CLIENT}/unstable/org.matrix.msc3814.v1/dehydrated_device`;
const DATA = { algorithm: 'org.matrix.msc3814.v2', device_pickle: 'sealed by its owner', nonce: 'x' };
let shard: Shard;
let alice: Person;
let bob: Person;
let lastTxn = 0;

beforeAll(async () => {
  shard = await startShard();
});
beforeEach(async () => {
  [alice, bob] = [await shard.register(), await shard.register()];
  await shard.createRoom(alice, [bob]);
});
afterAll(async () => {
  expect(shard.failures()).toEqual([]);
  await shard.stop();
});

type Body = Readonly<Record<string, unknown>>;
const call = (who: Person, method: string, path: string, body?: object): Promise<Answer<Body>> =>
  shard.request(method, path, { token: who.token, ...(body === undefined ? {} : { body }) });

function dehydrated(who: Person, deviceId: string): Body {
  const device = { ...who, deviceId };
  const key = newKey(deviceId);
  return { device_id: deviceId, device_data: DATA, device_keys: deviceKeys(device, key), one_time_keys: oneTimeKeys(device, key, ['A', 'B']), fallback_keys: oneTimeKeys(device, key, ['F'], { fallback: true }) };
}

const send = async (from: Person, to: Person, deviceId: string, n: number): Promise<void> => {
  lastTxn += 1;
  await call(from, 'PUT', `${CLIENT}/v3/sendToDevice/m.room.encrypted/t${lastTxn}`, { messages: { [to.userId]: { [deviceId]: { ...OLM, n } } } });
};
const NONE = { status: 404, body: { errcode: 'M_NOT_FOUND' } };

describe('Dehydrated devices (MSC3814)', () => {
  it('M_NOT_FOUND says that there is none yet, and that they are served', async () => {
    expect(await call(alice, 'GET', DEVICE)).toMatchObject(NONE);
    expect(await call(alice, 'DELETE', DEVICE)).toMatchObject(NONE);
    expect((await shard.request<{ unstable_features: Body }>('GET', `${CLIENT}/versions`)).body.unstable_features).toMatchObject({ 'org.matrix.msc3814': true });
  });

  it('a device put by is given back to its owner, and to nobody else', async () => {
    expect(await call(alice, 'PUT', DEVICE, dehydrated(alice, 'DEHYDRATED'))).toMatchObject({ status: 200, body: { device_id: 'DEHYDRATED' } });
    expect((await call(alice, 'GET', DEVICE)).body).toEqual({ device_id: 'DEHYDRATED', device_data: DATA });
    expect(await call(bob, 'GET', DEVICE)).toMatchObject(NONE);
  });

  it('others find its keys and claim its one-time keys as of any device', async () => {
    const device = dehydrated(alice, 'DEHYDRATED');
    await call(alice, 'PUT', DEVICE, device);
    const query = await call(bob, 'POST', `${CLIENT}/v3/keys/query`, { device_keys: { [alice.userId]: [] } });
    expect(query.body['device_keys']).toMatchObject({ [alice.userId]: { DEHYDRATED: device['device_keys'] } });
    const claim = await call(bob, 'POST', `${CLIENT}/v3/keys/claim`, { one_time_keys: { [alice.userId]: { DEHYDRATED: 'signed_curve25519' } } });
    expect(claim.body['one_time_keys']).toMatchObject({ [alice.userId]: { DEHYDRATED: { 'signed_curve25519:A': expect.any(Object) } } });
  });

  it('what is sent to it waits, in order, page by page, until the device goes', async () => {
    await call(alice, 'PUT', DEVICE, dehydrated(alice, 'DEHYDRATED'));
    for (let n = 0; n < 103; n += 1) await send(bob, alice, 'DEHYDRATED', n);
    const page = async (next?: unknown): Promise<{ readonly events: readonly { readonly content: { readonly n: number } }[]; readonly next_batch: string }> =>
      (await shard.request<{ events: { content: { n: number } }[]; next_batch: string }>('POST', `${DEVICE}/DEHYDRATED/events`, { token: alice.token, body: next === undefined ? {} : { next_batch: next } })).body;
    const first = await page();
    const second = await page(first.next_batch);
    const third = await page(second.next_batch);
    expect([...first.events, ...second.events].map(({ content }) => content.n)).toEqual(Array.from({ length: 103 }, (_, n) => n));
    expect([first.events.length, third.events, third.next_batch]).toEqual([100, [], second.next_batch]);
    expect((await page()).events).toHaveLength(100);
    const read = await shard.request('GET', `${DEVICE}/DEHYDRATED/events`, { token: alice.token, query: { from: first.next_batch } });
    expect(read.body['events']).toHaveLength(3);
    expect(await call(alice, 'POST', `${DEVICE}/ANOTHER/events`, {})).toMatchObject(NONE);
    expect(await call(bob, 'POST', `${DEVICE}/DEHYDRATED/events`, {})).toMatchObject(NONE);
    expect(await call(alice, 'POST', `${DEVICE}/DEHYDRATED/events`, { next_batch: 'x' })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  it('a new one takes the place of the old one, which is gone with its keys', async () => {
    for (const id of ['FIRST', 'SECOND', 'SECOND']) expect((await call(alice, 'PUT', DEVICE, dehydrated(alice, id))).status).toBe(200);
    expect((await call(alice, 'GET', DEVICE)).body).toMatchObject({ device_id: 'SECOND' });
    const { body } = await shard.request<{ devices: { device_id: string }[] }>('GET', `${CLIENT}/v3/devices`, { token: alice.token });
    expect(body.devices.map(({ device_id }) => device_id).sort()).toEqual([alice.deviceId, 'SECOND'].sort());
  });

  it('is deleted by its owner', async () => {
    await call(alice, 'PUT', DEVICE, dehydrated(alice, 'DEHYDRATED'));
    expect(await call(alice, 'DELETE', DEVICE)).toMatchObject({ status: 200, body: { device_id: 'DEHYDRATED' } });
    expect(await call(alice, 'GET', DEVICE)).toMatchObject(NONE);
  });

  it('refuses, and stores nothing of, keys of another device, no keys, and the id of a session', async () => {
    await call(alice, 'PUT', DEVICE, dehydrated(alice, 'KEPT'));
    const before = shard.stored();
    const { device_keys: _, ...keyless } = dehydrated(alice, 'NEW');
    for (const wrong of [{ ...dehydrated(alice, 'NEW'), device_id: 'OTHER' }, keyless, dehydrated(alice, alice.deviceId), { ...dehydrated(alice, 'NEW'), device_data: 'x' }]) {
      expect((await call(alice, 'PUT', DEVICE, wrong)).status).toBe(400);
    }
    expect(shard.stored()).toEqual(before);
  });
});
