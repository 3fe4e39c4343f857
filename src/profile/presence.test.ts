import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makePerson, testDeps, type TestDeps } from '../auth/people.testing.js';
import type { Session } from '../auth/session.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { currentPosition, Notifier } from '../storage/stream.js';
import { shareRoom } from './contacts.testing.js';
import { findPresence, presenceSince, presentIn } from './presence-store.js';
import { Presence } from './presence.js';

describe.each(engines)('presence on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps;
  let alice: Session;
  let now: number;
  let presence: Presence;
  beforeEach(async () => {
    test = await engine.open();
    deps = testDeps(test.db);
    alice = await makePerson(deps, 'alice');
    now = 1_000_000;
    presence = await newProcess();
  });
  afterEach(() => test.drop());

  /** What a process of the server holds, with its own ears. */
  async function newProcess(): Promise<Presence & { upToDate(): Promise<void> }> {
    const notifier = new Notifier(test.db, await test.db.read(currentPosition));
    const upToDate = async (): Promise<void> => {
      while (notifier.newest < (await test.db.read(currentPosition))) await new Promise((later) => setTimeout(later, 2));
    };
    return Object.assign(new Presence({ db: test.db, clock: () => now, notifier }), { upToDate });
  }
  const stateOf = async ({ userNid }: Session): Promise<string | undefined> => (await test.db.read((tx) => findPresence(tx, userNid)))?.state;
  const position = (): Promise<number> => test.db.read(currentPosition);

  it('is online while a device polls, and offline half a minute after the last poll', async () => {
    const ended = presence.polling(alice, undefined);
    now += 3_600_000;
    await presence.flush();
    expect(await stateOf(alice)).toBe('online');
    ended();
    now += 29_000;
    await presence.flush();
    expect(await stateOf(alice)).toBe('online');
    now += 2_000;
    await presence.flush();
    expect(await stateOf(alice)).toBe('offline');
  });

  it('is written once for everybody who changed, and not at all when nobody did', async () => {
    const others = [await makePerson(deps, 'bob'), await makePerson(deps, 'carol')];
    const before = await position();
    for (const session of [alice, ...others]) presence.polling(session, undefined);
    await presence.flush();
    expect(await position()).toBe(before + 1);
    for (const session of [alice, ...others]) presence.polling(session, undefined);
    await presence.flush();
    expect(await position()).toBe(before + 1);
  });

  it('is the best of what a person’s devices say', async () => {
    const phone = { ...alice, deviceNid: alice.deviceNid + 1_000_000 };
    presence.polling(alice, 'unavailable')();
    expect(presence.declare(phone, 'online')).toBe('online');
    presence.polling(phone, undefined);
    now += 31_000;
    expect(presence.declare(phone, 'unavailable')).toBe('unavailable');
    await presence.flush();
    expect(await stateOf(alice)).toBe('unavailable');
    // A poll that wishes for nothing leaves what the device said.
    presence.polling(phone, undefined);
    await presence.flush();
    expect(await stateOf(alice)).toBe('unavailable');
  });

  it('is nothing to a device that polls unseen', async () => {
    presence.polling(alice, 'offline');
    await presence.flush();
    expect(await stateOf(alice)).toBeUndefined();
  });

  it('is told to who has joined a room together with the person, and to nobody else', async () => {
    const [bob, carol] = [await makePerson(deps, 'bob'), await makePerson(deps, 'carol')];
    const room = await shareRoom(test.db, '!r:shard.example', [alice.userNid, bob.userNid]);
    const after = await position();
    presence.polling(alice, undefined);
    await presence.flush();
    const upTo = await position();
    const told = ({ userNid: viewerNid }: Session, roomNids = [room]) => test.db.read((tx) => presenceSince(tx, { viewerNid, roomNids }, { after, upTo }));
    expect(await told(bob)).toMatchObject([{ user_id: alice.userId, state: 'online', status_msg: null }]);
    expect(await told(alice)).toHaveLength(1);
    expect(await told(alice, [])).toHaveLength(1);
    expect(await told(carol, [])).toEqual([]);
    const present = await test.db.read((tx) => presentIn(tx, [room], { after: 0, upTo }));
    expect(present.map(({ user_id }) => user_id)).toEqual([alice.userId]);
  });

  it('ends for who does not come back after a restart', async () => {
    presence.polling(alice, undefined);
    await presence.flush();
    const bob = await makePerson(deps, 'bob');
    presence.polling(bob, undefined);
    await presence.flush();
    const restarted = await newProcess();
    restarted.polling(bob, undefined);
    now += 61_000;
    await restarted.flush();
    expect([await stateOf(alice), await stateOf(bob)]).toEqual(['offline', 'online']);
  });

  it('is set right by the process that a device still polls, and then left alone', async () => {
    const [here, there] = [await newProcess(), await newProcess()];
    const ended = here.polling(alice, undefined);
    there.polling({ ...alice, deviceNid: alice.deviceNid + 1_000_000 }, undefined);
    await here.flush();
    await there.flush();
    ended();
    now += 31_000;
    await here.flush();
    expect(await stateOf(alice)).toBe('offline');
    await there.upToDate();
    await there.flush();
    expect(await stateOf(alice)).toBe('online');
    const settled = await position();
    for (const process of [here, there, here, there]) {
      await process.upToDate();
      await process.flush();
    }
    expect(await position()).toBe(settled);
  });
});
