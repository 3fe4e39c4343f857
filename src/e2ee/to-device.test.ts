import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrakeWithin } from '../auth/brakes.js';
import type { Session } from '../auth/session.js';
import type { JsonObject } from '../matrix/schema.js';
import { engines } from '../storage/engines.testing.js';
import { openShard, type TestShard } from './shard.testing.js';
import { acknowledgeToDevice, forgetOldTransactions, sendToDevice, toDeviceSince } from './to-device.js';

describe.each(engines)('messages to devices on $name', (engine) => {
  let shard: TestShard;
  let alice: Session;
  let phone: Session;
  let laptop: Session;
  beforeEach(async () => {
    shard = await openShard(engine);
    alice = await shard.session('alice', 'DESK');
    phone = await shard.session('bob', 'PHONE');
    laptop = await shard.session('bob', 'LAPTOP');
  });
  afterEach(() => shard.drop());

  const spent: unknown[] = [];
  const noting = (list: unknown[]): BrakeWithin => ({ spendWithin: async (_, key, amount) => { list.push([key, amount]); } });
  const asked: unknown[] = [];
  const brakes = { toDeviceBrake: noting(spent), keyRequestBrake: noting(asked) };
  const send = (txnId: string, messages: Record<string, Record<string, JsonObject>>, { eventType = 'm.room.encrypted', at = 0 } = {}) =>
    sendToDevice({ ...shard, ...brakes, clock: () => at }, { session: alice, params: { eventType, txnId }, bodyBytes: Buffer.from(JSON.stringify({ messages })) });
  const inbox = async (session: Session, after = 0, limit?: number) => {
    const range = { after, upTo: await shard.position() };
    return shard.db.read((tx) => toDeviceSince(tx, session.deviceNid, range, limit));
  };
  const contents = async (session: Session) => (await inbox(session)).texts.map((text) => (JSON.parse(text) as { content: JsonObject }).content);

  it('delivers to the device named, with the sender and the type', async () => {
    await shard.room(alice, phone);
    expect(await send('1', { [phone.userId]: { PHONE: { ciphertext: 'x' } } })).toEqual({});
    expect((await inbox(phone)).texts).toEqual([JSON.stringify({ sender: alice.userId, type: 'm.room.encrypted', content: { ciphertext: 'x' } })]);
    expect((await inbox(laptop)).texts).toEqual([]);
  });

  it('delivers what was sent as it was written, whatever stands beside it', async () => {
    const content = '{ "n": 1.0, "text": "\\u00e9 \\"}", "of": [ {"a":{}}, null ] }';
    const body = `{"other":[{"messages":1}], "messages" : {"${alice.userId}":{"\\u0044ESK" : ${content} , "OTHER":{}}}, "last": 2}`;
    await sendToDevice({ ...shard, ...brakes }, { session: alice, params: { eventType: 'm.room.encrypted', txnId: '1' }, bodyBytes: Buffer.from(body) });
    expect((await inbox(alice)).texts).toEqual([`{"sender":"${alice.userId}","type":"m.room.encrypted","content":${content}}`]);
  });

  it('delivers to all devices of a user named *, and in order', async () => {
    await shard.room(alice, phone);
    await send('1', { [phone.userId]: { '*': { n: 1 } } });
    await send('2', { [phone.userId]: { PHONE: { n: 2 }, LAPTOP: { n: 3 } } });
    expect(await contents(phone)).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await contents(laptop)).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it('delivers a repeated transaction once, and the same id of another type again', async () => {
    const own = { [alice.userId]: { DESK: { n: 1 } } };
    await send('1', own);
    await send('1', own);
    await send('1', own, { eventType: 'm.room_key_request' });
    expect(await contents(alice)).toHaveLength(2);
  });

  it('forgets the transactions of more than a day ago, and no others', async () => {
    const own = { [alice.userId]: { DESK: { n: 1 } } };
    const day = 86_400_000;
    for (const txnId of ['1', '2', '3']) await send(txnId, own);
    expect(await forgetOldTransactions({ ...shard, clock: () => day }, 2)).toBe(0);
    await send('3', own);
    expect(await contents(alice)).toHaveLength(3);
    await send('4', own, { at: 1 });
    expect(await forgetOldTransactions({ ...shard, clock: () => day + 1 }, 2)).toBe(3);
    for (const txnId of ['3', '4']) await send(txnId, own);
    expect(await contents(alice)).toHaveLength(5);
  });

  it('drops what is for strangers, and says nothing', async () => {
    expect(await send('1', { [phone.userId]: { '*': { n: 1 } }, '@nobody:shard.example': { X: {} } })).toEqual({});
    expect(await contents(phone)).toEqual([]);
  });

  it('refuses a message larger than an event', async () => {
    await expect(send('1', { [alice.userId]: { DESK: { text: 'x'.repeat(66_000) } } })).rejects.toMatchObject({ errcode: 'M_TOO_LARGE' });
    await expect(send('1', { [alice.userId]: { DESK: { text: 'é'.repeat(33_000) } } })).rejects.toMatchObject({ errcode: 'M_TOO_LARGE' });
    await send('1', { [alice.userId]: { DESK: { text: 'x' } } });
    await expect(send('1', { [alice.userId]: { DESK: { text: 'x'.repeat(66_000) } } })).rejects.toMatchObject({ errcode: 'M_TOO_LARGE' });
  });

  it('charges the sender for what is put before every device, once for a transaction', async () => {
    await shard.room(alice, phone);
    spent.length = 0;
    for (let i = 0; i < 2; i += 1) await send('1', { [phone.userId]: { '*': { n: 1 } }, '@nobody:shard.example': { '*': { n: 1 } } });
    await send('2', { [phone.userId]: { PHONE: { n: 'é' } } });
    const [plain = '', accented = ''] = (await inbox(phone)).texts;
    expect(spent).toEqual([[alice.userId, 2 * plain.length], [alice.userId, accented.length + 1]]);
  });

  it('charges a device for everybody else whom it asks for room keys', async () => {
    await shard.room(alice, phone);
    await send('1', { [phone.userId]: { '*': {} }, [alice.userId]: { '*': {} }, '@nobody:shard.example': { '*': {} } }, { eventType: 'm.room_key_request' });
    await send('2', { [alice.userId]: { '*': {} } }, { eventType: 'm.room_key_request' });
    await send('3', { [phone.userId]: { '*': {} } });
    expect(asked).toEqual([[`${alice.userId} DESK`, 1]]);
  });

  it('keeps messages until they are acknowledged, and says how far a full page reaches', async () => {
    await shard.room(alice, phone);
    for (const n of [1, 2, 3]) await send(String(n), { [phone.userId]: { PHONE: { n } } });
    const first = await inbox(phone, 0, 2);
    expect(first.texts).toHaveLength(2);
    expect((await inbox(phone, 0, 2)).texts).toEqual(first.texts);
    await shard.db.transaction((tx) => acknowledgeToDevice(tx, phone.deviceNid, first.upTo));
    expect(await contents(phone)).toEqual([{ n: 3 }]);
    expect((await inbox(phone)).upTo).toBe(await shard.position());
  });
});
