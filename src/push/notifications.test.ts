import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { countingReads } from '../storage/counting.testing.js';
import { engines } from '../storage/engines.testing.js';
import { openConversation, type Conversation } from './conversation.testing.js';
import { listNotifications } from './notifications.js';

interface Page {
  readonly next_token?: string;
  readonly notifications: readonly { readonly room_id: string; readonly read: boolean; readonly event: { readonly event_id: string } }[];
}

describe.each(engines)('notifications on $name', (engine) => {
  let talk: Conversation;
  let alice: Session;
  let bob: Session;

  beforeEach(async () => {
    talk = await openConversation(engine);
    [alice, bob] = [await talk.person('alice'), await talk.person('bob')];
  });
  afterEach(() => talk.drop());

  const pageOf = async (query: { from?: string; limit?: number } = {}): Promise<{ page: Page; statements: number }> => {
    let statements = 0;
    const answer = await listNotifications({ db: countingReads(talk.db, () => { statements += 1; }), clock: talk.clock }, { session: bob, query });
    return { page: JSON.parse(answer.text) as Page, statements };
  };

  it('of many rooms cost as many statements as of one', async () => {
    await talk.say(alice, await talk.room(alice, bob));
    const { statements: ofOne } = await pageOf();
    for (let i = 0; i < 5; i += 1) {
      const roomId = await talk.room(alice, bob);
      for (let n = 0; n < 3; n += 1) await talk.say(alice, roomId);
    }
    const { page, statements } = await pageOf();
    expect(page.notifications).toHaveLength(16);
    expect(statements).toBe(ofOne);
  });

  it('come newest first, page by page, each with its room and whether it was read', async () => {
    const [first, second] = [await talk.room(alice, bob), await talk.room(alice, bob)];
    const said = [await talk.say(alice, first), await talk.say(alice, second), await talk.say(alice, first)] as const;
    await talk.read(bob, second, said[1]);
    const { page } = await pageOf({ limit: 2 });
    expect(page.notifications.map(({ event, room_id, read }) => [event.event_id, room_id, read])).toEqual([[said[2], first, false], [said[1], second, true]]);
    const { page: rest } = await pageOf({ limit: 2, from: page.next_token ?? '' });
    expect(rest.notifications.map(({ event }) => event.event_id)).toEqual([said[0]]);
    expect(rest.next_token).toBeUndefined();
  });
});
