import { expect, it } from '@jest/globals';
import { read, say, type Cast } from './cast.js';

/** What is done to messages in a room. */
export function messages(cast: () => Cast): void {
  it('shows an edit to the other', async () => {
    const { alice, bob, roomId } = cast();
    const eventId = await say(alice, roomId, 'at nine');
    expect(await read(bob, roomId, eventId)).toBe('at nine');
    await alice.does(({ client, sdk }, given) => client.sendMessage(given.roomId, {
      msgtype: sdk.MsgType.Text, body: '* at ten',
      'm.new_content': { msgtype: sdk.MsgType.Text, body: 'at ten' },
      'm.relates_to': { rel_type: sdk.RelationType.Replace, event_id: given.eventId },
    }), { roomId, eventId });
    const edited = await bob.sees('the edit', ({ client }, given) => {
      const event = client.getRoom(given.roomId)?.findEventById(given.eventId);
      return event?.replacingEvent() ? event.getContent<{ body: string }>().body : undefined;
    }, { roomId, eventId });
    expect(edited).toBe('at ten');
  });

  it('counts reactions, and forgets one that is taken back', async () => {
    const { alice, bob, roomId } = cast();
    const eventId = await say(alice, roomId, 'who brings cake?');
    await read(bob, roomId, eventId);
    const reaction = await bob.does(async ({ client, sdk }, given) => (await client.sendEvent(given.roomId, sdk.EventType.Reaction, {
      'm.relates_to': { rel_type: sdk.RelationType.Annotation, event_id: given.eventId, key: '🍰' },
    })).event_id, { roomId, eventId });
    const seen = { roomId, eventId };
    expect(await alice.sees('the reaction', ({ client }, given) => {
      const byKey = client.getRoom(given.roomId)?.relations.getChildEventsForEvent(given.eventId, 'm.annotation', 'm.reaction')?.getSortedAnnotationsByKey();
      return byKey?.[0] && [byKey[0][0], [...byKey[0][1]].map((event) => event.getSender())];
    }, seen)).toEqual(['🍰', [bob.userId]]);
    await bob.does(({ client }, given) => client.redactEvent(given.roomId, given.reaction), { roomId, reaction });
    expect(await alice.sees('no reaction', ({ client }, given) =>
      client.getRoom(given.roomId)?.relations.getChildEventsForEvent(given.eventId, 'm.annotation', 'm.reaction')?.getRelations().length === 0 || undefined, seen)).toBe(true);
  });

  it('shows a reply with what it answers, and a deletion to the other', async () => {
    const { alice, bob, roomId } = cast();
    const question = await say(alice, roomId, 'shall we?');
    await read(bob, roomId, question);
    const reply = await bob.does(async ({ client, sdk }, given) => (await client.sendMessage(given.roomId, {
      msgtype: sdk.MsgType.Text, body: 'yes', 'm.relates_to': { 'm.in_reply_to': { event_id: given.question } },
    })).event_id, { roomId, question });
    expect(await read(alice, roomId, reply)).toBe('yes');
    expect(await alice.does(({ client }, given) => client.getRoom(given.roomId)?.findEventById(given.reply)?.replyEventId, { roomId, reply })).toBe(question);
    await alice.does(({ client }, given) => client.redactEvent(given.roomId, given.question, undefined, { reason: 'asked twice' }), { roomId, question });
    expect(await bob.sees('the deletion', ({ client }, given) => {
      const event = client.getRoom(given.roomId)?.findEventById(given.question);
      return event?.isRedacted() ? [event.getRedactionEvent()?.content, event.getContent()] : undefined;
    }, { roomId, question })).toEqual([expect.objectContaining({ reason: 'asked twice' }), {}]);
  });

  it('plays a voice message to the other, and to nobody outside', async () => {
    const { alice, bob, carol, roomId } = cast();
    const sent = await alice.does(async ({ client, encryptAttachment }, id) => {
      const { bytes, file } = await encryptAttachment(new TextEncoder().encode('OggS and then what was said'));
      const { content_uri: url } = await client.uploadContent(new Blob([bytes]), { type: 'application/octet-stream', includeFilename: false });
      const info = { mimetype: 'audio/ogg', size: bytes.length, duration: 1000 };
      const content = { msgtype: 'm.audio', body: 'Voice message', file: { ...file, url }, info, 'org.matrix.msc3245.voice': {} };
      return { url, eventId: (await client.sendMessage(id, content as never)).event_id };
    }, roomId);
    expect(await read(bob, roomId, sent.eventId)).toBe('Voice message');
    expect(await bob.does((me, given) => me.readFile(given.roomId, given.eventId), { roomId, eventId: sent.eventId })).toBe('OggS and then what was said');
    expect(await carol.does(async ({ client }, url) => {
      const address = client.mxcUrlToHttp(url, undefined, undefined, undefined, false, true, true) ?? '';
      return (await fetch(address, { headers: { authorization: `Bearer ${client.getAccessToken() ?? ''}` } })).status;
    }, sent.url)).toBe(404);
  });

  it('shows pinned messages to the other', async () => {
    const { alice, bob, roomId } = cast();
    const eventId = await say(alice, roomId, 'the door code changes on Monday');
    await alice.does(({ client, sdk }, given) => client.sendStateEvent(given.roomId, sdk.EventType.RoomPinnedEvents, { pinned: [given.eventId] }, ''), { roomId, eventId });
    expect(await bob.sees('the pin', ({ client }, given) =>
      client.getRoom(given.roomId)?.currentState.getStateEvents('m.room.pinned_events', '')?.getContent<{ pinned: string[] }>().pinned, { roomId })).toEqual([eventId]);
    expect(await bob.does(async ({ client }, given) => (await client.fetchRoomEvent(given.roomId, given.eventId)).type, { roomId, eventId })).toBe('m.room.encrypted');
  });
}
