import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { forbidden } from '../matrix/errors.js';
import type { RoomId } from '../matrix/identifiers.js';
import { StateCache } from '../rooms/room-state.js';
import { setState } from '../rooms/set-state.js';
import { engines } from '../storage/engines.testing.js';
import { openConversation, type Conversation } from './conversation.testing.js';

describe.each(engines)('the state that what is done in a room goes by, on $name', (engine) => {
  let talk: Conversation;
  let alice: Session;
  let bob: Session;
  let roomId: RoomId;
  let isRefused = false;
  beforeEach(async () => {
    isRefused = false;
    const refuses = { onEvent: async () => { if (isRefused) throw forbidden('Not now'); } };
    talk = await openConversation(engine, [refuses]);
    [alice, bob] = [await talk.person('alice'), await talk.person('bob')];
    roomId = await talk.room(alice, bob);
  });
  afterEach(() => talk.drop());

  const nothingComesOf = async (work: Promise<unknown>): Promise<void> => {
    await expect(work).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  };

  it('is what it was when an event comes to nothing, and another takes its place', async () => {
    isRefused = true;
    await nothingComesOf(talk.ban(alice, roomId, bob));
    isRefused = false;
    // By another process of the shard, which knows nothing of the one that came to nothing.
    const elsewhere = { ...talk, states: new StateCache() };
    await setState(elsewhere, { session: alice, params: { roomId, eventType: 'm.room.name', stateKey: '' }, body: { name: 'A room' } });
    await talk.say(bob, roomId);
  });

  it('is what others have made of it just before', async () => {
    const [banned, said] = await Promise.allSettled([talk.ban(alice, roomId, bob), talk.say(bob, roomId)]);
    expect([banned, said]).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { errcode: 'M_FORBIDDEN' } }]);
    await nothingComesOf(talk.say(bob, roomId));
  });

  it('lets everybody in who comes at once', async () => {
    const people: Session[] = [];
    for (let i = 0; i < 12; i += 1) people.push(await talk.person(`person${i}`));
    await Promise.all(people.map((person) => talk.invite(alice, roomId, person)));
    await Promise.all(people.map((person) => talk.join(person, roomId)));
    await Promise.all(people.map((person) => talk.say(person, roomId)));
    await Promise.all([...people.map((person) => talk.leave(person, roomId)), talk.name(alice, roomId, 'A room')]);
    await Promise.all(people.map((person) => nothingComesOf(talk.say(person, roomId))));
  });
});
