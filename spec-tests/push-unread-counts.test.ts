import { describe, expect, it } from '@jest/globals';
import type { JoinedRoom, Person } from './harness.js';
import { shardOfThree } from './shard-of-three.js';
import { joined, syncCalls } from './sync-calls.js';

// https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications, #threaded-read-receipts
const { shard, alice, bob } = await shardOfThree();
const calls = syncCalls(shard);

const byThread = { room: { timeline: { unread_thread_notifications: true } } };
const inThread = (root: string) => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: root } });

async function counts(person: Person, roomId: string, filter: object = {}): Promise<Pick<JoinedRoom, 'unread_notifications' | 'unread_thread_notifications'>> {
  const { unread_notifications, unread_thread_notifications } = joined(await calls.poll(person, { filter: JSON.stringify(filter) }), roomId);
  return { ...(unread_notifications && { unread_notifications }), ...(unread_thread_notifications && { unread_thread_notifications }) };
}
const unread = async (person: Person, roomId: string) => (await counts(person, roomId)).unread_notifications;
const of = (notification_count: number) => ({ notification_count, highlight_count: 0 });

describe('unread_notifications', () => {
  it('"the number of unread notifications for this room": others’ messages, not one’s own, nor changes of state', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    expect(await unread(bob, roomId)).toEqual(of(0));
    await calls.say(alice, roomId);
    await calls.say(alice, roomId);
    await calls.setState(alice, roomId, 'm.room.topic', { topic: 'Quiet' });
    expect([await unread(bob, roomId), await unread(alice, roomId)]).toEqual([of(2), of(0)]);
  });

  it.each(['m.read', 'm.read.private'])('%s: what is read is not counted, and no receipt goes back', async (type) => {
    const roomId = await shard.createRoom(alice, [bob]);
    const [one, two] = [await calls.say(alice, roomId), await calls.say(alice, roomId)];
    await calls.say(alice, roomId);
    await calls.receipt(bob, roomId, two, type);
    expect(await unread(bob, roomId)).toEqual(of(1));
    await calls.receipt(bob, roomId, one, type);
    expect(await unread(bob, roomId)).toEqual(of(1));
  });

  it('one’s own message reads what came before it', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    await calls.say(alice, roomId);
    await calls.say(bob, roomId);
    expect(await unread(bob, roomId)).toEqual(of(0));
    await calls.say(alice, roomId);
    expect(await unread(bob, roomId)).toEqual(of(1));
  });

  it('counts from one’s join, and come with a sync in which only the receipt is new', async () => {
    const roomId = await shard.createRoom(alice);
    await calls.say(alice, roomId);
    await calls.call(alice, 'POST', ['rooms', roomId, 'invite'], { user_id: bob.userId });
    await calls.call(bob, 'POST', ['rooms', roomId, 'join'], {});
    expect(await unread(bob, roomId)).toEqual(of(0));
    const said = await calls.say(alice, roomId);
    const { next_batch: since } = await calls.poll(bob);
    await calls.receipt(bob, roomId, said);
    const later = joined(await calls.poll(bob, { since }), roomId);
    expect(later.unread_notifications).toEqual(of(0));
    expect(later.timeline?.events).toEqual([]);
  });
});

describe('unread_thread_notifications', () => {
  it('"if unread_thread_notifications is given as true", threads are counted apart; else with the room', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const root = await calls.say(alice, roomId);
    await calls.say(alice, roomId, inThread(root));
    await calls.say(alice, roomId, inThread(root));
    expect(await counts(bob, roomId)).toEqual({ unread_notifications: of(3) });
    expect(await counts(bob, roomId, byThread)).toEqual({ unread_notifications: of(1), unread_thread_notifications: { [root]: of(2) } });
  });

  it('threaded receipts read their thread only, unthreaded ones all', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const root = await calls.say(alice, roomId);
    const first = await calls.say(alice, roomId, inThread(root));
    const other = await calls.say(alice, roomId);
    const last = await calls.say(alice, roomId, inThread(root));
    await calls.receipt(bob, roomId, first, 'm.read', root);
    expect(await counts(bob, roomId, byThread)).toEqual({ unread_notifications: of(2), unread_thread_notifications: { [root]: of(1) } });
    await calls.receipt(bob, roomId, root, 'm.read.private', 'main');
    expect(await counts(bob, roomId, byThread)).toEqual({ unread_notifications: of(1), unread_thread_notifications: { [root]: of(1) } });
    await calls.receipt(bob, roomId, other, 'm.read');
    expect(await counts(bob, roomId, byThread)).toEqual({ unread_notifications: of(0), unread_thread_notifications: { [root]: of(1) } });
    await calls.receipt(bob, roomId, last, 'm.read');
    expect(await counts(bob, roomId, byThread)).toEqual({ unread_notifications: of(0), unread_thread_notifications: {} });
  });

  it('one’s own message in a thread reads that thread only', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const root = await calls.say(alice, roomId);
    await calls.say(alice, roomId, inThread(root));
    await calls.say(bob, roomId, inThread(root));
    expect(await counts(bob, roomId, byThread)).toEqual({ unread_notifications: of(1), unread_thread_notifications: {} });
    await calls.say(alice, roomId, inThread(root));
    expect(await counts(bob, roomId, byThread)).toEqual({ unread_notifications: of(1), unread_thread_notifications: { [root]: of(1) } });
  });

  it('what was read stays read when a message that was read is redacted', async () => {
    const roomId = await shard.createRoom(alice, [bob]);
    const root = await calls.say(alice, roomId);
    await calls.say(alice, roomId, inThread(root));
    const second = await calls.say(alice, roomId, inThread(root));
    await calls.receipt(bob, roomId, second, 'm.read', root);
    await calls.call(alice, 'PUT', ['rooms', roomId, 'redact', second, 'again'], {});
    await calls.say(alice, roomId, inThread(root));
    expect((await counts(bob, roomId, byThread)).unread_thread_notifications).toEqual({ [root]: of(1) });
  });
});
