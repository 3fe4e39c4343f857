import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { engines } from '../storage/engines.testing.js';
import { deviceListChanges, deviceListsObserver, listKeyChanges, markDevicesChanged } from './device-lists.js';
import { openShard, type TestShard } from './shard.testing.js';

describe.each(engines)('device lists on $name', (engine) => {
  let shard: TestShard;
  let alice: Session;
  let bob: Session;
  let carol: Session;
  let since: number;
  beforeEach(async () => {
    shard = await openShard(engine);
    [alice, bob, carol] = [await shard.session('alice', 'A'), await shard.session('bob', 'B'), await shard.session('carol', 'C')];
  });
  afterEach(() => shard.drop());

  const changesFor = async (session: Session) => {
    const range = { after: since, upTo: await shard.position() };
    return shard.db.read((tx) => deviceListChanges(tx, session.userNid, range));
  };
  const change = (session: Session) => shard.db.transaction((tx) => markDevicesChanged(tx, session.userNid));

  it('tells a changed list to oneself and to those in one’s rooms, and to nobody else', async () => {
    const room = await shard.room(alice, bob);
    since = await shard.position();
    const heard: string[] = [];
    shard.db.listen({ heard: ({ topics }) => { heard.push(...topics); }, lost: () => undefined });
    await change(alice);
    expect(await changesFor(bob)).toEqual({ changed: [alice.userId], left: [] });
    expect(await changesFor(alice)).toEqual({ changed: [alice.userId], left: [] });
    expect(await changesFor(carol)).toEqual({ changed: [], left: [] });
    while (![`ownDevices/${alice.userNid}`, `devices/${room}`].every((topic) => heard.includes(topic))) await new Promise((resolve) => { setTimeout(resolve, 5); });
  });

  it('names those one begins to share a room with, whoever came', async () => {
    const room = await shard.room(alice);
    since = await shard.position();
    await shard.setMembership(room, bob, 'join');
    expect(await changesFor(alice)).toEqual({ changed: [bob.userId], left: [] });
    expect((await changesFor(bob)).changed).toEqual([alice.userId, bob.userId]);
  });

  it('names who is left behind when one leaves, and who leaves', async () => {
    const room = await shard.room(alice, bob);
    since = await shard.position();
    await shard.setMembership(room, bob, 'leave');
    expect(await changesFor(alice)).toEqual({ changed: [], left: [bob.userId] });
    expect(await changesFor(bob)).toEqual({ changed: [], left: [alice.userId] });
  });

  it('does not name as left who still shares another room', async () => {
    const room = await shard.room(alice, bob);
    await shard.room(alice, bob);
    since = await shard.position();
    await shard.setMembership(room, bob, 'leave');
    expect(await changesFor(alice)).toEqual({ changed: [], left: [] });
    expect(await changesFor(bob)).toEqual({ changed: [], left: [] });
  });

  it('tells who declines an invite, or left before somebody came, nothing of the members', async () => {
    const room = await shard.room(alice);
    await shard.setMembership(room, bob, 'invite');
    const other = await shard.room(bob);
    since = await shard.position();
    await shard.setMembership(room, bob, 'leave');
    await shard.setMembership(other, bob, 'leave');
    await shard.setMembership(other, carol, 'join');
    expect(await changesFor(bob)).toEqual({ changed: [], left: [] });
  });

  it('answers /keys/changes from one token of sync to another', async () => {
    await shard.room(alice, bob);
    since = await shard.position();
    await change(bob);
    const query = { from: `s${since}`, to: `s${await shard.position()}` };
    expect(await listKeyChanges(shard, { session: alice, query })).toEqual({ changed: [bob.userId], left: [] });
    await expect(listKeyChanges(shard, { session: alice, query: { ...query, from: 'x1' } })).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
  });

  it('observes devices that are renamed or removed', async () => {
    since = await shard.position();
    await shard.db.transaction((tx) => deviceListsObserver.devicesChanged(tx, alice.userNid, [alice.deviceId]));
    expect(await changesFor(alice)).toEqual({ changed: [alice.userId], left: [] });
  });
});
