import { expect, it } from '@jest/globals';
import { sealed } from '../sealed.js';
import { read, say, seesMember, together, type Cast } from './cast.js';

const EVENTS = 1000;
const AT_ONCE = 20;

/** What was before. */
export function history(cast: () => Cast): void {
  it('shows whom somebody without a verified device invites that something was said, not what', async () => {
    const { alice, bob, carol } = cast();
    const roomId = await together('Latecomers', alice, [bob]);
    const before = await say(alice, roomId, 'before Carol came');
    await read(bob, roomId, before);
    await alice.does(({ client }, given) => client.invite(given.roomId, given.userId), { roomId, userId: carol.userId });
    await carol.does(async (me, id) => { await me.join(id); await me.scrollBack(id); }, roomId);
    expect(await carol.sees('the ciphertext', ({ client }, given) => {
      const event = client.getRoom(given.roomId)?.findEventById(given.before);
      return event?.isDecryptionFailure() ? [event.getWireType(), event.getSender()] : undefined;
    }, { roomId, before })).toEqual(['m.room.encrypted', alice.userId]);
    await seesMember(alice, { roomId, userId: carol.userId, membership: 'join' });
    expect(await read(carol, roomId, await say(alice, roomId, 'after Carol came'))).toBe('after Carol came');
  });

  it('lets those read what was said before who are invited by a verified device, acquaintances and people found by their whole id (MSC4268)', async () => {
    const { newcomer } = cast();
    const [host, acquaintance, stranger] = [await newcomer(), await newcomer(), await newcomer()];
    for (const person of [host, acquaintance, stranger]) await person.does((me) => me.setUpEncryption(), undefined);
    await together('Acquaintances', host, [acquaintance]);
    await host.sees('the stranger', async ({ client }, term) => (await client.searchUserDirectory({ term })).results[0]?.user_id, stranger.userId);
    const roomId = await together('History', host, []);
    const before = await say(host, roomId, 'before anybody came');
    for (const guest of [acquaintance, stranger]) {
      await host.does(({ client }, given) => client.invite(given.roomId, given.userId), { roomId, userId: guest.userId });
      await guest.does(async (me, id) => { await me.join(id); await me.scrollBack(id); }, roomId);
      expect(await read(guest, roomId, before)).toBe('before anybody came');
    }
    for (const person of [host, acquaintance, stranger]) await person.close();
  });

  it('scrolls back over a thousand events without losing or doubling one', async () => {
    const { shard, alice, bob } = cast();
    const roomId = await together('A thousand', alice, [bob]);
    const token = await alice.does(({ client }) => client.getAccessToken() ?? '', undefined);
    const path = `${shard.baseUrl}/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted`;
    const send = async (index: number): Promise<string> => {
      const response = await fetch(`${path}/${index}`, { method: 'PUT', headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(sealed({ index })) });
      return (await response.json() as { event_id: string }).event_id;
    };
    const sent: string[] = [];
    for (let index = 0; index < EVENTS; index += AT_ONCE) sent.push(...await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => send(index + i))));
    const last = await send(EVENTS);
    await bob.sees('the last event', ({ client }, given) => client.getRoom(given.roomId)?.findEventById(given.last) && true, { roomId, last });
    const found = await bob.does(async ({ client, sdk }, id) => {
      const room = client.getRoom(id);
      const window = new sdk.TimelineWindow(client, room?.getUnfilteredTimelineSet() as never, { windowLimit: 5000 });
      await window.load(undefined, 100);
      while (await window.paginate(sdk.Direction.Backward, 100));
      return window.getEvents().filter((event) => event.getWireType() === 'm.room.encrypted').map((event) => event.getId());
    }, roomId);
    expect(found.at(-1)).toBe(last);
    expect(found.sort()).toEqual([...sent, last].sort());
  });
}
