import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { defaultPushRules } from '../matrix/default-push-rules.js';
import type { RoomId } from '../matrix/identifiers.js';
import type { PushRule } from '../matrix/push-rules.js';
import { sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { openConversation, type Conversation } from './conversation.testing.js';

describe.each(engines)('differences from the default push rules on $name', (engine) => {
  let talk: Conversation;
  let alice: Session;
  let bob: Session;
  let roomId: RoomId;

  beforeEach(async () => {
    talk = await openConversation(engine);
    [alice, bob] = [await talk.person('alice'), await talk.person('bob')];
    roomId = await talk.room(alice, bob);
  });
  afterEach(() => talk.drop());

  const override = (session: Session, rule: Partial<PushRule>) => {
    const rules = defaultPushRules(session.userId);
    return { ...rules, override: [{ rule_id: 'own', default: false, enabled: true, conditions: [], actions: [], ...rule }, ...rules.override] };
  };
  const noted = () => talk.db.read((tx) => tx.all(sql`SELECT user_nid, notify, highlight FROM push_differences ORDER BY user_nid, seq`));

  it('are noted for whoever’s rules say something else, never for the sender', async () => {
    await talk.setRules(alice, override(alice, {}));
    await talk.setRules(bob, override(bob, { actions: ['notify', { set_tweak: 'highlight' }] }));
    await talk.say(alice, roomId);
    expect(await noted()).toEqual([{ user_nid: bob.userNid, notify: 0, highlight: 1 }]);
    await talk.say(bob, roomId);
    expect(await noted()).toContainEqual({ user_nid: alice.userNid, notify: -1, highlight: 0 });
  });

  it('are not noted where the rules come to the same', async () => {
    await talk.setRules(bob, override(bob, { enabled: false }));
    await talk.say(alice, roomId);
    expect(await noted()).toEqual([]);
  });

  it('know how many are in the room', async () => {
    await talk.setRules(bob, override(bob, { conditions: [{ kind: 'room_member_count', is: '>2' }] }));
    await talk.say(alice, roomId);
    expect(await noted()).toEqual([]);
    const carol = await talk.person('carol');
    await talk.invite(alice, roomId, carol);
    await talk.join(carol, roomId);
    await talk.say(alice, roomId);
    expect(await noted()).toEqual([{ user_nid: bob.userNid, notify: -1, highlight: 0 }]);
  });

  it('count state too when somebody wants to hear of it, and stop with the membership', async () => {
    await talk.setRules(bob, override(bob, { conditions: [{ kind: 'event_match', key: 'type', pattern: 'm.room.name' }], actions: ['notify'] }));
    await talk.name(alice, roomId, 'News');
    expect(await noted()).toEqual([{ user_nid: bob.userNid, notify: 1, highlight: 0 }]);
    await talk.leave(bob, roomId);
    await talk.name(alice, roomId, 'No news');
    expect(await noted()).toHaveLength(1);
  });
});
