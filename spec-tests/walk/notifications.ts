import { expect, it } from '@jest/globals';
import { read, say, together, type Cast } from './cast.js';
import type { Walker } from './walker.js';

/** What rings, and what does not. */
export function notifications(cast: () => Cast): void {
  it('counts what is unread until it is read', async () => {
    const { alice, bob } = cast();
    const roomId = await together('Counts', alice, [bob]);
    await read(bob, roomId, await say(alice, roomId, 'one'));
    const last = await say(alice, roomId, 'two');
    await counts(bob, roomId, [2, 0]);
    await markRead(bob, roomId, last);
    await counts(bob, roomId, [0, 0]);
    expect(await alice.sees('the receipt', ({ client }, given) =>
      client.getRoom(given.roomId)?.getEventReadUpTo(given.bob) === given.last || undefined, { roomId, last, bob: bob.userId })).toBe(true);
  });

  it('rings louder for a keyword, and not at all in a muted room', async () => {
    const { alice, bob } = cast();
    const roomId = await together('Rules', alice, [bob]);
    await bob.does(({ client, sdk }) => client.addPushRule('global', sdk.PushRuleKind.ContentSpecific, 'heron', {
      pattern: 'heron', actions: [sdk.PushRuleActionName.Notify, { set_tweak: sdk.TweakName.Highlight, value: true }],
    } as never), undefined);
    await bob.sees('the rule from sync', ({ client }) => client.pushRules?.global.content?.find(({ rule_id: id }) => id === 'heron'), undefined);
    const loud = await say(alice, roomId, 'look, a heron');
    await read(bob, roomId, loud);
    await counts(bob, roomId, [1, 1]);
    await markRead(bob, roomId, loud);
    await bob.does(({ client }, id) => client.setRoomMutePushRule('global', id, true), roomId);
    await bob.sees('the muted room in sync', ({ client }, id) => client.pushRules?.global.room?.find((rule) => rule.rule_id === id), roomId);
    const silent = await say(alice, roomId, 'nobody hears this');
    expect(await read(bob, roomId, silent)).toBe('nobody hears this');
    await counts(bob, roomId, [0, 0]);
    await bob.does(async ({ client, sdk }, id) => {
      await client.deletePushRule('global', sdk.PushRuleKind.RoomSpecific, id);
      await client.deletePushRule('global', sdk.PushRuleKind.ContentSpecific, 'heron');
    }, roomId);
  });

  it('keeps what ignored people write away', async () => {
    const { alice, bob, carol } = cast();
    const roomId = await together('Ignoring', alice, [bob, carol]);
    await bob.does(({ client }, id) => client.setIgnoredUsers([id]), carol.userId);
    await bob.sees('the list of the ignored', ({ client }, id) => client.isUserIgnored(id) || undefined, carol.userId);
    const unheard = await say(carol, roomId, 'does Bob hear me?');
    await read(alice, roomId, unheard);
    await read(bob, roomId, await say(alice, roomId, 'he does not'));
    expect(await bob.does(({ client }, given) => client.getRoom(given.roomId)?.findEventById(given.unheard) === undefined, { roomId, unheard })).toBe(true);
    await bob.does(({ client }) => client.setIgnoredUsers([]), undefined);
    await bob.sees('an empty list', ({ client }, id) => !client.isUserIgnored(id) || undefined, carol.userId);
    expect(await read(bob, roomId, await say(carol, roomId, 'and now?'))).toBe('and now?');
  });
}

async function counts(walker: Walker, roomId: string, wanted: readonly [total: number, highlight: number]): Promise<void> {
  await walker.sees(`${wanted.join(' and ')} unread`, ({ client, sdk }, given) => {
    const room = client.getRoom(given.roomId);
    const found = [room?.getUnreadNotificationCount(sdk.NotificationCountType.Total), room?.getUnreadNotificationCount(sdk.NotificationCountType.Highlight)];
    return String(found) === String(given.wanted) || undefined;
  }, { roomId, wanted });
}

async function markRead(walker: Walker, roomId: string, eventId: string): Promise<void> {
  await read(walker, roomId, eventId);
  await walker.does(({ client }, given) => client.sendReadReceipt(client.getRoom(given.roomId)?.findEventById(given.eventId) ?? null), { roomId, eventId });
}
