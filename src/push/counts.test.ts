import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { defaultPushRules } from '../matrix/default-push-rules.js';
import type { RoomId } from '../matrix/identifiers.js';
import type { PushRule, Ruleset } from '../matrix/push-rules.js';
import { countingReads } from '../storage/counting.testing.js';
import { sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { openConversation, type Conversation } from './conversation.testing.js';
import { unreadCounts, type CountedRoom, type RoomCounts } from './counts.js';
import { unreadEverywhere } from './unread.js';

describe.each(engines)('unread counts on $name', (engine) => {
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

  async function countedFor(reader: Session, roomNid: number): Promise<CountedRoom> {
    const row = await talk.db.read((tx) => tx.one<Record<string, number>>(sql`
      SELECT m.changed_seq, m.notify_sum, m.highlight_sum, m.has_own_push_rules, r.notify_sum AS all_notify, r.highlight_sum AS all_highlight, r.thread_seq
      FROM memberships m JOIN rooms r ON r.room_nid = m.room_nid WHERE m.room_nid = ${roomNid} AND m.user_nid = ${reader.userNid}`));
    const of = (name: string): number => row?.[name] ?? 0;
    return {
      room: { nid: roomNid, changedSeq: of('changed_seq'), baseline: { notify_sum: of('notify_sum'), highlight_sum: of('highlight_sum') }, hasOwnPushRules: of('has_own_push_rules') === 1 },
      tip: { notify_sum: of('all_notify'), highlight_sum: of('all_highlight'), thread_seq: of('thread_seq') },
    };
  }

  async function countsOf(reader: Session, of = roomId): Promise<RoomCounts | undefined> {
    const nid = await talk.nid(of);
    const counted = await countedFor(reader, nid);
    const counts = (await talk.db.read((tx) => unreadCounts(tx, reader.userNid, [counted]))).get(nid);
    // What telephones are told is added up by the database, by statements of its own, for all people at once.
    const told = await talk.db.read((tx) => unreadEverywhere(tx, [alice.userNid, reader.userNid], false));
    const all = [counts?.main, ...(counts?.threads.values() ?? [])].reduce((sum, part) => sum + (part?.notification_count ?? 0), 0);
    expect(told.get(reader.userNid)).toBe(all);
    return counts;
  }
  const main = async (reader: Session): Promise<number | undefined> => (await countsOf(reader))?.main.notification_count;
  const unread = (notification_count: number, highlight_count = 0) => ({ notification_count, highlight_count });

  it('are the messages after one’s join, one’s receipts and one’s own last message', async () => {
    await talk.say(alice, roomId);
    const read = await talk.say(alice, roomId);
    await talk.say(alice, roomId);
    expect([await main(bob), await main(alice)]).toEqual([3, 0]);
    await talk.read(bob, roomId, read);
    expect(await main(bob)).toBe(1);
    await talk.say(bob, roomId);
    expect([await main(bob), await main(alice)]).toEqual([0, 1]);
  });

  it('begin anew with a rejoin', async () => {
    await talk.say(alice, roomId);
    await talk.leave(bob, roomId);
    await talk.say(alice, roomId);
    await talk.invite(alice, roomId, bob);
    await talk.join(bob, roomId);
    expect(await main(bob)).toBe(0);
    await talk.say(alice, roomId);
    expect(await main(bob)).toBe(1);
  });

  it('keep threads apart from the room and from each other', async () => {
    const [one, two] = [await talk.say(alice, roomId), await talk.say(alice, roomId)];
    const read = await talk.sayInThread(alice, roomId, one);
    for (const root of [one, two, two]) await talk.sayInThread(alice, roomId, root);
    await talk.read(bob, roomId, read, one);
    expect(await countsOf(bob)).toEqual({ main: unread(2), threads: new Map([[one, unread(1)], [two, unread(2)]]) });
    await talk.read(bob, roomId, two, 'main');
    expect((await countsOf(bob))?.main).toEqual(unread(0));
    await talk.read(bob, roomId, await talk.say(alice, roomId));
    expect(await countsOf(bob)).toEqual({ main: unread(0), threads: new Map() });
  });

  it('of many rooms cost as many statements as of one', async () => {
    const asked: number[] = [];
    for (const count of [1, 12]) {
      const rooms = await Promise.all(Array.from({ length: count }, async () => {
        const id = await talk.room(alice, bob);
        await talk.sayInThread(alice, id, await talk.say(alice, id));
        return countedFor(bob, await talk.nid(id));
      }));
      let statements = 0;
      await countingReads(talk.db, () => { statements += 1; }).read((tx) => unreadCounts(tx, bob.userNid, rooms));
      asked.push(statements);
    }
    expect(asked[1]).toBe(asked[0]);
  });

  it('everywhere are the rooms with something unread, or all that is unread in them', async () => {
    const other = await talk.room(alice, bob);
    await talk.room(alice, bob);
    for (const id of [roomId, other, other]) await talk.say(alice, id);
    await talk.sayInThread(alice, other, await talk.say(alice, other));
    const everywhere = async (groupByRoom: boolean) => talk.db.read((tx) => unreadEverywhere(tx, [bob.userNid, alice.userNid], groupByRoom));
    expect(await everywhere(true)).toEqual(new Map([[bob.userNid, 2], [alice.userNid, 0]]));
    expect(await everywhere(false)).toEqual(new Map([[bob.userNid, 5], [alice.userNid, 0]]));
  });

  describe('with rules of one’s own', () => {
    const rulesWith = (rule: Partial<PushRule>): Ruleset => {
      const rules = defaultPushRules(bob.userId);
      const own = { rule_id: roomId, default: false, enabled: true, conditions: [{ kind: 'event_match', key: 'room_id', pattern: roomId }], actions: [], ...rule };
      return { ...rules, override: [own, ...rules.override] };
    };

    it('a muted room counts nothing, for its reader alone', async () => {
      const carol = await talk.person('carol');
      await talk.invite(alice, roomId, carol);
      await talk.join(carol, roomId);
      await talk.say(alice, roomId);
      await talk.setRules(bob, rulesWith({}));
      const root = await talk.say(alice, roomId);
      await talk.sayInThread(alice, roomId, root);
      expect(await countsOf(bob)).toEqual({ main: unread(1), threads: new Map([[root, unread(0)]]) });
      expect(await countsOf(carol)).toEqual({ main: unread(2), threads: new Map([[root, unread(1)]]) });
      await talk.read(bob, roomId, root);
      expect(await main(bob)).toBe(0);
      await talk.say(alice, roomId);
      expect(await main(bob)).toBe(0);
    });

    it('a rule that highlights is counted as such, and read like the rest', async () => {
      await talk.setRules(bob, rulesWith({ actions: ['notify', { set_tweak: 'highlight' }] }));
      const first = await talk.say(alice, roomId);
      await talk.sayInThread(alice, roomId, first);
      expect(await countsOf(bob)).toEqual({ main: unread(1, 1), threads: new Map([[first, unread(1, 1)]]) });
      await talk.read(bob, roomId, first, 'main');
      expect(await countsOf(bob)).toEqual({ main: unread(0), threads: new Map([[first, unread(1, 1)]]) });
    });

    it('what needs no correction any more is not kept', async () => {
      await talk.setRules(bob, rulesWith({}));
      const kept = async (): Promise<number> => (await talk.db.read((tx) => tx.all(sql`SELECT seq FROM push_differences`))).length;
      const root = await talk.say(alice, roomId);
      await talk.sayInThread(alice, roomId, root);
      await talk.read(bob, roomId, await talk.say(alice, roomId), 'main');
      expect(await kept()).toBe(3);
      const inThread = await talk.sayInThread(alice, roomId, root);
      expect(await kept()).toBe(2);
      await talk.read(bob, roomId, inThread, root);
      const last = await talk.say(alice, roomId);
      expect(await kept()).toBe(1);
      await talk.read(bob, roomId, last);
      await talk.say(alice, roomId);
      expect(await kept()).toBe(1);
    });
  });
});
