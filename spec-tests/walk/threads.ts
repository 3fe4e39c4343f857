import { expect, it } from '@jest/globals';
import { read, say, type Cast } from './cast.js';

/** Threads and polls: what is made of events that belong to another one. */
export function threads(cast: () => Cast): void {
  it('keeps a thread beside the conversation, and lists it', async () => {
    const { alice, bob, roomId } = cast();
    const root = await say(alice, roomId, 'the agenda');
    await read(bob, roomId, root);
    const answer = await bob.does((me, given) => me.sendInThread(given.roomId, given.root, { msgtype: me.sdk.MsgType.Text, body: 'first the budget' }), { roomId, root });
    expect(await read(alice, roomId, answer)).toBe('first the budget');
    expect(await alice.sees('the thread', ({ client }, given) => {
      const thread = client.getRoom(given.roomId)?.getThread(given.root);
      return thread?.replyToEvent?.getId() === given.answer ? thread.length : undefined;
    }, { roomId, root, answer })).toBe(1);
    expect(await alice.does(async ({ client, sdk }, given) => {
      const { chunk } = await client.createThreadListMessagesRequest(given.roomId, null, 10, sdk.Direction.Backward, sdk.ThreadFilterType.All);
      return chunk.map((event) => event.event_id);
    }, { roomId })).toEqual([root]);
  });

  it('shows the votes of a poll, and that it is closed', async () => {
    const { alice, bob, roomId } = cast();
    const poll = await alice.does(async ({ client, polls }, given) => {
      const { type, content } = polls.PollStartEvent.from('Where?', ['Lyon', 'Lille'], 'm.disclosed').serialize();
      return (await client.sendEvent(given.roomId, type as never, content as never)).event_id;
    }, { roomId });
    const answers = await bob.sees('the poll', ({ client }, given) => client.getRoom(given.roomId)?.polls.get(given.poll)?.pollEvent.answers.map(({ id, text }) => [id, text]), { roomId, poll });
    expect(answers.map(([, text]) => text)).toEqual(['Lyon', 'Lille']);
    await bob.does(({ client, polls }, given) => {
      const { type, content } = polls.PollResponseEvent.from([given.choice], given.poll).serialize();
      return client.sendEvent(given.roomId, type as never, content as never);
    }, { roomId, poll, choice: answers[1]?.[0] ?? '' });
    expect(await alice.sees('the vote', async ({ client }, given) => {
      const responses = await client.getRoom(given.roomId)?.polls.get(given.poll)?.getResponses();
      const votes = responses?.getRelations().map((event) => [event.getSender(), event.getContent()['org.matrix.msc3381.poll.response']]);
      return votes?.length === 1 ? votes[0] : undefined;
    }, { roomId, poll })).toEqual([bob.userId, { answers: [answers[1]?.[0]] }]);
    await alice.does(({ client, polls }, given) => {
      const { type, content } = polls.PollEndEvent.from(given.poll, 'Lille it is').serialize();
      return client.sendEvent(given.roomId, type as never, content as never);
    }, { roomId, poll });
    // A poll asks the server for what belongs to it when it is looked at.
    expect(await bob.sees('the end of the poll', async ({ client }, given) => {
      const seen = client.getRoom(given.roomId)?.polls.get(given.poll);
      await seen?.getResponses();
      return seen?.isEnded || undefined;
    }, { roomId, poll })).toBe(true);
  });
}
