import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import type { RoomId } from '../matrix/identifiers.js';
import { engines } from '../storage/engines.testing.js';
import { currentPosition } from '../storage/stream.js';
import { anythingMoved, roomsAt, type MyRoom } from './my-rooms.js';
import { openSyncing } from './syncing.testing.js';

type Syncing = Awaited<ReturnType<typeof openSyncing>>;

describe.each(engines)('one’s rooms on $name', (engine) => {
  let talk: Syncing['talk'];
  let server: Awaited<ReturnType<Syncing['start']>>;
  let alice: Session;
  let bob: Session;
  let roomId: RoomId;

  beforeEach(async () => {
    const syncing = await openSyncing(engine);
    talk = syncing.talk;
    [alice, bob] = [await talk.person('alice'), await talk.person('bob')];
    roomId = await talk.room(alice);
    server = await syncing.start();
  });
  afterEach(() => talk.drop());

  const position = () => talk.db.read(currentPosition);
  const now = (): Promise<readonly MyRoom[]> => talk.db.read((tx) => server.myRooms.of(tx, bob.userNid, server.notifier.newest));
  const at = async (upTo: number): Promise<readonly MyRoom[]> => {
    await server.upToDate();
    const rooms = await now();
    return talk.db.read((tx) => roomsAt(tx, rooms, bob.userId, upTo));
  };

  it('are kept until a membership moves', async () => {
    expect(await now()).toEqual([]);
    await talk.say(alice, roomId);
    await server.upToDate();
    expect(server.myRooms.known(bob.userNid)).toEqual([]);
    await talk.invite(alice, roomId, bob);
    await server.upToDate();
    expect(server.myRooms.known(bob.userNid)).toBeUndefined();
    expect(await now()).toMatchObject([{ id: roomId, membership: 'invite' }]);
  });

  it('are what they were at any position', async () => {
    const before = await position();
    await talk.invite(alice, roomId, bob);
    const invited = await position();
    await talk.join(bob, roomId);
    const joined = await position();
    await talk.say(alice, roomId);
    await talk.ban(alice, roomId, bob);
    expect((await at(await position())).map(({ membership }) => membership)).toEqual(['ban']);
    const then = [await at(joined), await at(joined + 1), await at(invited), await at(before)];
    expect(then.map(([room]) => [room?.membership, room?.changedPosition])).toEqual([['join', joined], ['join', joined], ['invite', invited], [undefined, undefined]]);
  });

  it('were joined from the first join on, whatever changed in the profile since', async () => {
    await talk.invite(alice, roomId, bob);
    await talk.join(bob, roomId);
    await server.upToDate();
    const [joined] = await now();
    await talk.say(alice, roomId);
    const upTo = await position();
    await talk.leave(bob, roomId);
    expect(await at(upTo)).toEqual([joined]);
  });

  it('move with their timeline, receipts and typing, and with nobody else’s', async () => {
    const other = await talk.room(alice);
    await talk.invite(alice, roomId, bob);
    await talk.join(bob, roomId);
    await server.upToDate();
    const rooms = await now();
    const moved = async (action: () => Promise<unknown>): Promise<boolean> => {
      await server.upToDate();
      const after = server.notifier.newest;
      await action();
      await server.upToDate();
      return anythingMoved(server.notifier, bob, rooms, after);
    };
    expect(await moved(() => talk.say(alice, other))).toBe(false);
    const said = await talk.say(alice, roomId);
    expect(await moved(() => talk.read(alice, roomId, said))).toBe(true);
    expect(await moved(() => talk.say(alice, roomId))).toBe(true);
    expect(await moved(() => talk.invite(alice, other, bob))).toBe(true);
  });
});
