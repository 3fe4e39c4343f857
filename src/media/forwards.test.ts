import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { deliveriesOf } from '../ledger/blobs-store.js';
import { sql, type Sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { advance } from '../storage/stream.js';
import { forwarderAmongServed, forwarderAmongSpeakers, FORWARDS_WITHIN } from './forwards-store.js';
import { MOST_INFERRED, type Leave } from './grants.js';
import { leaveOf, openShard, person, Room, serverName, serveTo, upload, type Shard } from './fixture.testing.js';

const MINUTE = 60_000;
const DAY = 86_400_000;

describe.each(engines)('media forwarded on $name', (engine) => {
  let shard: Shard;
  let alice: Session;
  let bob: Session;
  let carol: Session;
  let room: Room;
  let second: Room;
  let blob: string;

  beforeEach(async () => {
    shard = await openShard(engine);
    [alice, bob, carol] = [await person(shard.db, 'alice', 100), await person(shard.db, 'bob', 200), await person(shard.db, 'carol', 300)];
    room = await Room.open(shard.db, 1000, alice);
    await room.member(bob, 'join');
    second = await Room.open(shard.db, 2000, bob);
    await second.member(carol, 'join');
    blob = await upload(shard, alice);
    await room.send(alice, shard.time.now);
  });
  afterEach(() => shard.close());

  const leave = (who: Session, mediaId: string): Promise<Leave | undefined> => leaveOf(shard, who, mediaId);
  const may = async (who: Session, mediaId: string): Promise<boolean> => (await leave(who, mediaId)) !== undefined;
  const serve = (who: Session, mediaId: string): Promise<void> => serveTo(shard, who, mediaId);

  it('comes to readers of a room they later write to, and the forwarder is written down', async () => {
    await serve(bob, blob);
    expect(await may(carol, blob)).toBe(false);
    await second.send(bob, shard.time.now);
    expect(await may(carol, blob)).toBe(true);
    await serve(carol, blob);
    const grants = await shard.db.read((tx) => tx.all(sql`SELECT user_nid, why, by_nid, room_nid FROM media_user_grants`));
    expect(grants).toEqual([{ user_nid: carol.userNid, why: 'forwarded', by_nid: bob.userNid, room_nid: 2000 }]);
    expect(await shard.db.read((tx) => deliveriesOf(tx, blob))).toEqual([bob, carol].map(({ userNid, deviceNid }) =>
      ({ user_nid: userNid, device_nid: deviceNid, what: 'download', served_ts: shard.time.now, bytes: 1 })));
  });

  it('does not come by a message that was redacted', async () => {
    await serve(bob, blob);
    await second.send(bob, shard.time.now);
    await second.redactMessage(bob, shard.time.now);
    expect(await may(carol, blob)).toBe(false);
    await second.send(bob, shard.time.now);
    expect(await may(carol, blob)).toBe(true);
  });

  it('goes on from reader to reader', async () => {
    const dave = await person(shard.db, 'dave', 400);
    const third = await Room.open(shard.db, 3000, carol);
    await third.member(dave, 'join');
    await serve(bob, blob);
    await second.send(bob, shard.time.now);
    await third.send(carol, shard.time.now);
    await serve(carol, blob);
    expect(await may(dave, blob)).toBe(false);
    await third.send(carol, shard.time.now);
    expect(await may(dave, blob)).toBe(true);
  });

  it('does not come by what they wrote before, by a reaction, or by who was never served it', async () => {
    await second.send(bob, shard.time.now);
    await serve(bob, blob);
    await second.send(bob, shard.time.now, { deviceNid: bob.deviceNid, type: 'm.reaction' });
    await second.send(carol, shard.time.now);
    expect(await may(carol, blob)).toBe(false);
    const third = await Room.open(shard.db, 3000, alice);
    await third.member(carol, 'join');
    await third.send(alice, shard.time.now + 11 * MINUTE);
    expect(await may(carol, blob)).toBe(false);
  });

  it('is a signal by its rate: told when one reader opens many within an hour, by numbers of our own', async () => {
    const blobs = [blob];
    while (blobs.length < 8) blobs.push(await upload(shard, alice));
    await room.send(alice, shard.time.now);
    for (const each of blobs) await serve(bob, each);
    await second.send(bob, shard.time.now);
    const open = async (from: number, to: number): Promise<void> => { for (const each of blobs.slice(from, to)) await serve(carol, each); };
    await open(0, 2);
    expect(shard.alarms).toEqual([]);
    await open(0, 3);
    const signal = { readerNid: carol.userNid, forwarderNid: bob.userNid };
    expect(shard.alarms).toEqual([{ ...signal, inOneHour: 3 }]);
    await open(3, 6);
    expect(shard.alarms.slice(1)).toEqual([{ ...signal, inOneHour: 6 }]);
    shard.time.now += 60 * MINUTE;
    await open(6, 8);
    expect(shard.alarms).toHaveLength(2);
  });

  /** So many others, from a number on, write in the second room. */
  const speak = (first: number, count: number): Promise<void> => shard.db.transaction(async (tx) => {
    const position = await advance(tx, []);
    const others = (what: Sql): Sql => sql`
      WITH RECURSIVE n (i) AS (SELECT CAST(${first} AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < ${first + count - 1}) ${what}`;
    await tx.run(sql`INSERT INTO users (user_nid, user_id, is_account, created_ts) ${others(sql`SELECT i, '@' || i || ':shard.example', 1, 0 FROM n`)}`);
    await tx.run(sql`INSERT INTO newest_messages (user_nid, room_nid, seq, position) ${others(sql`SELECT i, CAST(2000 AS BIGINT), 50, ${position} FROM n`)}`);
  });
  const finds = async (look: Sql): Promise<boolean> => (await shard.db.read((tx) => tx.all(look))).length > 0;
  const planOf = async (look: Sql): Promise<string[]> => {
    const plan = await shard.db.read((tx) => tx.all<{ detail: string }>(sql`EXPLAIN QUERY PLAN ${look}`));
    return plan.map(({ detail }) => detail).filter((detail) => /^(?:SEARCH|SCAN) /.test(detail));
  };

  it('is found however late it is opened, and however many have written there since', async () => {
    await serve(bob, blob);
    await second.send(bob, shard.time.now);
    await speak(10_000, FORWARDS_WITHIN.spoken.messages);
    expect(await finds(forwarderAmongSpeakers(carol, { serverName, mediaId: blob }))).toBe(false);
    expect(await may(carol, blob)).toBe(true);
  });

  it('is found among those who wrote last when very many were served it', async () => {
    await serve(bob, blob);
    await second.send(bob, shard.time.now);
    await shard.db.transaction((tx) => tx.run(sql`
      INSERT INTO ledger_blob_readers (media_id, user_nid, position)
      WITH RECURSIVE n (i) AS (SELECT CAST(-1 AS BIGINT) UNION ALL SELECT i - 1 FROM n WHERE i > ${-2 * FORWARDS_WITHIN.served.people}) SELECT ${blob}, i, 1 FROM n`));
    // Which of them are looked at is up to the engine; here it is the first by number.
    if (shard.db.engine === 'sqlite') expect(await finds(forwarderAmongServed(carol, { serverName, mediaId: blob }))).toBe(false);
    expect(await may(carol, blob)).toBe(true);
  });

  it('is looked for through so many who were served it, and so many of their messages', async () => {
    const found = (people: number, messages: number): Promise<boolean> => finds(forwarderAmongServed(carol, { serverName, mediaId: blob }, { people, messages }));
    await serve(bob, blob);
    await second.send(bob, shard.time.now);
    expect([await found(1, 1), await found(0, 1), await found(1, 0)]).toEqual([true, false, false]);
  });

  it('is looked for among those who wrote last in each room, by its share of what is looked at, in the rooms that were written to last', async () => {
    const found = (messages: number, rooms: number): Promise<boolean> => finds(forwarderAmongSpeakers(carol, { serverName, mediaId: blob }, { messages, rooms }));
    await serve(bob, blob);
    await second.send(bob, shard.time.now);
    await speak(10_000, 59);
    // One room: all of what is looked at is its share; of two, half.
    expect([await found(60, 9), await found(59, 9)]).toEqual([true, false]);
    await Room.open(shard.db, 5000, carol);
    expect([await found(120, 9), await found(119, 9), await found(60, 1)]).toEqual([true, false, true]);
    await second.send(bob, shard.time.now);
    expect(await found(2, 2)).toBe(true);
    await shard.db.transaction((tx) => tx.run(sql`UPDATE rooms SET position = 0 WHERE room_nid = 2000`));
    await Room.open(shard.db, 5001, carol);
    expect([await found(90, 3), await found(90, 2)]).toEqual([true, false]);
  });

  it('is looked for by indexes: from the blob’s side in three steps, from the reader’s in the same order whatever the blob', async () => {
    if (shard.db.engine !== 'sqlite') return; // the other engine chooses its plan by what it finds in the tables
    const nameOf = (step: string): string => step.split(' ')[1] ?? '';
    const served = await planOf(forwarderAmongServed(carol, { serverName, mediaId: blob }));
    for (const name of ['ledger_blob_readers', 'm', 'sent', 'mine']) expect(served.filter((step) => step.startsWith('SEARCH')).map(nameOf)).toContain(name);
    expect(served.filter((step) => step.startsWith('SCAN')).map(nameOf)).toEqual(['served', 'said']);
    const speakers = await planOf(forwarderAmongSpeakers(carol, { serverName, mediaId: blob }));
    const order = ['theirs', 'r', 'own', 'n', 'near', 'sent', 'spoken', 'served', 'm'].map((name) => speakers.findIndex((step) => nameOf(step) === name));
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    // What is gone through whole is only the reader's rooms, when they are found, and who wrote there last.
    expect(speakers.filter((step) => step.startsWith('SCAN'))).toEqual(['SCAN near', 'SCAN spoken', 'SCAN mine']);
  });

  it('ends with leaving the room it came through', async () => {
    await serve(bob, blob);
    await second.send(bob, shard.time.now);
    await serve(carol, blob);
    await second.member(carol, 'leave');
    expect(await may(carol, blob)).toBe(false);
  });

  it('does not come to who joins later where history begins with joining', async () => {
    await second.visibility('joined');
    await serve(bob, blob);
    await second.send(bob, shard.time.now);
    const dave = await person(shard.db, 'dave', 400);
    await second.member(dave, 'join');
    expect([await may(carol, blob), await may(dave, blob)]).toEqual([true, false]);
  });

  it('comes to one reader two hundred times a day; then all that is not granted is asked for too soon, there or not', async () => {
    await serve(bob, blob);
    await second.send(bob, shard.time.now);
    await shard.db.transaction(async (tx) => {
      await tx.run(sql`
        INSERT INTO media (media_id, shard, class, uploader_nid, device_nid, created_ts, grants_until_ts)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MOST_INFERRED})
        SELECT 'm' || i, ${serverName}, 'pending', ${alice.userNid}, ${alice.deviceNid}, 0, 0 FROM n`);
      await tx.run(sql`
        INSERT INTO media_user_grants (media_id, user_nid, why, by_nid, room_nid, granted_ts)
        SELECT media_id, ${carol.userNid}, 'forwarded', ${bob.userNid}, 2000, ${shard.time.now} FROM media WHERE class = 'pending'`);
    });
    for (const mediaId of [blob, 'nothing']) await expect(leave(carol, mediaId)).rejects.toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
    expect(await may(carol, await upload(shard, carol))).toBe(true);
    expect(await may(alice, 'nothing')).toBe(false);
    shard.time.now += DAY + 1;
    expect(await may(carol, blob)).toBe(true);
  });
});
