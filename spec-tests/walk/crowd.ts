import { expect, it } from '@jest/globals';
import { read, say, type Cast } from './cast.js';
import { joinAll, recruit } from './service.js';

const CROWD = 500;

/** A room with more people in it than anybody looks at. */
export function crowd(cast: () => Cast): void {
  it('holds a conversation among five hundred, whom a new device does not load before it has to', async () => {
    const { shard, alice, bob, logIn } = cast();
    const people = await recruit(shard.baseUrl, CROWD);
    const roomId = await alice.does((me, invite) => me.createRoom('Everybody', invite), [bob.userId, ...people]);
    await bob.does((me, id) => me.join(id), roomId);
    await joinAll(shard.baseUrl, people, roomId);
    const all = { roomId, count: people.length + 2 };
    for (const one of [alice, bob]) {
      await one.sees('everybody', ({ client }, given) => client.getRoom(given.roomId)?.getJoinedMemberCount() === given.count || undefined, all);
    }
    const said = await say(alice, roomId, 'good morning, everybody');
    expect(await read(bob, roomId, said)).toBe('good morning, everybody');
    expect(await read(alice, roomId, await say(bob, roomId, 'good morning'))).toBe('good morning');
    const tablet = await logIn(bob.account);
    const [known, count, loaded] = await tablet.does(async ({ client }, id) => {
      const room = client.getRoom(id);
      const before = [room?.getMembers().length ?? 0, room?.getJoinedMemberCount()];
      await room?.loadMembersIfNeeded();
      return [...before, room?.getJoinedMembers().length];
    }, roomId);
    expect([count, loaded]).toEqual([all.count, all.count]);
    expect(known).toBeLessThan(50);
    await tablet.does(({ client }) => client.logout(true), undefined);
    await tablet.close();
  });
}
