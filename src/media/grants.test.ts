import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { parseServerName } from '../matrix/identifiers.js';
import { sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { leaveFor } from './grants.js';
import { openShard, person, Room, serverName, upload, type Shard } from './fixture.testing.js';

const MINUTE = 60_000;

describe.each(engines)('a grant on $name', (engine) => {
  let shard: Shard;
  let alice: Session;
  let bob: Session;
  let room: Room;

  beforeEach(async () => {
    shard = await openShard(engine);
    alice = await person(shard.db, 'alice', 100);
    bob = await person(shard.db, 'bob', 200);
    room = await Room.open(shard.db, 1000, alice);
  });
  afterEach(() => shard.close());

  async function may(who: Session, mediaId: string, server = serverName): Promise<boolean> {
    return (await shard.db.read((tx) => leaveFor(tx, who, { serverName: server, mediaId }, shard.time.now))) !== undefined;
  }

  it('is always there for the uploader, and for nobody else before a message', async () => {
    await room.member(bob, 'join');
    const blob = await upload(shard, alice);
    expect(await may(alice, blob)).toBe(true);
    expect(await may(bob, blob)).toBe(false);
  });

  it('is not there for a blob of that id on another shard, or of no id', async () => {
    const blob = await upload(shard, alice);
    expect(await may(alice, blob, parseServerName('other.example'))).toBe(false);
    expect(await may(alice, 'nothing')).toBe(false);
  });

  it('comes to the members of the room when the device sends a message there', async () => {
    await room.member(bob, 'join');
    const carol = await person(shard.db, 'carol', 300);
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
    expect(await may(bob, blob)).toBe(true);
    expect(await may(carol, blob)).toBe(false);
  });

  it('does not come from another device, another type of event, or an event from elsewhere', async () => {
    await room.member(bob, 'join');
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now, { deviceNid: alice.deviceNid + 5 });
    await room.send(alice, shard.time.now, { deviceNid: alice.deviceNid, type: 'm.reaction' });
    await room.send(alice, shard.time.now, {});
    await room.send(bob, shard.time.now);
    expect(await may(bob, blob)).toBe(false);
  });

  it('comes to every room written to within ten minutes of the upload, and to no further one later', async () => {
    const second = await Room.open(shard.db, 2000, alice);
    const third = await Room.open(shard.db, 3000, alice);
    await second.member(bob, 'join');
    const carol = await person(shard.db, 'carol', 300);
    await third.member(carol, 'join');
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
    await second.send(alice, shard.time.now + 10 * MINUTE - 1);
    await third.send(alice, shard.time.now + 10 * MINUTE);
    expect(await may(bob, blob)).toBe(true);
    expect(await may(carol, blob)).toBe(false);
  });

  it('comes to the first room written to, however late', async () => {
    await room.member(bob, 'join');
    const second = await Room.open(shard.db, 2000, alice);
    const carol = await person(shard.db, 'carol', 300);
    await second.member(carol, 'join');
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now + 300 * MINUTE);
    await second.send(alice, shard.time.now + 301 * MINUTE);
    expect(await may(bob, blob)).toBe(true);
    expect(await may(carol, blob)).toBe(false);
  });

  it('comes for several blobs at once, and a second message changes nothing', async () => {
    await room.member(bob, 'join');
    const blobs = [await upload(shard, alice), await upload(shard, alice), await upload(shard, alice)];
    await room.send(alice, shard.time.now);
    await room.send(alice, shard.time.now + 1);
    for (const blob of blobs) expect(await may(bob, blob)).toBe(true);
    const rows = await shard.db.read((tx) => tx.all(sql`SELECT media_id FROM media_grants`));
    expect(rows.length).toBe(3);
  });

  it('ends with leaving, and is back with coming back', async () => {
    await room.member(bob, 'join');
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
    await room.member(bob, 'leave');
    expect(await may(bob, blob)).toBe(false);
    await room.member(bob, 'invite');
    expect(await may(bob, blob)).toBe(false);
    await room.member(bob, 'join');
    expect(await may(bob, blob)).toBe(true);
  });

  it('is there for who joins later while the history is shared, as it is when nothing is said', async () => {
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
    await room.member(bob, 'join');
    expect(await may(bob, blob)).toBe(true);
    await room.visibility('joined');
    expect(await may(bob, blob)).toBe(true);
  });

  it('is not there for who joins later when the history was for the joined', async () => {
    await room.visibility('joined');
    await room.member(bob, 'invite');
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
    await room.member(bob, 'join');
    expect(await may(bob, blob)).toBe(false);
    await room.visibility('shared');
    expect(await may(bob, blob)).toBe(false);
  });

  it('is there for who was invited at the time when the history was for the invited', async () => {
    await room.visibility('invited');
    const carol = await person(shard.db, 'carol', 300);
    await room.member(bob, 'invite');
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
    await room.member(bob, 'join');
    await room.member(carol, 'invite');
    await room.member(carol, 'join');
    expect(await may(bob, blob)).toBe(true);
    expect(await may(carol, blob)).toBe(false);
  });

  it('is there for who was joined at the time, left, and came back', async () => {
    await room.visibility('joined');
    await room.member(bob, 'join');
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
    await room.member(bob, 'leave');
    await room.member(bob, 'join');
    expect(await may(bob, blob)).toBe(true);
  });

  it('survives a new name or picture of its reader', async () => {
    await room.visibility('joined');
    await room.member(bob, 'join');
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
    await room.member(bob, 'join');
    expect(await may(bob, blob)).toBe(true);
  });
});
