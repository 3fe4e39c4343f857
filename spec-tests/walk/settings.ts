import { expect, it } from '@jest/globals';
import sharp from 'sharp';
import { together, type Cast } from './cast.js';

/** The settings of a room, and who may change them. */
export function settings(cast: () => Cast): void {
  it('shows name, topic and picture of a room to the other', async () => {
    const { alice, bob, roomId } = cast();
    const picture = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'teal' } }).png().toBuffer();
    const avatar = await alice.does(async ({ client, sdk }, given) => {
      await client.setRoomName(given.roomId, 'The long walk');
      await client.setRoomTopic(given.roomId, 'from one end to the other');
      const bytes = Uint8Array.from(atob(given.picture), (char) => char.charCodeAt(0));
      const { content_uri: url } = await client.uploadContent(new Blob([bytes], { type: 'image/png' }), { type: 'image/png', includeFilename: false });
      await client.sendStateEvent(given.roomId, sdk.EventType.RoomAvatar, { url }, '');
      return url;
    }, { roomId, picture: picture.toString('base64') });
    expect(await bob.sees('the new settings', ({ client }, given) => {
      const room = client.getRoom(given.roomId);
      // The name is worked out after the state is there.
      return room?.getMxcAvatarUrl() === given.avatar && room.name === given.name ? room.currentState.getStateEvents('m.room.topic', '')?.getContent()['topic'] : undefined;
    }, { roomId, avatar, name: 'The long walk' })).toBe('from one end to the other');
    expect(await bob.does(async ({ client }, given) => {
      const url = client.mxcUrlToHttp(given.avatar, 32, 32, 'crop', false, true, true) ?? '';
      const response = await fetch(url, { headers: { authorization: `Bearer ${client.getAccessToken() ?? ''}` } });
      return [response.status, response.headers.get('content-type')];
    }, { avatar })).toEqual([200, expect.stringMatching(/^image\//)]);
  });

  it('lets a moderator do what a member may not', async () => {
    const { alice, bob } = cast();
    const roomId = await together('Levels', alice, [bob]);
    const rename = { roomId, name: 'Renamed by Bob' };
    expect(await bob.does(({ client, refusal }, given) => refusal(client.setRoomName(given.roomId, given.name)), rename)).toBe('M_FORBIDDEN');
    await alice.does(({ client }, given) => client.setPowerLevel(given.roomId, given.userId, 50), { roomId, userId: bob.userId });
    expect(await bob.sees('the power', ({ client }, given) => client.getRoom(given.roomId)?.getMember(given.userId)?.powerLevel || undefined, { roomId, userId: bob.userId })).toBe(50);
    await bob.does(({ client }, given) => client.setRoomName(given.roomId, given.name), rename);
    expect(await alice.sees('the new name', ({ client }, given) => client.getRoom(given.roomId)?.name === given.name || undefined, rename)).toBe(true);
  });
}
