import { describe, expect, it } from '@jest/globals';
import { OLM } from './sealed.js';
import { shardOfThree } from './shard-of-three.js';
import { joined, syncCalls, timelineIds } from './sync-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#syncing: "the server will … return as soon as there is new data"
const { shard, alice, bob } = await shardOfThree();
const calls = syncCalls(shard);
const roomId = await shard.createRoom(alice, [bob]);

describe('a long poll', () => {
  it('"timeout: the maximum time to wait, in milliseconds"', async () => {
    const { next_batch } = await calls.poll(bob);
    const { answer, ms } = await calls.wait(bob, next_batch, 300);
    expect(ms).toBeGreaterThanOrEqual(290);
    expect(ms).toBeLessThan(20_000);
    expect(answer.rooms?.join).toEqual({});
    expect(await calls.wait(bob, answer.next_batch, 0)).toMatchObject({ answer: { rooms: { join: {} } } });
  });

  it('wakes on a message', async () => {
    let said = '';
    const sync = await calls.wokenBy(bob, async () => { said = await calls.say(alice, roomId); });
    expect(timelineIds(joined(sync, roomId))).toEqual([said]);
  });

  it('wakes on typing, and on its end', async () => {
    const typing = await calls.wokenBy(bob, () => calls.type(alice, roomId, true));
    expect(joined(typing, roomId).ephemeral?.events).toEqual([{ type: 'm.typing', content: { user_ids: [alice.userId] } }]);
    const done = await calls.wokenBy(bob, () => calls.type(alice, roomId, false));
    expect(joined(done, roomId).ephemeral?.events).toEqual([{ type: 'm.typing', content: { user_ids: [] } }]);
  });

  it('wakes on a receipt', async () => {
    const said = await calls.say(alice, roomId);
    const sync = await calls.wokenBy(alice, () => calls.receipt(bob, roomId, said));
    expect(joined(sync, roomId).ephemeral?.events).toEqual([{ type: 'm.receipt', content: { [said]: { 'm.read': { [bob.userId]: { ts: expect.any(Number) } } } } }]);
  });

  it('wakes nobody but the reader on "m.read.private"', async () => {
    const said = await calls.say(alice, roomId);
    const tablet = await shard.logIn(bob);
    const { next_batch } = await calls.poll(alice);
    const others = calls.wait(alice, next_batch, 500);
    const own = await calls.wokenBy(tablet, () => calls.receipt(bob, roomId, said, 'm.read.private'));
    expect(joined(own, roomId)).toMatchObject({
      ephemeral: { events: [{ content: { [said]: { 'm.read.private': { [bob.userId]: {} } } } }] },
      unread_notifications: { notification_count: 0 },
    });
    const { answer, ms } = await others;
    expect(ms).toBeGreaterThanOrEqual(490);
    expect(answer.rooms?.join).toEqual({});
  });

  it('wakes on an invite, and on one’s own join elsewhere', async () => {
    const other = await shard.createRoom(alice);
    const sync = await calls.wokenBy(bob, () => calls.call(alice, 'POST', ['rooms', other, 'invite'], { user_id: bob.userId }));
    expect(Object.keys(sync.rooms?.invite ?? {})).toEqual([other]);
    const tablet = await shard.logIn(bob);
    const after = await calls.wokenBy(tablet, () => calls.call(bob, 'POST', ['rooms', other, 'join'], {}));
    expect(joined(after, other).timeline?.limited).toBe(true);
  });

  it('wakes on account data, of no room and of a room, and tells it back to the device that set it', async () => {
    const sync = await calls.wokenBy(bob, () => calls.accountData(bob, 'org.example.note', { is: 1 }));
    expect(sync.account_data?.events).toEqual([{ type: 'org.example.note', content: { is: 1 } }]);
    const again = await calls.wokenBy(bob, () => calls.accountData(bob, 'org.example.note', { is: 1 }));
    expect(again.account_data?.events).toEqual([{ type: 'org.example.note', content: { is: 1 } }]);
    const inRoom = await calls.wokenBy(bob, () => calls.accountData(bob, 'm.tag', { tags: { 'm.favourite': {} } }, roomId));
    expect(joined(inRoom, roomId).account_data?.events).toEqual([{ type: 'm.tag', content: { tags: { 'm.favourite': {} } } }]);
  });

  it('wakes on the fully read marker', async () => {
    const said = await calls.say(alice, roomId);
    const sync = await calls.wokenBy(bob, () => calls.call(bob, 'POST', ['rooms', roomId, 'read_markers'], { 'm.fully_read': said }));
    expect(joined(sync, roomId).account_data?.events).toEqual([{ type: 'm.fully_read', content: { event_id: said } }]);
  });

  it('wakes on a message to the device', async () => {
    const sync = await calls.wokenBy(bob, () => calls.toDevice(alice, bob, { hello: 1 }));
    expect(sync.to_device?.events).toEqual([{ sender: alice.userId, type: 'm.room.encrypted', content: { ...OLM, hello: 1 } }]);
  });

  it('wakes on a new device of somebody one shares a room with', async () => {
    const tablet = await shard.logIn(alice);
    const sync = await calls.wokenBy(bob, () => calls.call(alice, 'PUT', ['devices', tablet.deviceId], { display_name: 'Tablet' }));
    expect(sync.device_lists?.changed).toEqual([alice.userId]);
  });

  it('wakes on the claim of a one-time key', async () => {
    await calls.uploadKeys(bob, { oneTime: 3 });
    const claim = { one_time_keys: { [bob.userId]: { [bob.deviceId]: 'signed_curve25519' } } };
    const sync = await calls.wokenBy(bob, () => calls.call(alice, 'POST', ['keys', 'claim'], claim));
    expect(sync.device_one_time_keys_count).toMatchObject({ signed_curve25519: 2 });
  });

  it('loses nothing that happens between two polls or while an answer is made', async () => {
    const tablet = await shard.logIn(bob);
    let { next_batch: since } = await calls.poll(tablet);
    const said: string[] = [];
    const heard: string[] = [];
    const sending = (async () => { for (let i = 0; i < 60; i += 1) said.push(await calls.say(alice, roomId)); })();
    while (heard.length < 60) {
      const { answer } = await calls.wait(tablet, since, 3000);
      heard.push(...timelineIds(answer.rooms?.join?.[roomId]));
      since = answer.next_batch;
    }
    await sending;
    expect(heard).toEqual(said);
  });

  it('ends when its token is revoked, and says no more', async () => {
    const tablet = await shard.logIn(bob);
    const { next_batch } = await calls.poll(tablet);
    const waiting = calls.call(tablet, 'GET', ['sync'], undefined, { query: { since: next_batch, timeout: 60_000 } });
    await new Promise((later) => setTimeout(later, 60));
    await calls.call(tablet, 'POST', ['logout'], {});
    await calls.say(alice, roomId);
    expect(await waiting).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
  });

  it('ends when somebody logs in to its device anew: "the server may invalidate any access token previously associated with that device"', async () => {
    const tablet = await shard.logIn(bob);
    const { next_batch } = await calls.poll(tablet);
    const waiting = calls.call(tablet, 'GET', ['sync'], undefined, { query: { since: next_batch, timeout: 60_000 } });
    await new Promise((later) => setTimeout(later, 60));
    const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: bob.userId }, password: bob.password, device_id: tablet.deviceId };
    const { body: { access_token: token } } = await shard.request<{ access_token: string }>('POST', '/_matrix/client/v3/login', { body: login });
    expect(await waiting).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
    const said = await calls.say(alice, roomId);
    const { rooms } = await calls.poll({ ...tablet, token }, { since: next_batch });
    expect(timelineIds(rooms?.join?.[roomId])).toEqual([said]);
  });
});
