import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { deliveriesOf } from '../ledger/blobs-store.js';
import { sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { grantToRecipients } from './granting.js';
import { takeLeave, useLeave, type Leave } from './grants.js';
import { leaveOf, openShard, person, Room, serverName, serveTo, upload, type Shard } from './fixture.testing.js';

const MINUTE = 60_000;

describe.each(engines)('media granted on $name', (engine) => {
  let shard: Shard;
  let alice: Session;
  let bob: Session;
  let carol: Session;
  let room: Room;

  beforeEach(async () => {
    shard = await openShard(engine);
    [alice, bob, carol] = [await person(shard.db, 'alice', 100), await person(shard.db, 'bob', 200), await person(shard.db, 'carol', 300)];
    room = await Room.open(shard.db, 1000, alice);
    await room.member(bob, 'join');
  });
  afterEach(() => shard.close());

  const leave = (who: Session, mediaId: string): Promise<Leave | undefined> => leaveOf(shard, who, mediaId);
  const may = async (who: Session, mediaId: string): Promise<boolean> => (await leave(who, mediaId)) !== undefined;
  const serve = (who: Session, mediaId: string): Promise<void> => serveTo(shard, who, mediaId);
  const toDevices = (recipients: readonly Session[], type = 'm.room.encrypted'): Promise<void> =>
    shard.db.transaction((tx) => grantToRecipients(tx, {
      type, deviceNid: alice.deviceNid, senderNid: alice.userNid, recipients: recipients.map(({ userNid }) => userNid), now: shard.time.now,
    }));

  it('is asked for once more in the transaction that writes down the serving: who left meanwhile is served nothing', async () => {
    const blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
    await takeLeave(shard, bob, { serverName, mediaId: blob });
    await room.member(bob, 'leave');
    const using = shard.db.transaction((tx) => useLeave(shard, tx, bob, { serverName, mediaId: blob }, { what: 'download', bytes: 1, now: shard.time.now }));
    await expect(using).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(await shard.db.read((tx) => deliveriesOf(tx, blob))).toEqual([]);
  });

  describe('by a message to devices', () => {
    it('comes to each recipient, and to nobody else', async () => {
      const blob = await upload(shard, alice);
      await toDevices([carol]);
      expect([await may(carol, blob), await may(bob, blob)]).toEqual([true, false]);
    });

    it('does not come with what is no ciphertext, or from another device', async () => {
      const blob = await upload(shard, bob);
      await toDevices([carol]);
      const own = await upload(shard, alice);
      await toDevices([carol], 'm.room_key_request');
      expect([await may(carol, blob), await may(carol, own)]).toEqual([false, false]);
    });

    it('is replaced by the grant of the message that follows, so that leaving ends it', async () => {
      const blob = await upload(shard, alice);
      await toDevices([bob, carol]);
      await room.send(alice, shard.time.now);
      await room.member(bob, 'leave');
      expect([await may(bob, blob), await may(carol, blob)]).toEqual([false, true]);
    });

    it('does not come to who has the blob through a room', async () => {
      const blob = await upload(shard, alice);
      await room.send(alice, shard.time.now);
      await toDevices([bob]);
      await room.member(bob, 'leave');
      expect(await may(bob, blob)).toBe(false);
    });

    it('does not outlive an invitation to the room of the message, sent before it or after', async () => {
      await room.member(carol, 'invite');
      const before = await upload(shard, alice);
      await toDevices([carol]);
      const after = await upload(shard, alice);
      await room.send(alice, shard.time.now);
      await toDevices([carol]);
      expect([await may(carol, before), await may(carol, after)]).toEqual([false, false]);
      await room.member(carol, 'join');
      expect([await may(carol, before), await may(carol, after)]).toEqual([true, true]);
      await room.member(carol, 'leave');
      expect([await may(carol, before), await may(carol, after)]).toEqual([false, false]);
    });

    it('leaves the message that follows within ten minutes to grant its room, and no later one', async () => {
      const blob = await upload(shard, alice);
      shard.time.now += 30 * MINUTE;
      await toDevices([carol]);
      const second = await Room.open(shard.db, 2000, alice);
      const dave = await person(shard.db, 'dave', 400);
      await second.member(dave, 'join');
      await room.send(alice, shard.time.now + 10 * MINUTE - 1);
      await second.send(alice, shard.time.now + 10 * MINUTE + 1);
      expect([await may(bob, blob), await may(dave, blob)]).toEqual([true, false]);
    });
  });

  it('to a room by the event that hangs a picture goes with it', async () => {
    const picture = await upload(shard, alice);
    await shard.db.transaction((tx) => tx.run(sql`
      UPDATE media SET class = 'avatar', content_type = 'image/png', grants_until_ts = 0 WHERE media_id = ${picture}`));
    const seq = await room.avatar(alice, `mxc://${serverName}/${picture}`, shard.time.now);
    expect([await may(bob, picture), await may(carol, picture)]).toEqual([true, false]);
    await room.redactState(seq, 'm.room.avatar', shard.time.now);
    expect([await may(bob, picture), await may(alice, picture)]).toEqual([false, true]);
  });

  describe('by a client that says what its message carries', () => {
    const mxc = (mediaId: string): string => `mxc://${serverName}/${mediaId}`;
    const sendWith = (who: Session, ...blobs: readonly string[]): Promise<void> =>
      room.send(who, shard.time.now, { deviceNid: who.deviceNid, attachMedia: blobs.map(mxc) });

    it('is the only grant: neither other blobs nor other rooms get any', async () => {
      const second = await Room.open(shard.db, 2000, alice);
      await second.member(carol, 'join');
      const [named, other] = [await upload(shard, alice), await upload(shard, alice)];
      await sendWith(alice, named);
      await second.send(alice, shard.time.now);
      expect([await may(bob, named), await may(bob, other), await may(carol, named), await may(carol, other)]).toEqual([true, false, false, true]);
    });

    it('takes back what was inferred before', async () => {
      const second = await Room.open(shard.db, 2000, alice);
      await second.member(carol, 'join');
      const blob = await upload(shard, alice);
      await second.send(alice, shard.time.now);
      await sendWith(alice, blob);
      expect([await may(bob, blob), await may(carol, blob)]).toEqual([true, false]);
    });

    it('is refused for another person’s blob, for one attached already, and for none', async () => {
      const [own, foreign] = [await upload(shard, alice), await upload(shard, bob)];
      await sendWith(alice, own);
      for (const blob of [own, foreign, 'nothing']) await expect(sendWith(alice, blob)).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
      await expect(room.send(alice, shard.time.now, { deviceNid: alice.deviceNid, attachMedia: ['mxc://other.example/x'] })).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
    });

    it('is not forwarded by inference', async () => {
      const second = await Room.open(shard.db, 2000, bob);
      await second.member(carol, 'join');
      const blob = await upload(shard, alice);
      await sendWith(alice, blob);
      await serve(bob, blob);
      await second.send(bob, shard.time.now);
      expect(await may(carol, blob)).toBe(false);
    });
  });
});
