import { expect, it } from '@jest/globals';
import { read, say, seesMember, together, type Cast } from './cast.js';
import type { Walker } from './walker.js';

/** How people come into rooms and how they are put out. */
export function membership(cast: () => Cast): void {
  it('puts somebody out, and keeps out who is banned', async () => {
    const { alice, bob, carol } = cast();
    const roomId = await together('Discipline', alice, [bob, carol]);
    await alice.does(({ client }, given) => client.kick(given.roomId, given.userId, 'for the day'), { roomId, userId: carol.userId });
    await isNow(carol, roomId, 'leave');
    const without = await say(alice, roomId, 'without her');
    await read(bob, roomId, without);
    expect(await carol.does(({ client, refusal }, given) => refusal(client.fetchRoomEvent(given.roomId, given.without)), { roomId, without })).toMatch(/^M_(?:FORBIDDEN|NOT_FOUND)$/);
    await alice.does(({ client }, given) => client.ban(given.roomId, given.userId, 'for good'), { roomId, userId: carol.userId });
    expect(await bob.sees('the ban', ({ client }, given) => {
      const member = client.getRoom(given.roomId)?.getMember(given.userId);
      return member?.membership === 'ban' ? member.events.member?.getContent()['reason'] : undefined;
    }, { roomId, userId: carol.userId })).toBe('for good');
    expect(await carol.does(({ client, refusal }, id) => refusal(client.joinRoom(id)), roomId)).toBe('M_FORBIDDEN');
    await alice.does(async ({ client }, given) => {
      await client.unban(given.roomId, given.userId);
      await client.invite(given.roomId, given.userId);
    }, { roomId, userId: carol.userId });
    await carol.does((me, id) => me.join(id), roomId);
    await seesMember(bob, { roomId, userId: carol.userId, membership: 'join' });
    expect(await read(carol, roomId, await say(bob, roomId, 'welcome back'))).toBe('welcome back');
  });

  it('lets in who knocked, once a member invites', async () => {
    const { alice, carol } = cast();
    const roomId = await alice.does(async ({ client }) => (await client.createRoom({
      name: 'Knock first', preset: 'private_chat' as never,
      initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
    })).room_id, undefined);
    await carol.does(({ client }, given) => client.knockRoom(given.roomId, { reason: 'it is me' }), { roomId });
    await isNow(carol, roomId, 'knock');
    expect(await alice.sees('the knock', ({ client }, given) => {
      const member = client.getRoom(given.roomId)?.getMember(given.userId);
      return member?.membership === 'knock' ? member.events.member?.getContent()['reason'] : undefined;
    }, { roomId, userId: carol.userId })).toBe('it is me');
    await alice.does(({ client }, given) => client.invite(given.roomId, given.userId), { roomId, userId: carol.userId });
    await carol.does((me, id) => me.join(id), roomId);
    await isNow(carol, roomId, 'join');
  });

  it('shows who is in a space its rooms, and lets them into those that are open to it', async () => {
    const { alice, bob } = cast();
    const made = await alice.does(async ({ client, sdk }, given) => {
      const space = (await client.createRoom({ name: 'Staff', preset: 'private_chat' as never, invite: [given.bob], creation_content: { type: 'm.space' } })).room_id;
      const allow = [{ type: 'm.room_membership', room_id: space }];
      const open = (await client.createRoom({
        name: 'Canteen', preset: 'private_chat' as never,
        initial_state: [
          { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'restricted', allow } },
          { type: 'm.space.parent', state_key: space, content: { via: ['localhost'] } },
        ],
      })).room_id;
      const closed = (await client.createRoom({ name: 'Board', preset: 'private_chat' as never })).room_id;
      for (const child of [open, closed]) await client.sendStateEvent(space, sdk.EventType.SpaceChild, { via: ['localhost'] }, child);
      return { space, open, closed };
    }, { bob: bob.userId });
    await bob.does((me, id) => me.join(id), made.space);
    expect(await bob.sees('a space', ({ client }, id) => client.getRoom(id)?.isSpaceRoom() || undefined, made.space)).toBe(true);
    const namesIn = async (walker: Walker): Promise<readonly (string | undefined)[]> =>
      walker.does(async ({ client }, id) => (await client.getRoomHierarchy(id, 20)).rooms.map(({ name }) => name).sort(), made.space);
    expect(await namesIn(alice)).toEqual(['Board', 'Canteen', 'Staff']);
    expect(await namesIn(bob)).toEqual(['Canteen', 'Staff']);
    await bob.does(async ({ client }, id) => { await client.joinRoom(id); }, made.open);
    await isNow(bob, made.open, 'join');
    expect(await bob.does(({ client, refusal }, id) => refusal(client.joinRoom(id)), made.closed)).toBe('M_FORBIDDEN');
  });
}

async function isNow(walker: Walker, roomId: string, wanted: string): Promise<void> {
  await walker.sees(`${wanted} in ${roomId}`, ({ client }, given) => client.getRoom(given.roomId)?.getMyMembership() === given.wanted || undefined, { roomId, wanted });
}
